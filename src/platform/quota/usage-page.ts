/** A page of usage, read piece by piece: a day of full rows would not fit into one message, nor into memory. */
import { reasonsOf } from '../../core/usage.ts';
import type { UsagePage, UsagePoint, UsageWanted } from '../../core/usage-page.ts';
import type { Point } from './usage-rows.ts';

/** Below the 1 MiB that a message between objects is meant to have. */
const MAX_PAGE_CHARACTERS = 700_000;
const POINTS_A_READ = 60;

export function usagePage(
  first: number,
  last: number,
  { groupBy, maxPoints }: UsageWanted,
  read: (from: number, to: number) => readonly Point[],
): Pick<UsagePage, 'points' | 'next'> {
  const points: UsagePoint[] = [];
  let characters = 0;
  for (let from = first; from <= last; from += POINTS_A_READ) {
    for (const { start, sums } of read(from, Math.min(last, from + POINTS_A_READ - 1))) {
      const groups = groupBy === undefined ? [] : sums[groupBy].map(([name, byReason]) => ({ name, byReason }));
      const point = { start, byReason: reasonsOf(sums.provider), groups };
      characters += JSON.stringify(point).length;
      const isFull = points.length === maxPoints || (characters > MAX_PAGE_CHARACTERS && points.length > 0);
      if (isFull) return { points, next: start };
      points.push(point);
    }
  }
  return { points };
}
