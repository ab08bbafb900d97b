/** Rehearsal of a policy: the proposal checked as if it were set, then the project's remembered exchanges, page by page, and nothing written. */
import type { PolicyInput, PolicyResource } from './admin/commands.ts';
import type { AdminDenial } from './admin/denial.ts';
import type { AdminPort } from './admin/port.ts';
import { createPolicyCompiler } from './policy/cache.ts';
import type { RecentExchange } from './recent.ts';
import type { Shards } from './resources.ts';
import { ok, type Result } from './result.ts';
import { createSimulation, type SimulationResult } from './simulate.ts';

export interface Rehearsal {
  readonly simulation: SimulationResult;
  /** Exchanges that could not be looked at, for they were not kept. */
  readonly dropped: number;
  /** What setting the policy would warn of. */
  readonly warnings: readonly string[];
}

type Ports = Pick<AdminPort, 'propose' | 'recentExchanges' | 'targetShards'>;

const RECORDS_A_PAGE = 2_000;
/** Those of all policies of a project that can matter here. */
const MAX_COMPILED_CONDITIONS = 5_000;

export async function rehearse(
  projectNumber: string,
  resource: PolicyResource,
  input: PolicyInput,
  admin: Ports,
): Promise<Result<Rehearsal, AdminDenial>> {
  const proposal = await admin.propose(projectNumber, resource, input);
  if (!proposal.ok) return proposal;
  const { project, policy, warnings } = proposal.value;
  const simulation = createSimulation(project, resource, policy, createPolicyCompiler(MAX_COMPILED_CONDITIONS));
  const targets = new Map<string, Shards['target'] | undefined>();
  const seen = new Set<string>();
  let before: string | undefined;
  let dropped = 0;
  do {
    const page = await admin.recentExchanges(projectNumber, {
      maxRecords: RECORDS_A_PAGE,
      ...(before === undefined ? {} : { before }),
    });
    if (!page.ok) return page;
    // Of the whole ring, whichever page says it.
    dropped = Math.max(dropped, page.value.dropped);
    const records = page.value.records.filter(({ id, targetId }) => isMeant(targetId) && !seen.has(id));
    const found = await learnTargets(records);
    if (!found.ok) return found;
    for (const record of records) {
      seen.add(record.id);
      const target = targets.get(record.targetId ?? '');
      if (target !== undefined) simulation.replay(record, target);
    }
    before = page.value.next;
  } while (before !== undefined);
  return ok({ simulation: simulation.result(), dropped, warnings });

  function isMeant(targetId: string | undefined): boolean {
    return targetId !== undefined && (resource.kind !== 'target' || resource.targetId === targetId);
  }

  /** What was asked for then may be gone now: undefined. */
  async function learnTargets(records: readonly RecentExchange[]): Promise<Result<void, AdminDenial>> {
    const named = new Set(records.map(({ targetId }) => targetId ?? ''));
    let missing = [...named].filter((targetId) => !targets.has(targetId));
    while (missing.length > 0) {
      const some = await admin.targetShards(projectNumber, missing);
      if (!some.ok) return some;
      for (const [index, shard] of some.value.entries()) targets.set(missing[index] ?? '', shard ?? undefined);
      missing = missing.slice(some.value.length);
    }
    return ok(undefined);
  }
}
