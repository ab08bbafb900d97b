/**
 * Epoch news: what every quota answer says about configuration, so that a stale copy at the edge cannot decide.
 * The epoch of a project grows by one with each saved change; `recent` names the shards that the last changes touched.
 */
export interface EpochChange {
  readonly epoch: number;
  /** Shard keys (`provider:…`, `target:…`, `ring:…`) whose content differs from this epoch on. */
  readonly shards: readonly string[];
}

export interface EpochNews {
  /** 0: the project does not exist. */
  readonly epoch: number;
  /** Ascending by epoch, the last `MAX_RECENT_CHANGES` at most. */
  readonly recent: readonly EpochChange[];
}

export const MAX_RECENT_CHANGES = 64;

/**
 * Is a copy of `shard`, known to be right at `provenAtEpoch`, still right now that `news` has come?
 * Where the list of changes does not reach back far enough the answer is no: doubt costs a read, never a wrong grant.
 */
export function stillCurrent(shard: string, provenAtEpoch: number, news: EpochNews): boolean {
  if (provenAtEpoch >= news.epoch) return true;
  const since = news.recent.filter((change) => change.epoch > provenAtEpoch);
  if (since.length !== news.epoch - provenAtEpoch) return false;
  return since.every((change) => !change.shards.includes(shard));
}
