/** What the Registry told a project's quota: epoch, limit, recent changes; merged so that late, repeated and overtaking deliveries come to the same. */
import { type EpochChange, type EpochNews, MAX_RECENT_CHANGES } from '../news.ts';

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
