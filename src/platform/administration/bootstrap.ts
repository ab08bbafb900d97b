/** The bootstrap administrator: one secret, compared in constant time over digests, so that neither length nor prefix leaks; dead for good once it is retired. */
import type { AuthenticatedAdmin, RetiredToken } from '../../core/admin/authenticated.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import { err, ok, type Result } from '../../core/result.ts';

/** Asked at each request, for a retired token is dead at the next one, wherever it comes in. */
export type RetiredTokens = () => Promise<Result<readonly RetiredToken[], AdminDenial>>;

/** Undefined: this is not the bootstrap token. */
export function createBootstrapAuthenticator(
  adminToken: string,
  retiredTokens: RetiredTokens,
): (bearer: string) => Promise<Result<AuthenticatedAdmin, AdminDenial> | undefined> {
  return async (bearer) => {
    const [expected, given] = await Promise.all([sha256(adminToken), sha256(bearer)]);
    if (!crypto.subtle.timingSafeEqual(expected, given)) return undefined;
    const retired = await retiredTokens();
    if (!retired.ok) return retired;
    for (const { salt, digest } of retired.value) {
      const { digest: salted } = await retirementOf(adminToken, salt);
      if (salted === digest) return err({ tag: 'bad_credentials' });
    }
    return ok({ name: 'bootstrap', identity: { kind: 'bootstrap' } });
  };
}

/** What is kept of a token that is retired: enough to know it again, useless for anything else. */
export async function retirementOf(adminToken: string, salt: string = crypto.randomUUID()): Promise<RetiredToken> {
  const digest = new Uint8Array(await sha256(`edge-sts/retired-bootstrap-token ${salt} ${adminToken}`));
  return { salt, digest: [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('') };
}

async function sha256(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
}
