/** What an isolate asks a project's quota, and what it is answered (DESIGN §6). */
import type { EpochNews } from '../news.ts';
import type { UsageAck } from '../usage-delivery.ts';
import type { Ask } from './desk.ts';
import type { SpendOnce } from './once.ts';

export interface SpendAsk extends Ask {
  /** One permit that counts in each of these limits that the project has, and in the project's: for who may have a limit of his own. */
  readonly limits?: readonly string[];
  /** For a token that is taken a single time: one permit, in one transaction with its mark. */
  readonly once?: SpendOnce;
}

/** What rides back on any answer: which of the asker's counts have arrived. */
export interface NewsAnswer extends EpochNews {
  readonly usage?: UsageAck;
}

export interface SpendAnswer extends NewsAnswer {
  readonly permits: number;
  /** Names what was granted, for when it is settled; empty with a refusal. */
  readonly lease: string;
  /** Counted from *before the asking*, by the asker's own clock; its last `LEASE_MARGIN_MS` are not to be used. */
  readonly expiresAfterMs: number;
  /** Do not ask again before: always where `permits` is 0 for want of room. */
  readonly retryAfterMs?: number;
  /** With a refusal: how long after that, and after that again, the next permit is back. */
  readonly roomEveryMs?: number;
  /** With a refusal of who asked with `limits` or `once`: the limit that had no room, `project` or one of `limits`. */
  readonly fullLimit?: string;
  /** How large that one is: whose it is may know. */
  readonly fullLimitPerMinute?: number;
  /** The token is one that is taken once, and it was taken: no unit was spent. */
  readonly replayed?: true;
}
