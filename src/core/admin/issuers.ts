/** Issuers and audiences of a provider: what may stand there. */
import { wrong, type Violations } from './fields.ts';

const MAX_ISSUER = 2_000;
const MAX_AUDIENCES = 10;
const MAX_AUDIENCE = 256;
const LOOPBACK_HOST = /^(localhost|\[::1\]|127(\.[0-9]{1,3}){3})$/;
const PRINTABLE = /^[\u0021-\u007e]+$/;

/**
 * Kept and compared byte for byte, so it is never normalised. The host need not exist: clusters that call themselves
 * `https://kubernetes.default.svc.cluster.local` are the reason for uploaded keys.
 */
export function checkIssuerUri(field: string, uri: string | undefined, loopbackAllowed: boolean): Violations {
  if (uri === undefined || uri === '') return wrong(field, 'is required');
  if (uri.length > MAX_ISSUER) return wrong(field, `longer than ${MAX_ISSUER} characters`);
  if (!PRINTABLE.test(uri) || uri.includes('\\') || !URL.canParse(uri)) return wrong(field, 'is not a URL');
  const url = new URL(uri);
  const loopbackHttp = loopbackAllowed && uri.startsWith('http://') && LOOPBACK_HOST.test(url.hostname);
  if (!uri.startsWith('https://') && !loopbackHttp) return wrong(field, 'must begin with https://');
  const [authority = ''] = uri.slice(uri.indexOf('://') + 3).split('/');
  if (authority.includes('@')) return wrong(field, 'must not hold a user name or password');
  return /[?#]/.test(uri) ? wrong(field, 'must not have a query or fragment') : [];
}

/** The API server's own audience: a workload's token for the cluster itself must never be good here (CVE-2025-32963). */
const API_SERVER_AUDIENCE = 'https://kubernetes.default.svc';

export function checkAudiences(
  field: string,
  audiences: readonly string[],
  kind: 'kubernetes' | 'oidc',
  issuerUri: string,
): Violations {
  if (audiences.length > MAX_AUDIENCES) return wrong(field, `holds more than ${MAX_AUDIENCES} audiences`);
  return audiences.flatMap((audience, index) => {
    const at = `${field}[${index}]`;
    if (audience === '') return wrong(at, 'is empty');
    if (audience.length > MAX_AUDIENCE) return wrong(at, `longer than ${MAX_AUDIENCE} characters`);
    const apiServer = audience.startsWith(API_SERVER_AUDIENCE) || (kind === 'kubernetes' && audience === issuerUri);
    if (!apiServer) return [];
    return wrong(at, "is the API server's own audience: tokens for the cluster itself must not be exchanged");
  });
}
