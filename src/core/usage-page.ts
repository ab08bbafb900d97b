/** Usage as it is read: which stretch, by what, and what came out. */
import type { ReasonCounts, UsageDimension } from './usage.ts';

export interface UsageWanted {
  readonly resolution: 'MINUTE' | 'HOUR';
  /** Minutes or hours since the epoch of Unix time, both included. */
  readonly from: number;
  readonly to: number;
  readonly groupBy?: UsageDimension;
  readonly maxPoints: number;
}

export interface UsageGroup {
  readonly name: string;
  readonly byReason: ReasonCounts;
}

export interface UsagePoint {
  /** Minutes or hours since the epoch of Unix time. */
  readonly start: number;
  readonly byReason: ReasonCounts;
  readonly groups: readonly UsageGroup[];
}

export interface UsagePage {
  /** Ascending; a stretch in which nothing happened has no point. */
  readonly points: readonly UsagePoint[];
  /** Where the next page begins; absent at the end. */
  readonly next?: number;
  /** Exchanges that isolates had to let go uncounted, in all the time of the project. */
  readonly lost: number;
  readonly nowMs: number;
}
