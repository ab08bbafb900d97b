/** AWS STS at `/aws/sts` and `/aws/sts/` (JS appends the slash, botocore does not), and at `/` of a host of its own: bytes in, bytes out. */
import type { Hono } from 'hono';
import { newRoutes } from '../routes.ts';
import { accountOfKeyId } from '../../core/aws/session.ts';
import { assumeRole } from '../../core/aws/assume-role.ts';
import { authorizationMessage, decodeMessage } from '../../core/aws/authorization-message.ts';
import { roleArn } from '../../core/aws/arn.ts';
import type { AwsPorts } from '../../core/aws/ports.ts';
import { type SignedCaller, signedCaller } from '../../core/aws/signed-caller.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { isLater } from '../../core/soon.ts';
import { decodeUtf8, readBody } from '../read-body.ts';
import { parseAssumeRole } from './assume-role-request.ts';
import { awsError, type AwsError, errorOfCaller, errorOfDenial } from './errors.ts';
import { faultForUs, partsOf } from './parts.ts';
import { parseQueryRequest, type QueryRequest } from './query.ts';
import {
  renderAccessKeyInfo,
  renderAssumedRole,
  renderCallerIdentity,
  renderDecodedMessage,
  renderError,
} from './response.ts';

const MAX_BODY_BYTES = 65_536;
const MAX_MESSAGE_CHARACTERS = 10_240;

type Routes = Hono<{ Variables: { requestId: string } }>;

export const AWS_STS_PATHS: readonly string[] = ['/aws/sts', '/aws/sts/'];

interface Asked {
  readonly request: Request;
  readonly requestId: string;
  readonly query: QueryRequest;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** `host`: one that is this door and nothing else. */
export function createAwsStsRoutes(ports: AwsPorts, host: string | undefined): Routes {
  const routes: Routes = newRoutes();
  for (const path of AWS_STS_PATHS) {
    routes.all(path, (context) => answer(context.req.raw, context.get('requestId')));
  }
  if (host !== undefined) {
    routes.all('/', async (context, next) => {
      if (new URL(context.req.url).host !== host) return next();
      return answer(context.req.raw, context.get('requestId'));
    });
  }
  return routes;

  async function answer(request: Request, requestId: string): Promise<Response> {
    const asked = await read(request, requestId);
    if (!asked.ok) return refuse(asked.error, requestId);
    switch (asked.value.query.action) {
      case 'AssumeRoleWithWebIdentity':
        return assume(asked.value);
      case 'GetCallerIdentity':
        return signed(asked.value, async (caller) => ok(renderCallerIdentity(caller, requestId)));
      case 'GetAccessKeyInfo':
        return signed(asked.value, async (caller) => accessKeyInfo(asked.value, caller));
      case 'DecodeAuthorizationMessage':
        return signed(asked.value, async (caller) => decode(asked.value, caller));
      default:
        return refuse(
          awsError(400, 'InvalidAction', 'Could not find this operation for version 2011-06-15'),
          requestId,
        );
    }
  }

  async function assume({ request, requestId, query }: Asked): Promise<Response> {
    const parsed = parseAssumeRole(query);
    if (!parsed.ok) return refuse(parsed.error, requestId);
    // Cloudflare sets this header itself and overwrites what a client sends; X-Forwarded-For is anybody's word.
    const address = request.headers.get('cf-connecting-ip') ?? 'unknown';
    const { issued, principal } = await assumeRole({ ...parsed.value, requestId, address }, ports);
    if (issued.ok) return renderAssumedRole(issued.value, requestId);
    const error = errorOfDenial(issued.error);
    if (error.code !== 'AccessDenied') return renderError(error, requestId);
    const { role } = parsed.value;
    const { accountId } = role;
    const refused = { accountId, roleArn: roleArn(role), requestId, denial: issued.error };
    const encoded = await authorizationMessage(principal === undefined ? refused : { ...refused, principal }, ports);
    return renderError(
      { ...error, message: `${error.message} Encoded authorization failure message: ${encoded}` },
      requestId,
    );
  }

  async function signed(
    { request, requestId, body }: Asked,
    then: (caller: SignedCaller) => Promise<Result<Response, AwsError>>,
  ): Promise<Response> {
    const caller = await signedCaller(await partsOf(request, body, ports.crypto), ports, faultForUs);
    if (!caller.ok) return refuse(errorOfCaller(caller.error), requestId);
    const answered = await then(caller.value);
    return answered.ok ? answered.value : refuse(answered.error, requestId);
  }

  /** Of keys of the caller's own account: whose the others are is nobody's business here. */
  async function accessKeyInfo(
    { query, requestId }: Asked,
    { accountId }: SignedCaller,
  ): Promise<Result<Response, AwsError>> {
    const keyId = query.parameters.get('AccessKeyId');
    if (keyId === undefined)
      return err(awsError(400, 'MissingParameter', 'The request must contain the parameter AccessKeyId'));
    const found = accountOfKeyId(keyId);
    if (found === undefined)
      return err(awsError(400, 'ValidationError', 'AccessKeyId is not an access key id of this service'));
    if (found !== accountId)
      return err(awsError(403, 'AccessDenied', 'Not authorized to perform sts:GetAccessKeyInfo'));
    return ok(renderAccessKeyInfo(found, requestId));
  }

  async function decode({ query, requestId }: Asked, caller: SignedCaller): Promise<Result<Response, AwsError>> {
    const message = query.parameters.get('EncodedMessage') ?? '';
    if (message === '')
      return err(awsError(400, 'MissingParameter', 'The request must contain the parameter EncodedMessage'));
    if (message.length > MAX_MESSAGE_CHARACTERS)
      return err(awsError(400, 'ValidationError', 'EncodedMessage is too long'));
    const decoded = await decodeMessage(message, caller, ports);
    if (decoded.ok) return ok(renderDecodedMessage(decoded.value, requestId));
    return err(
      decoded.error === 'not_authorized'
        ? awsError(403, 'AccessDenied', 'Not authorized to perform sts:DecodeAuthorizationMessage')
        : awsError(400, 'InvalidAuthorizationMessageException', 'The message is not one of this account'),
    );
  }

  /** What is refused before it is an exchange, or is none, leaves its line as well. */
  async function refuse(error: AwsError, requestId: string): Promise<Response> {
    const { exchange } = ports;
    const check = `${error.code}: ${error.check ?? error.message}`;
    const event = {
      timeMs: exchange.nowMs(),
      requestId,
      outcome: 'refused',
      reason: 'aws',
      check,
      durationsMs: {},
    } as const;
    const recorded = exchange.record(event);
    if (isLater(recorded)) await recorded;
    return renderError(error, requestId);
  }
}

async function read(request: Request, requestId: string): Promise<Result<Asked, AwsError>> {
  const body = await readBody(request, MAX_BODY_BYTES);
  if (body === 'too_large')
    return err(awsError(413, 'InvalidParameterValue', 'The request body is larger than 64 KiB'));
  if (body === 'broken')
    return err(awsError(400, 'InvalidParameterValue', 'The request body ended early or did not come in time'));
  const text = decodeUtf8(body);
  if (text === undefined) return err(awsError(400, 'InvalidParameterValue', 'The request body is not UTF-8'));
  const query = parseQueryRequest({
    method: request.method,
    mediaType: request.headers.get('content-type') ?? '',
    query: new URL(request.url).search.slice(1),
    body: text,
  });
  return query.ok ? ok({ request, requestId, query: query.value, body }) : query;
}
