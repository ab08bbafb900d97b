/** What `signJwt` signs: the caller's claims, but for what would make them look like a token of ours (WIRE.md D). */
import type { Impersonable } from '../admin/authority/impersonation.ts';
import { invalid } from '../admin/denial.ts';
import type { JsonObject } from '../json.ts';
import { err, ok, type Result } from '../result.ts';
import { accountIssuer } from '../service-account-claims.ts';
import type { CredentialDenial } from './denial.ts';

const MAX_AHEAD_SECONDS = 43_200;

/**
 * `iss` is the account's own issuer where the claims name none. Another issuer of ours is refused: nobody verifies it by this account's
 * keys, and nobody should be led to try.
 */
export function signedPayload(
  claims: JsonObject,
  { projectNumber }: Pick<Impersonable, 'projectNumber'>,
  publicOrigin: string,
  nowSeconds: number,
): Result<JsonObject, CredentialDenial> {
  const own = accountIssuer(publicOrigin, projectNumber);
  const { iss = own, exp } = claims;
  if (typeof iss !== 'string') return err(invalid('payload', 'has an iss that is not a string'));
  const isOurs = iss === publicOrigin || iss.startsWith(`${publicOrigin}/`);
  if (isOurs && iss !== own) {
    return err(invalid('payload', `has an iss of this broker that is not the account's: ${own}, or leave it out`));
  }
  if (exp !== undefined && !Number.isSafeInteger(exp)) {
    return err(invalid('payload', 'has an exp that is not a whole number'));
  }
  if (typeof exp === 'number') {
    if (exp <= nowSeconds) return err(invalid('payload', 'has an exp that is over'));
    if (exp > nowSeconds + MAX_AHEAD_SECONDS) {
      return err(invalid('payload', `has an exp more than ${MAX_AHEAD_SECONDS / 3_600} hours ahead`));
    }
  }
  return ok(Object.hasOwn(claims, 'iss') ? claims : { iss: own, ...claims });
}
