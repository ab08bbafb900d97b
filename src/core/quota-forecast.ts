/** At this rate, when do refusals start? What counts now leaves in time, and what comes takes its place. */

/** Permits of one moment, and when they cease to count. */
export interface CountedSlice {
  readonly permits: number;
  readonly grantedAtMs: number;
  readonly leavesAtMs: number;
}

const RATE_OVER_MS = 10_000;

/** 0: they have started. Undefined: at the rate of the last 10 s, never. `countsForMs`: how long a permit that is granted now will count. */
export function refusalsStartInMs(
  counted: readonly CountedSlice[],
  nowMs: number,
  limit: number,
  countsForMs: number,
): number | undefined {
  const leaving = counted
    .filter(({ leavesAtMs }) => leavesAtMs > nowMs)
    .toSorted((a, b) => a.leavesAtMs - b.leavesAtMs);
  let old = sumOf(leaving);
  if (old >= limit) return 0;
  const perMs = sumOf(counted.filter(({ grantedAtMs }) => grantedAtMs > nowMs - RATE_OVER_MS)) / RATE_OVER_MS;
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

function sumOf(slices: readonly CountedSlice[]): number {
  return slices.reduce((sum, { permits }) => sum + permits, 0);
}
