/** At this rate, when do refusals start? What counts now leaves in time, and what comes takes its place. */
import type { Counted } from './quota/ledger.ts';

/** 0: they have started. Undefined: at this rate, never. `countsForMs`: how long a permit that is granted now will count. */
export function refusalsStartInMs(
  counted: readonly Counted[],
  perMs: number,
  nowMs: number,
  limit: number,
  countsForMs: number,
): number | undefined {
  const leaving = counted
    .filter(({ leavesAtMs }) => leavesAtMs > nowMs)
    .toSorted((a, b) => a.leavesAtMs - b.leavesAtMs);
  let old = sumOf(leaving);
  if (old >= limit) return 0;
  if (perMs === 0) return undefined;
  for (const { permits, leavesAtMs } of leaving) {
    const fullInMs = (limit - old) / perMs;
    if (nowMs + fullInMs <= leavesAtMs) return fullInMs <= countsForMs ? fullInMs : undefined;
    old -= permits;
  }
  const fullInMs = (limit - old) / perMs;
  // From then on as many leave as come.
  return fullInMs <= countsForMs ? fullInMs : undefined;
}

function sumOf(slices: readonly Counted[]): number {
  return slices.reduce((sum, { permits }) => sum + permits, 0);
}
