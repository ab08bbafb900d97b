/** The bootstrap administrator: one secret, compared in constant time over digests, so that neither length nor prefix leaks. */
import type { AdminDenial } from '../../core/admin/denial.ts';
import { err, ok, type Result } from '../../core/result.ts';

/** Answers whether an `Authorization` header carries the bootstrap token; `name` is what the history will say. */
export function createBootstrapAuthenticator(
  adminToken: string,
): (authorization: string | undefined) => Promise<Result<{ name: string }, AdminDenial>> {
  return async (authorization) => {
    if ((authorization ?? '').trim() === '') return err({ tag: 'unauthenticated' });
    const presented = /^Bearer +([^ ]+)$/i.exec(authorization ?? '')?.[1];
    if (presented === undefined) return err({ tag: 'bad_credentials' });
    const [expected, given] = await Promise.all([digest(adminToken), digest(presented)]);
    return crypto.subtle.timingSafeEqual(expected, given) ? ok({ name: 'bootstrap' }) : err({ tag: 'bad_credentials' });
  };
}

async function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
}
