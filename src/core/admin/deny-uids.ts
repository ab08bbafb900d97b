/** ServiceAccounts, pods and nodes that a pool refuses until a time: the answer to a workload that was taken over, quicker than its cluster's. */
import { shardKey, type DeniedUid, type Pool } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import type { Applied } from './applied.ts';
import type { AdminDenial } from './denial.ts';
import { readTime, wrong, type Violations } from './fields.ts';
import { noSuchPool } from './soft-delete.ts';
import type { ApplyContext, ConfigState } from './state.ts';

const MAX_UIDS_OF_ONE_CALL = 100;
/** They stand in the pool's row, which every exchange reads. */
const MAX_LIVE_UIDS = 1_000;
const MAX_DAYS = 30;
const DAY_SECONDS = 86_400;
const UID = /^[A-Za-z0-9_.-]{1,128}$/;

export function denyUids(
  state: ConfigState,
  { poolId, uids, until }: { readonly poolId: string; readonly uids: readonly string[]; readonly until: string },
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const { projectNumber } = state.project();
  const current = state.pool(poolId);
  if (current === undefined) return err(noSuchPool(state, poolId));
  const nowSeconds = Date.parse(context.time) / 1_000;
  const untilSeconds = readTime(until);
  const violations = [...checkUids(uids), ...checkUntil(untilSeconds, nowSeconds)];
  if (violations.length > 0) return err({ tag: 'invalid_argument', violations });
  const named = new Set(uids);
  const others = current.deniedUids.filter((denied) => !named.has(denied.uid));
  const given = [...named].map((uid): DeniedUid => ({ uid, untilSeconds: Math.ceil(untilSeconds) }));
  // A time that is over lifts the denial: what is named goes out with everything else that has run out.
  const deniedUids = [...others, ...given].filter((denied) => denied.untilSeconds > nowSeconds);
  if (deniedUids.length > MAX_LIVE_UIDS) {
    const description = `The pool ${poolId} would deny ${deniedUids.length} uids; at most ${MAX_LIVE_UIDS} fit. Disable its provider, or the pool, instead.`;
    return err({ tag: 'failed_precondition', description });
  }
  const pool: Pool = { ...current, deniedUids, updateTime: context.time };
  return ok({
    answer: { kind: 'pool', pool },
    writes: [{ put: 'pool', pool }],
    shards: [shardKey.pool(projectNumber, poolId)],
  });
}

function checkUids(uids: readonly string[]): Violations {
  if (uids.length === 0) return wrong('uids', 'is empty');
  if (uids.length > MAX_UIDS_OF_ONE_CALL) return wrong('uids', `holds more than ${MAX_UIDS_OF_ONE_CALL} uids`);
  return uids.flatMap((uid, index) =>
    UID.test(uid) ? [] : wrong(`uids[${index}]`, 'must be 1 to 128 characters of [A-Za-z0-9_.-]'),
  );
}

function checkUntil(untilSeconds: number, nowSeconds: number): Violations {
  if (Number.isNaN(untilSeconds)) return wrong('until', 'must be a time such as "2026-01-31T12:00:00Z" (RFC 3339)');
  if (untilSeconds <= nowSeconds + MAX_DAYS * DAY_SECONDS) return [];
  return wrong('until', `must not lie more than ${MAX_DAYS} days ahead`);
}
