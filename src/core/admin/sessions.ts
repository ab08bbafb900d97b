/** Who is signed in with a browser: what is kept of it, and for how long. Nothing of it is a right; each request asks the policies anew. */
import type { AdminDenial } from './denial.ts';
import type { Result } from '../result.ts';

export interface SessionContent {
  /** As authentication named who signed in, e.g. `bootstrap` or `user:EMAIL`. */
  readonly name: string;
  /** The credential itself, shown again at every request. Absent: Cloudflare Access adds its own to each. */
  readonly bearer?: string;
  /** Goes with every form of this session; a page of another session, or of another site, has not got it. */
  readonly formToken: string;
  /** When the credential was last shown by the person. */
  readonly provedAtMs: number;
}

export interface Sessions {
  /** The secret is for the browser's cookie and is kept nowhere else. */
  open(content: SessionContent): Promise<Result<{ readonly secret: string }, AdminDenial>>;
  /** Undefined: there is none, or it is over. `isActive`: a person did something, so that it is not idle. */
  find(secret: string, isActive: boolean): Promise<Result<SessionContent | undefined, AdminDenial>>;
  /** From the next request on it is good for nothing, whoever kept the cookie. */
  end(secret: string): Promise<Result<null, AdminDenial>>;
}

export const SESSION_IDLE_MS = 30 * 60_000;
export const SESSION_LIFE_MS = 8 * 3_600_000;
/** Of one person; the one that was idle for longest makes room. */
export const MAX_SESSIONS_OF_ONE = 20;
/** Who signs in without end shuts nobody out: at this many the one that was idle for longest goes. */
export const MAX_SESSIONS = 5_000;
