/** Verifies tokens that we minted ourselves, by the keys that their issuer publishes: a key that was dropped in an emergency verifies nothing here either. */
import { createLocalJWKSet, decodeJwt, type JWK, jwtVerify } from 'jose';
import type { Denial } from '../../core/denial.ts';
import { isJsonObject, parseStrictJson } from '../../core/json.ts';
import { holderOf, type OwnToken, type VerifyOwnToken } from '../../core/own-token.ts';
import { ok, type Result } from '../../core/result.ts';
import { ringOf } from '../../core/rings.ts';

interface OwnTokenOptions {
  readonly publicOrigin: string;
  /** By the name of the ring. */
  readonly publishedKeys: (ring: string) => Promise<Result<{ readonly keys: readonly JWK[] } | undefined, Denial>>;
  readonly nowMs: () => number;
}

const MAX_TOKEN_CHARACTERS = 16_384;

export function createOwnTokenVerifier({ publicOrigin, publishedKeys, nowMs }: OwnTokenOptions): VerifyOwnToken {
  return async (token) => {
    const issuer = token.length <= MAX_TOKEN_CHARACTERS ? issuerIn(token) : '';
    const ring = issuer.startsWith(`${publicOrigin}/`) ? ringAt(issuer.slice(publicOrigin.length)) : undefined;
    if (ring === undefined) return ok(undefined);
    const keys = await publishedKeys(ring);
    if (!keys.ok || keys.value === undefined) return keys.ok ? ok(undefined) : keys;
    return ok(await verified(token, issuer, ring, keys.value.keys));
  };

  async function verified(
    token: string,
    issuer: string,
    ring: string,
    keys: readonly JWK[],
  ): Promise<OwnToken | undefined> {
    try {
      const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet({ keys: [...keys] }), {
        issuer,
        algorithms: ['ES256', 'RS256'],
        requiredClaims: ['exp', 'sub'],
        currentDate: new Date(nowMs()),
      });
      const claims = parseStrictJson(JSON.stringify(payload));
      if (!claims.ok || !isJsonObject(claims.value)) return undefined;
      const holder = holderOf(claims.value, ring, publicOrigin);
      return holder && { ring, typ: protectedHeader.typ ?? '', claims: claims.value, holder };
    } catch {
      return undefined;
    }
  }
}

function issuerIn(token: string): string {
  try {
    return decodeJwt(token).iss ?? '';
  } catch {
    return '';
  }
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
