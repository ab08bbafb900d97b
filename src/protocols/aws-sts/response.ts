/** What AWS's clients hear: XML with a request id (WIRE.md F.1 to F.4). Pure. */
import { assumedRoleArn, oidcProviderArn, parseRoleArn } from '../../core/aws/arn.ts';
import type { AssumedRole } from '../../core/aws/assume-role.ts';
import { type RoleSession, userId } from '../../core/aws/session.ts';
import type { SignedCaller } from '../../core/aws/signed-caller.ts';
import type { AwsError } from './errors.ts';
import { documentOf, type Element } from './xml.ts';

export function renderAssumedRole(assumed: AssumedRole, requestId: string): Response {
  const { credentials, session, packedPercent } = assumed;
  return result('AssumeRoleWithWebIdentity', requestId, [
    [
      'Credentials',
      [
        ['AccessKeyId', credentials.accessKeyId],
        ['SecretAccessKey', credentials.secretAccessKey],
        ['SessionToken', credentials.sessionToken],
        ['Expiration', timeOf(session.expiresAtSeconds)],
      ],
    ],
    ['SubjectFromWebIdentityToken', assumed.subject],
    [
      'AssumedRoleUser',
      [
        ['AssumedRoleId', userId(session)],
        ['Arn', arnOf(session)],
      ],
    ],
    ['PackedPolicySize', packedPercent],
    ['Provider', oidcProviderArn(accountOf(session), assumed.issuerUri)],
    ['Audience', assumed.audience],
    ['SourceIdentity', session.sourceIdentity],
  ]);
}

export function renderCallerIdentity({ session, accountId }: SignedCaller, requestId: string): Response {
  return result('GetCallerIdentity', requestId, [
    ['Arn', arnOf(session)],
    ['UserId', userId(session)],
    ['Account', accountId],
  ]);
}

export function renderAccessKeyInfo(accountId: string, requestId: string): Response {
  return result('GetAccessKeyInfo', requestId, [['Account', accountId]]);
}

export function renderDecodedMessage(message: string, requestId: string): Response {
  return result('DecodeAuthorizationMessage', requestId, [['DecodedMessage', message]]);
}

export function renderError({ status, code, message }: AwsError, requestId: string): Response {
  const error: Element = [
    'Error',
    [
      ['Type', status >= 500 ? 'Receiver' : 'Sender'],
      ['Code', code],
      ['Message', message],
    ],
  ];
  return answer(status, documentOf('ErrorResponse', [error, ['RequestId', requestId]]), requestId);
}

export function arnOf({ roleArn, sessionName }: Pick<RoleSession, 'roleArn' | 'sessionName'>): string {
  const role = parseRoleArn(roleArn);
  return role === undefined ? '' : assumedRoleArn(role, sessionName);
}

export function timeOf(epochSeconds: number): string {
  return new Date(epochSeconds * 1_000).toISOString().replace('.000Z', 'Z');
}

function accountOf({ roleArn }: RoleSession): string {
  return parseRoleArn(roleArn)?.accountId ?? '';
}

function result(action: string, requestId: string, elements: readonly Element[]): Response {
  const metadata: Element = ['ResponseMetadata', [['RequestId', requestId]]];
  return answer(200, documentOf(`${action}Response`, [[`${action}Result`, elements], metadata]), requestId);
}

function answer(status: number, body: string, requestId: string): Response {
  const headers = { 'Content-Type': 'text/xml', 'Cache-Control': 'no-store', 'x-amzn-RequestId': requestId };
  return new Response(body, { status, headers });
}
