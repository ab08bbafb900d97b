/** The shapes of quota answers; the arithmetic stands beside them. */
import type { EpochNews } from './news.ts';

/** Answer to `spend()`: its final shape (DESIGN §6); today `permits` is 0 or 1. */
export interface SpendAnswer extends EpochNews {
  readonly permits: number;
  /** Counted from *before the asking*, by the asker's own clock; its last `PERMIT_MARGIN_MS` are not to be used. */
  readonly expiresAfterMs: number;
  /** Present when `permits` is 0: when room returns. */
  readonly retryAfterMs?: number;
}
