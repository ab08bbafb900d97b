/** A limit within a limit: a provider's or a principal's own cap, in the project's. A permit that is keyed to it counts in both, or in neither. */
import type { Allotted, Ask, Desk } from './desk.ts';
import type { LedgerRow } from './ledger.ts';

export interface Both<T> {
  readonly own: T;
  readonly project: T;
}

export interface AllottedByBoth extends Omit<Allotted, 'rows'> {
  /** Durable together, or both desks are to be thrown away. */
  readonly rows: Both<readonly LedgerRow[]>;
}

const BETWEEN_LEASES = ' ';

/** What both have room for, the smaller of the two; the surplus of the other is given back before anybody knew of it. */
export function askBoth(
  desks: Both<Desk>,
  ask: Ask,
  nowMs: number,
  limits: Both<number>,
  chance: number,
): AllottedByBoth {
  const settled = ask.settled.map(({ lease, unused }) => {
    const [own = '', project = ''] = lease.split(BETWEEN_LEASES);
    return { own: { lease: own, unused }, project: { lease: project, unused } };
  });
  const own = desks.own.ask({ ...ask, settled: settled.map((each) => each.own) }, nowMs, limits.own, chance);
  const settledInProject = settled.map((each) => each.project);
  if (own.permits < 1) {
    desks.project.settle(settledInProject, nowMs);
    return { ...own, rows: { own: own.rows, project: [] } };
  }
  const asked = { ...ask, settled: settledInProject, atMost: own.permits };
  const project = desks.project.ask(asked, nowMs, limits.project, chance);
  desks.own.giveBack(own.lease, own.permits - project.permits);
  const rows = { own: own.rows, project: project.rows };
  if (project.permits < 1) return { ...project, rows };
  const retryAfterMs = Math.max(own.retryAfterMs ?? 0, project.retryAfterMs ?? 0);
  return {
    permits: project.permits,
    lease: `${own.lease}${BETWEEN_LEASES}${project.lease}`,
    expiresAfterMs: Math.min(own.expiresAfterMs, project.expiresAfterMs),
    rows,
    ...(retryAfterMs > 0 ? { retryAfterMs } : {}),
  };
}
