/** Verifies tokens that we minted ourselves, by the keys that their issuer publishes: a key that was dropped in an emergency verifies nothing here either. */
import type { BareJwk } from '../../core/admin/jwks.ts';
import { parseJwt } from '../../core/assertion.ts';
import type { Denial } from '../../core/denial.ts';
import { holderOf, type VerifyOwnToken } from '../../core/own-token.ts';
import { ok, type Result } from '../../core/result.ts';
import { ringOf } from '../../core/rings.ts';
import type { VerifySignature } from '../../core/verify.ts';
import { verifyJwt } from '../../core/verify-jwt.ts';

interface OwnTokenOptions {
  readonly publicOrigin: string;
  /** By the name of the ring. */
  readonly publishedKeys: (ring: string) => Promise<Result<{ readonly keys: readonly BareJwk[] } | undefined, Denial>>;
  readonly verifySignature: VerifySignature;
  readonly nowMs: () => number;
}

const MAX_TOKEN_CHARACTERS = 16_384;

export function createOwnTokenVerifier(options: OwnTokenOptions): VerifyOwnToken {
  const { publicOrigin, publishedKeys, verifySignature, nowMs } = options;

  return async (token) => {
    const jwt = token.length <= MAX_TOKEN_CHARACTERS ? parseJwt(token) : undefined;
    if (jwt?.ok !== true) return ok(undefined);
    const { iss: issuer } = jwt.value.claims;
    if (typeof issuer !== 'string' || !issuer.startsWith(`${publicOrigin}/`)) return ok(undefined);
    const ring = ringAt(issuer.slice(publicOrigin.length));
    if (ring === undefined) return ok(undefined);
    const published = await publishedKeys(ring);
    if (!published.ok || published.value === undefined) return published.ok ? ok(undefined) : published;
    const expected = { issuer, required: ['sub'] } as const;
    const claims = await verifyJwt(jwt.value, published.value.keys, expected, verifySignature, nowMs());
    const holder = claims && holderOf(claims, ring, publicOrigin);
    return ok(claims && holder && { ring, typ: jwt.value.header.typ ?? '', claims, holder });
  };
}

/** The first is a pool's, the second that of the project's service accounts: each has its own ring. */
const POOL_ISSUER = /^\/([1-9][0-9]{5,18})\/[^/]+$/;
const ACCOUNTS_ISSUER = /^\/([1-9][0-9]{5,18})$/;

function ringAt(path: string): string | undefined {
  const [, ofPool] = POOL_ISSUER.exec(path) ?? [];
  if (ofPool !== undefined) return ringOf.exchanges(ofPool);
  const [, ofAccounts] = ACCOUNTS_ISSUER.exec(path) ?? [];
  return ofAccounts === undefined ? undefined : ringOf.accountTokens(ofAccounts);
}
