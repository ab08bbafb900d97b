/** `POST /aws/verify`: a service shows a request that it received and hears who signed it, and what of it is signed. JSON, and google.rpc.Status. */
import type { Hono } from 'hono';
import { newRoutes } from '../routes.ts';
import type { AuthenticateAdmin } from '../../core/admin/authenticated.ts';
import type { AwsPorts } from '../../core/aws/ports.ts';
import { userId } from '../../core/aws/session.ts';
import { headerValues, type SignedParts } from '../../core/aws/sigv4/parts.ts';
import { type CallerFault, type SignedCaller, signedCaller } from '../../core/aws/signed-caller.ts';
import type { JsonObject } from '../../core/json.ts';
import { admit } from '../admit.ts';
import { renderDenial, renderJson } from '../google-status.ts';
import { readJsonBody } from '../json-body.ts';
import { arnOf, timeOf } from './response.ts';
import { parseVerify } from './verify-request.ts';

export const AWS_VERIFY_PATH = '/aws/verify';

type Routes = Hono<{ Variables: { requestId: string } }>;

export function createAwsVerifyRoutes(ports: AwsPorts, authenticate: AuthenticateAdmin): Routes {
  const routes: Routes = newRoutes();
  routes.all(AWS_VERIFY_PATH, async (context) => {
    if (context.req.method !== 'POST') return renderDenial({ tag: 'method_not_allowed', allow: ['POST'] });
    // Nobody may try out signatures and tokens here without saying who he is.
    const caller = await admit(context.req.raw, context.get('requestId'), authenticate);
    if (!caller.ok) return renderDenial(caller.error);
    const document = await readJsonBody(context.req.raw);
    if (!document.ok) return renderDenial(document.error);
    const asked = parseVerify(document.value);
    if (!asked.ok) return renderDenial(asked.error);
    const { body, expectedHost, ...rest } = asked.value;
    const parts: SignedParts = { ...rest, bodySha256: await ports.crypto.sha256Hex(body), bodyBytes: body.length };
    const hosts = headerValues(parts, 'host');
    // A request that was signed for somebody else, whoever hands it on.
    const isOurs = hosts.length === 1 && hosts[0] === expectedHost;
    const signed = await signedCaller(parts, ports, () =>
      isOurs ? undefined : { tag: 'mismatch', problem: 'the host header is not expectedHost' },
    );
    return signed.ok ? renderJson(renderSigned(signed.value, parts)) : refusal(signed.error);
  });
  return routes;
}

/** Only what is signed is answered: the rest of the request may be anybody's. */
function renderSigned({ session, signature, accountId }: SignedCaller, parts: SignedParts): JsonObject {
  const { sourceIdentity, tags } = session;
  const headers = signature.signedHeaders.map((name) => [name, headerValues(parts, name).join(',')] as const);
  return {
    arn: arnOf(session),
    account: accountId,
    userId: userId(session),
    roleArn: session.roleArn,
    principal: session.principal,
    ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
    tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
    sessionExpireTime: timeOf(session.expiresAtSeconds),
    signed: {
      method: parts.method,
      host: headerValues(parts, 'host')[0] ?? '',
      path: parts.path,
      query: parts.query,
      headers: Object.fromEntries(headers),
      bodySha256: parts.bodySha256,
      service: signature.scope.service,
      region: signature.scope.region,
      time: timeOf(signature.signedAtSeconds),
    },
  };
}

/** The service is not the one that signed, so it hears why: 403 for a signature that does not count, whatever the fault. */
function refusal(fault: CallerFault): Response {
  if (fault.tag === 'unavailable') {
    return renderDenial({ ...fault, description: 'Who signed could not be found out. Try again.' });
  }
  const { reason, message } = wordsFor(fault);
  const details = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'sts.googleapis.com' }];
  return renderJson({ error: { code: 403, status: 'PERMISSION_DENIED', message, details } }, 403);
}

function wordsFor(fault: Exclude<CallerFault, { tag: 'unavailable' }>): { reason: string; message: string } {
  switch (fault.tag) {
    case 'missing':
      return { reason: 'NOT_SIGNED', message: 'The request is not signed.' };
    case 'incomplete':
      return { reason: 'SIGNATURE_INCOMPLETE', message: `The signature cannot be used: ${fault.problem}.` };
    case 'time':
      return { reason: 'SIGNATURE_EXPIRED', message: `The signature does not count now: ${fault.problem}.` };
    case 'mismatch':
      return { reason: 'SIGNATURE_DOES_NOT_MATCH', message: `The signature does not hold: ${fault.problem}.` };
    case 'unknown_key':
      return { reason: 'KEY_UNKNOWN', message: 'The key and its session token are not of this broker.' };
    case 'expired_session':
      return { reason: 'SESSION_EXPIRED', message: 'The session is over.' };
    case 'revoked_session':
      return { reason: 'SESSION_REVOKED', message: 'The session is revoked.' };
    case 'role_gone':
      return { reason: 'ROLE_GONE', message: 'The role is disabled, deleted, or another one by now.' };
  }
}
