/** What a proposed policy would have changed: each remembered exchange decided at its own time under both, by the exchange's own function. */
import type { PolicyResource } from './admin/commands.ts';
import { type Denying, denyingRules } from './deny.ts';
import { opensTargets, standingOnTarget } from './iam.ts';
import { bindingsNaming } from './member-index.ts';
import { targetName } from './names.ts';
import type { PolicyCompiler } from './policy/cache.ts';
import type { Condition } from './policy/condition.ts';
import { newRunBudget } from './policy/run.ts';
import { stretchOf } from './policy/time-dependence.ts';
import { memberTexts, type Principal, principalIdentifier } from './principal.ts';
import { principalOf, type RecentExchange } from './recent.ts';
import type { Binding, Policy, Shards } from './resources.ts';

export type AccessChange = 'ACCESS_REVOKED' | 'ROLES_CHANGED' | 'ACCESS_GAINED' | 'UNKNOWN_CHANGE';

/** All exchanges of one principal with one target that would have ended in the same other way. */
export interface SimulatedChange {
  readonly principal: string;
  readonly target: string;
  readonly change: AccessChange;
  readonly rolesGained: readonly string[];
  readonly rolesLost: readonly string[];
  readonly exchanges: number;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
}

export interface SimulationResult {
  /** How many exchanges were looked at: the sum of the next three. */
  readonly logCount: number;
  readonly unchangedCount: number;
  readonly differenceCount: number;
  /** Those of which it cannot be told. */
  readonly errorCount: number;
  readonly oldestMs?: number;
  readonly newestMs?: number;
  /** Sorted; the counts are whole even where this list is not. */
  readonly changes: readonly SimulatedChange[];
  readonly isTruncated: boolean;
}

export interface Simulation {
  /** `target`: as it is now. */
  replay(record: RecentExchange, target: Shards['target']): void;
  result(): SimulationResult;
}

const MAX_CHANGES = 1_000;
/** Nodes of conditions, about five seconds of them: what comes after is not known. */
const MAX_WORK = 20_000_000;

/** The four policies that one exchange hangs on. */
interface World {
  readonly project: Shards['project'];
  readonly target: Shards['target'];
}

/** `proposed`: in the place of the policy of `resource`. */
export function createSimulation(
  project: Shards['project'],
  resource: PolicyResource,
  proposed: Policy,
  compiler: PolicyCompiler,
  maxWork: number = MAX_WORK,
): Simulation {
  const { projectNumber } = project.project;
  const projectAfter = resource.kind === 'project' ? { ...project, policy: proposed } : project;
  const worlds = new Map<string, { readonly now: World; readonly after: World }>();
  const plans = new Map<string, Plan>();
  const verdicts = new Map<string, Verdict>();
  const changes = new Map<string, SimulatedChange>();
  const counts = { logCount: 0, unchangedCount: 0, differenceCount: 0, errorCount: 0 };
  let work = maxWork;
  let oldestMs = Infinity;
  let newestMs = -Infinity;

  return {
    replay(record, target) {
      const { timeMs } = record;
      const verdict = verdictOn(record, target);
      counts.logCount += 1;
      oldestMs = Math.min(oldestMs, timeMs);
      newestMs = Math.max(newestMs, timeMs);
      if (verdict === 'unchanged') counts.unchangedCount += 1;
      else {
        if (verdict.change === 'UNKNOWN_CHANGE') counts.errorCount += 1;
        else counts.differenceCount += 1;
        const principal = principalIdentifier(principalOf(record, projectNumber));
        note({ principal, target: targetName(projectNumber, target.target.targetId), ...verdict }, timeMs);
      }
    },
    result() {
      const sorted = [...changes.values()].toSorted((one, other) => (sortKey(one) < sortKey(other) ? -1 : 1));
      return {
        ...counts,
        ...(counts.logCount === 0 ? {} : { oldestMs, newestMs }),
        changes: sorted.slice(0, MAX_CHANGES),
        isTruncated: sorted.length > MAX_CHANGES,
      };
    },
  };

  function note(change: Omit<SimulatedChange, 'exchanges' | 'firstSeenMs' | 'lastSeenMs'>, timeMs: number): void {
    const key = sortKey(change);
    const { exchanges, firstSeenMs, lastSeenMs } = changes.get(key) ?? {
      exchanges: 0,
      firstSeenMs: timeMs,
      lastSeenMs: timeMs,
    };
    changes.set(key, {
      ...change,
      exchanges: exchanges + 1,
      firstSeenMs: Math.min(firstSeenMs, timeMs),
      lastSeenMs: Math.max(lastSeenMs, timeMs),
    });
  }

  /** Those who ask alike are decided once for each stretch of time in which nothing that they hang on changes. */
  function verdictOn(record: RecentExchange, target: Shards['target']): Verdict {
    const { poolId, providerId, subject, groups, attributes, kubernetes, claims } = record;
    const { targetId } = target.target;
    const asking = JSON.stringify([targetId, poolId, providerId, subject, groups, attributes, kubernetes]);
    const principal = principalOf(record, projectNumber);
    const { now, after } = worldsOf(target);
    const plan = plans.get(asking) ?? planOf(principal, now, after, compiler);
    plans.set(asking, plan);
    if (plan.isTheSame) return 'unchanged';
    const usesClaims = plan.conditions.some((condition) => condition.usesWorkloadClaims);
    if (usesClaims && claims === undefined) return UNKNOWN;
    const nowSeconds = Math.floor(record.timeMs / 1_000);
    const stretches = plan.conditions.map(({ program }) => stretchOf(program.timeDependence, nowSeconds));
    const key = JSON.stringify([asking, stretches, ...(usesClaims ? [claims] : [])]);
    const known = verdicts.get(key);
    if (known !== undefined) return known;
    if (work <= 0) return UNKNOWN;
    const verdict = difference(rolesIn(now, principal, nowSeconds), rolesIn(after, principal, nowSeconds));
    verdicts.set(key, verdict);
    return verdict;
  }

  function rolesIn(world: World, principal: Principal, nowSeconds: number): readonly string[] {
    const budget = newRunBudget();
    const before = budget.work;
    const { held } = standingOnTarget(principal, world.project, world.target, compiler, nowSeconds, 1, budget);
    work -= before - budget.work;
    return held.map(({ role }) => role);
  }

  /** Made once, for an index of its bindings hangs on each policy. */
  function worldsOf(target: Shards['target']): { readonly now: World; readonly after: World } {
    const { targetId } = target.target;
    const isMeant = resource.kind === 'target' && resource.targetId === targetId;
    const known = worlds.get(targetId) ?? {
      now: { project, target },
      after: { project: projectAfter, target: isMeant ? { ...target, policy: proposed } : target },
    };
    worlds.set(targetId, known);
    return known;
  }
}

