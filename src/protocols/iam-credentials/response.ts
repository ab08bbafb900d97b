/** Credentials and refusals as IAM Credentials v1 has them (WIRE.md D, A.10). */
import type { CredentialDenial } from '../../core/credentials/denial.ts';
import type { Generated } from '../../core/credentials/generate.ts';
import type { JsonObject } from '../../core/json.ts';
import { renderDenial, renderFault, renderJson } from '../google-status.ts';
import type { HttpDenial } from '../http-denial.ts';

export function renderGenerated(generated: Generated): Response {
  switch (generated.method) {
    case 'generateAccessToken': {
      const { accessToken, expiresAtSeconds } = generated;
      // Without a fraction: Python's and Java's clients read no other form.
      const expireTime = new Date(expiresAtSeconds * 1_000).toISOString().replace('.000Z', 'Z');
      return renderJson({ accessToken, expireTime });
    }
    case 'generateIdToken':
      return renderJson({ token: generated.token });
    case 'signJwt':
      return renderJson({ keyId: generated.keyId, signedJwt: generated.signedJwt });
    case 'signBlob':
      return renderJson({ keyId: generated.keyId, signedBlob: base64(generated.signature) });
  }
}

const QUOTA = 'CredentialGenerationRequestsPerMinutePerProject';
const METRIC = 'iamcredentials.googleapis.com/generate_credentials_requests';
const SERVICE = 'iamcredentials.googleapis.com';

export function renderCredentialDenial(denial: CredentialDenial | HttpDenial): Response {
  switch (denial.tag) {
    case 'insufficient_scope':
      return status(403, 'PERMISSION_DENIED', 'Request had insufficient authentication scopes.', [
        info('ACCESS_TOKEN_SCOPE_INSUFFICIENT', 'googleapis.com', { service: SERVICE, method: denial.method }),
      ]);
    case 'credentials_over_quota': {
      const { projectNumber, limitPerMinute, retryAfterSeconds } = denial;
      const consumer = `projects/${projectNumber}`;
      const message = `Quota exceeded for quota metric '${METRIC}' and limit '${QUOTA}' of service '${SERVICE}' for consumer 'project_number:${projectNumber}'.`;
      const metadata = {
        service: SERVICE,
        consumer,
        quota_metric: METRIC,
        quota_limit: QUOTA,
        quota_limit_value: String(limitPerMinute),
        quota_location: 'global',
      };
      const details = [
        info('RATE_LIMIT_EXCEEDED', 'googleapis.com', metadata),
        { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${retryAfterSeconds}s` },
      ];
      return status(429, 'RESOURCE_EXHAUSTED', message, details, { 'retry-after': String(retryAfterSeconds) });
    }
    case 'token_too_large':
      return status(
        400,
        'FAILED_PRECONDITION',
        `The token would be ${denial.bytes} bytes: fewer scopes, or fewer accounts on the way, make it smaller.`,
      );
    case 'internal':
      return renderFault();
    default:
      return renderDenial(denial);
  }
}

function status(
  code: number,
  name: string,
  message: string,
  details: readonly JsonObject[] = [],
  headers: Readonly<Record<string, string>> = {},
): Response {
  return renderJson(
    { error: { code, message, status: name, ...(details.length > 0 ? { details } : {}) } },
    code,
    headers,
  );
}

function info(reason: string, domain: string, metadata: Readonly<Record<string, string>>): JsonObject {
  return { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain, metadata };
}

function base64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
