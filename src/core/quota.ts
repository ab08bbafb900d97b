/** The quota as arithmetic: permits counted in sub-buckets of 250 ms, so that no 60 s anywhere hold more than the limit (docs/design/quota-one-permit.md). */
import { type EpochChange, type EpochNews, MAX_RECENT_CHANGES } from './news.ts';
import type { CountedSlice } from './quota-forecast.ts';

/** A permit may be used this long after it was asked for, less the margin. */
export const PERMIT_LIFETIME_MS = 2_000;
/** The end of a permit's life that its holder leaves unused: his clock may be set back by so much while he holds it. */
export const PERMIT_MARGIN_MS = 500;
/** The promised 60 s and a second more: admissions are timed by clocks that may each differ from the object's by 500 ms. */
const COUNTED_WINDOW_MS = 61_000;
const BUCKET_MS = 250;
/** A permit may be used at the very end of its life and then stands in windows that begin there: it is counted from its grant until they are over. */
export const COUNTED_AFTER_BUCKET_MS = PERMIT_LIFETIME_MS + COUNTED_WINDOW_MS;
/** A project whose limit is 0 is closed: no bucket that leaves brings room. */
const CLOSED_RETRY_AFTER_MS = 60_000;

/** Slots of the ring that keeps the buckets: more than the 253 that can count at once, so that no write lands on one that still counts. */
export const RING_SLOTS = 256;

/** Answer to `spend()`: its final shape (DESIGN §6); today `permits` is 0 or 1. */
export interface SpendAnswer extends EpochNews {
  readonly permits: number;
  /** Counted from *before the asking*, by the asker's own clock; its last `PERMIT_MARGIN_MS` are not to be used. */
  readonly expiresAfterMs: number;
  /** Present when `permits` is 0 for want of room: when it returns. */
  readonly retryAfterMs?: number;
  /** The token is one that is taken once, and it was taken: no unit was spent. */
  readonly replayed?: true;
}

/** All permits granted in one stretch of 250 ms; bucket 0 began at the epoch of Unix time. */
export interface QuotaBucket {
  readonly index: number;
  readonly permits: number;
}

export interface QuotaState {
  /** The highest time seen: a clock that is set back must not make buckets count for a shorter time. */
  readonly highestMs: number;
  /** Ascending by index, each at most once; those that no longer count are dropped on the way. */
  readonly buckets: readonly QuotaBucket[];
}

type GrantOutcome =
  /** `changed` must be durable before the permit leaves: it is the only trace of it. */
  | { readonly granted: true; readonly state: QuotaState; readonly changed: QuotaBucket }
  /** After `retryAfterMs` one permit is free, if nobody else takes it. */
  | { readonly granted: false; readonly state: QuotaState; readonly retryAfterMs: number };

/** Object time: what the clock says, but never less than it said before. */
export function objectTimeMs(state: QuotaState, nowMs: number): number {
  return Math.max(nowMs, state.highestMs);
}

/** One permit, if fewer than `limit` count now. */
export function grant(state: QuotaState, nowMs: number, limit: number): GrantOutcome {
  const time = objectTimeMs(state, nowMs);
  const counted = countedBuckets(state, time);
  if (sumOf(counted) >= limit) {
    const retryAfterMs = limit > 0 ? roomReturnsAtMs(counted, limit) - nowMs : CLOSED_RETRY_AFTER_MS;
    return { granted: false, state: { highestMs: time, buckets: counted }, retryAfterMs };
  }
  const index = Math.floor(time / BUCKET_MS);
  const newest = counted.at(-1);
  const joins = newest?.index === index;
  const changed = { index, permits: (joins ? newest.permits : 0) + 1 };
  const buckets = [...(joins ? counted.slice(0, -1) : counted), changed];
  return { granted: true, state: { highestMs: time, buckets }, changed };
}

/** How many permits count at this moment: the limit less this is free. */
export function countedPermits(state: QuotaState, nowMs: number): number {
  return sumOf(countedBuckets(state, objectTimeMs(state, nowMs)));
}

/** What counts, and until when: for a forecast. */
export function countedSlices(state: QuotaState, nowMs: number): readonly CountedSlice[] {
  return countedBuckets(state, objectTimeMs(state, nowMs)).map((bucket) => ({
    permits: bucket.permits,
    grantedAtMs: bucket.index * BUCKET_MS,
    leavesAtMs: leavesAtMs(bucket),
  }));
}

