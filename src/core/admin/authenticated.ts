/** What a request shows of who sends it, and who that is. */
import type { Result } from '../result.ts';
import type { Caller } from './caller.ts';
import type { AdminDenial } from './denial.ts';

export interface Credentials {
  readonly authorization: string | undefined;
  /** Cloudflare Access's own token; counts only where the broker is told whose. */
  readonly accessAssertion: string | undefined;
}

export type AuthenticatedAdmin = Pick<Caller, 'name' | 'identity'>;

export type AuthenticateAdmin = (credentials: Credentials) => Promise<Result<AuthenticatedAdmin, AdminDenial>>;

/** A bootstrap token that is good for nothing any more. The token itself is nowhere. */
export interface RetiredToken {
  readonly salt: string;
  readonly digest: string;
}