type Verdict =
  | 'unchanged'
  | {
      readonly change: AccessChange;
      readonly rolesGained: readonly string[];
      readonly rolesLost: readonly string[];
    };

const UNKNOWN: Verdict = { change: 'UNKNOWN_CHANGE', rolesGained: [], rolesLost: [] };

/** What a principal's standing on a target hangs on, under both policies. */
interface Plan {
  /** No binding that names it differs: nothing has to be evaluated, whatever the conditions are. */
  readonly isTheSame: boolean;
  readonly conditions: readonly Condition[];
}

function planOf(principal: Principal, now: World, after: World, compiler: PolicyCompiler): Plan {
  const texts = memberTexts(principal);
  const namedNow = bindingsIn(now, texts);
  const namedAfter = bindingsIn(after, texts);
  if (grantsOf(namedNow) === grantsOf(namedAfter)) return { isTheSame: true, conditions: [] };
  const denying = denyingRules([...(now.target.denyRules ?? []), ...(now.project.denyRules ?? [])], texts, compiler);
  const expressions = new Set([...namedNow, ...namedAfter].flatMap(({ condition }) => condition?.expression ?? []));
  const allowing = [...expressions].map((expression) => compiler.condition(expression, 'binding'));
  return {
    isTheSame: false,
    conditions: [...allowing.flatMap((one) => (one.ok ? [one.value] : [])), ...denying.flatMap(conditionOf)],
  };
}

function conditionOf({ condition }: Denying): readonly Condition[] {
  return condition === undefined ? [] : [condition];
}

function bindingsIn({ project, target }: World, texts: ReadonlySet<string>): readonly Binding[] {
  const named = [...bindingsNaming(target.policy, texts), ...bindingsNaming(project.policy, texts)];
  return named.filter(({ role }) => opensTargets(role, project));
}

/** The same text for the same grants, in whatever order and however often. */
function grantsOf(bindings: readonly Binding[]): string {
  const grants = bindings.map(({ role, condition }) => JSON.stringify([role, condition?.expression]));
  return JSON.stringify([...new Set(grants)].toSorted());
}

function difference(now: readonly string[], after: readonly string[]): Verdict {
  const rolesGained = after.filter((role) => !now.includes(role));
  const rolesLost = now.filter((role) => !after.includes(role));
  if (rolesGained.length === 0 && rolesLost.length === 0) return 'unchanged';
  const change = now.length === 0 ? 'ACCESS_GAINED' : after.length === 0 ? 'ACCESS_REVOKED' : 'ROLES_CHANGED';
  return { change, rolesGained, rolesLost };
}

function sortKey({
  principal,
  target,
  change,
  rolesGained,
  rolesLost,
}: Pick<SimulatedChange, 'principal' | 'target' | 'change' | 'rolesGained' | 'rolesLost'>): string {
  return JSON.stringify([principal, target, change, rolesGained, rolesLost]);
}
