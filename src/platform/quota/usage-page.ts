/** A page of usage, read piece by piece: a day of full rows would not fit into one message, nor into memory. */
import { reasonsOf } from '../../core/usage.ts';
import type { UsagePage, UsagePoint, UsageWanted } from '../../core/usage-page.ts';
import type { Point } from './usage-rows.ts';

/** Below the 1 MiB that a message between objects is meant to have. */
const MAX_PAGE_CHARACTERS = 700_000;
const POINTS_A_READ = 60;
/** However few of them the answer has: to read them takes time in which no permit is handed out. */
const MAX_NAMES_READ = 100_000;

export function usagePage(
  first: number,
  last: number,
  { groupBy, maxPoints }: UsageWanted,
  read: (from: number, to: number) => readonly Point[],
): Pick<UsagePage, 'points' | 'next'> {
  const points: UsagePoint[] = [];
  let characters = 0;
  let names = 0;
  for (let from = first; from <= last; from += POINTS_A_READ) {
    for (const { start, sums } of read(from, Math.min(last, from + POINTS_A_READ - 1))) {
      const groups = groupBy === undefined ? [] : sums[groupBy].map(([name, byReason]) => ({ name, byReason }));
      const point = { start, byReason: reasonsOf(sums.provider), groups };
      characters += JSON.stringify(point).length;
      names += sums.provider.length + sums.principal.length + sums.target.length;
      const isMuch = characters > MAX_PAGE_CHARACTERS || names > MAX_NAMES_READ;
      if (points.length === maxPoints || (isMuch && points.length > 0)) return { points, next: start };
      points.push(point);
    }
  }
  return { points };
}