/** The state after a restart, from whatever rows the ring holds. Time goes on no earlier than the newest of them. */
export function restoreQuota(rows: readonly QuotaBucket[]): QuotaState {
  const buckets = rows.toSorted((a, b) => a.index - b.index);
  return { highestMs: (buckets.at(-1)?.index ?? 0) * BUCKET_MS, buckets };
}

export function ringSlot(bucket: QuotaBucket): number {
  return bucket.index % RING_SLOTS;
}

/** A bucket counts whole until its last permit has ceased to matter: over-counting by up to 250 ms, never under-counting. */
function countedBuckets(state: QuotaState, time: number): readonly QuotaBucket[] {
  return state.buckets.filter((bucket) => leavesAtMs(bucket) > time);
}

function leavesAtMs(bucket: QuotaBucket): number {
  return (bucket.index + 1) * BUCKET_MS + COUNTED_AFTER_BUCKET_MS;
}

/** Oldest first, buckets leave until one permit fits; more than one may have to, where the limit was lowered. */
function roomReturnsAtMs(counted: readonly QuotaBucket[], limit: number): number {
  let left = sumOf(counted);
  for (const bucket of counted) {
    left -= bucket.permits;
    if (left < limit) return leavesAtMs(bucket);
  }
  throw new RangeError(`no room although nothing counts: the limit is ${limit}`);
}

function sumOf(buckets: readonly QuotaBucket[]): number {
  return buckets.reduce((sum, bucket) => sum + bucket.permits, 0);
}

/** What the Registry told the project's quota. A project that it told nothing does not exist here. */
export interface QuotaProject extends EpochNews {
  readonly limitPerMinute: number;
  /** Absent: never told. */
  readonly recentRetentionSeconds?: number;
  /** By `provider:NAME` or `principal:NAME`. Absent: nobody has one. */
  readonly ownLimits?: OwnLimits;
}

export type OwnLimits = Readonly<Record<string, number>>;

export interface AdvanceInput {
  /** Every change not yet known to have arrived: may repeat, overlap, come late or out of order. */
  readonly changes: readonly EpochChange[];
  /** The limit as of the highest epoch in `changes`. */
  readonly limitPerMinute: number;
  /** For how long exchanges are remembered, as of the same epoch. Absent in deliveries from before there was such a thing. */
  readonly recentRetentionSeconds?: number;
  /** All of them, as of the same epoch. Absent in deliveries from before there were any: nothing is said of them. */
  readonly ownLimits?: OwnLimits;
}

/**
 * The project after a delivery, which may come twice or overtake another: the result is the same.
 * An empty delivery says nothing, not even a limit, for it has no epoch to show how new it is.
 */
export function advanceProject(project: QuotaProject | undefined, input: AdvanceInput): QuotaProject | undefined {
  const delivered = Math.max(0, ...input.changes.map((change) => change.epoch));
  if (delivered === 0) return project;
  const known = project?.epoch ?? 0;
  // A late delivery must not bring back what was changed since.
  const isLate = project !== undefined && delivered < known;
  const ownLimits = isLate ? project.ownLimits : (input.ownLimits ?? project?.ownLimits);
  const recentRetentionSeconds = isLate
    ? (project.recentRetentionSeconds ?? input.recentRetentionSeconds)
    : (input.recentRetentionSeconds ?? project?.recentRetentionSeconds);
  return {
    epoch: Math.max(known, delivered),
    recent: mergedChanges([...(project?.recent ?? []), ...input.changes]),
    limitPerMinute: isLate ? project.limitPerMinute : input.limitPerMinute,
    ...(ownLimits === undefined ? {} : { ownLimits }),
    ...(recentRetentionSeconds === undefined ? {} : { recentRetentionSeconds }),
  };
}

/** One change an epoch, the last ones only. Should an epoch come with two lists of shards, both count: doubt costs a read, never a wrong grant. */
function mergedChanges(changes: readonly EpochChange[]): readonly EpochChange[] {
  const shardsByEpoch = new Map<number, ReadonlySet<string>>();
  for (const { epoch, shards } of changes) {
    shardsByEpoch.set(epoch, new Set([...(shardsByEpoch.get(epoch) ?? []), ...shards]));
  }
  return [...shardsByEpoch]
    .toSorted(([a], [b]) => a - b)
    .slice(-MAX_RECENT_CHANGES)
    .map(([epoch, shards]) => ({ epoch, shards: [...shards] }));
}
