/** What every token of ours that is shown here says of itself: which one it is, since and until when, and what it may at most. */
import { type AccessBoundary, boundaryIn } from './access-boundary.ts';
import type { ShownToken } from './admin/caller.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import { OWN_CLAIM } from './own-claim.ts';

export interface TokenLimits {
  readonly token?: ShownToken;
  readonly boundary?: AccessBoundary;
}

/** Undefined where a boundary cannot be read. */
export function limitsIn(claims: JsonObject): TokenLimits | undefined {
  const { jti, iat, exp } = claims;
  const said = claims[OWN_CLAIM];
  const own = isJsonObject(said) ? said : {};
  const boundary = boundaryIn(own['boundary']);
  if (boundary === 'broken') return undefined;
  const limits = boundary === undefined ? {} : { boundary };
  if (typeof jti !== 'string' || typeof iat !== 'number' || typeof exp !== 'number') return limits;
  const from = own['from'];
  const token = {
    tokenId: jti,
    issuedAtSeconds: iat,
    expiresAtSeconds: exp,
    ...(typeof from === 'string' ? { fromTokenId: from } : {}),
  };
  return { ...limits, token };
}
