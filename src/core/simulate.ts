/** What a proposed policy would have changed: each remembered exchange decided at its own time under both, by the exchange's own function. */
import type { PolicyResource } from './admin/commands.ts';
import { type Denying, denyingRules } from './deny.ts';
import { standingOnTarget } from './iam.ts';
import { opensTargets } from './named-on-target.ts';
import { Allowance, FrugalMap } from './frugal-map.ts';
import { bindingsNaming } from './member-index.ts';
import { targetName } from './names.ts';
import type { PolicyCompiler } from './policy/cache.ts';
import type { Condition } from './policy/condition.ts';
import { newRunBudget } from './policy/run.ts';
import { stretchOf } from './policy/time-dependence.ts';
import { mappedPrefixes, memberTexts, type Principal, principalIdentifier } from './principal.ts';
import { principalOf, type RecentExchange } from './recent.ts';
import type { Binding, Policy, Shards } from './resources.ts';
import { type AccessChange, type SimulatedChange, SimulatedChanges } from './simulated-changes.ts';

export type { SimulatedChange };

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

/** Nodes of conditions, about five seconds of them: what comes after is not known. */
const MAX_WORK = 20_000_000;
/** To compare the grants that name somebody costs as much as a node for so many characters of them. */
const CHARACTERS_A_NODE = 100;
/** A tenth of an isolate's memory at most: what is remembered of who asked is as large as whoever asked made it. */
const MAX_REMEMBERED_CHARACTERS = 8_388_608;
/** One reference. */
const REFERENCE_CHARACTERS = 8;

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
  allowance: Allowance = new Allowance(MAX_REMEMBERED_CHARACTERS),
): Simulation {
  const { projectNumber } = project.project;
  const projectAfter = resource.kind === 'project' ? { ...project, policy: proposed } : project;
  const worlds = new Map<string, { readonly now: World; readonly after: World }>();
  const plans = new FrugalMap<Plan>(allowance);
  const verdicts = new FrugalMap<Verdict>(allowance);
  const changes = new SimulatedChanges();
  const counts = { logCount: 0, unchangedCount: 0, differenceCount: 0, errorCount: 0 };
  let work = maxWork;
  let askers = 0;
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
        changes.note({ principal, target: targetName(projectNumber, target.target.targetId), ...verdict }, timeMs);
      }
    },
    result() {
      return {
        ...counts,
        ...(counts.logCount === 0 ? {} : { oldestMs, newestMs }),
        changes: changes.list(),
        isTruncated: changes.isTruncated,
      };
    },
  };

  /** Those who ask alike are decided once for each stretch of time in which nothing that they hang on changes. */
  function verdictOn(record: RecentExchange, target: Shards['target']): Verdict {
    const plan = planFor(record, target);
    if (plan === undefined || plan.tells === 'nothing') return UNKNOWN;
    if (plan.tells === 'the same') return 'unchanged';
    const usesClaims = plan.conditions.some((condition) => condition.usesWorkloadClaims);
    if (usesClaims && record.claims === undefined) return UNKNOWN;
    const nowSeconds = Math.floor(record.timeMs / 1_000);
    const stretches = plan.conditions.map(({ program }) => stretchOf(program.timeDependence, nowSeconds));
    const key = JSON.stringify([plan.asker, stretches, ...(usesClaims ? [record.claims] : [])]);
    const known = verdicts.get(key);
    if (known !== undefined) return known;
    if (work <= 0) return UNKNOWN;
    const principal = principalOf(record, projectNumber);
    const { now, after } = worldsOf(target);
    const verdict = difference(rolesIn(now, principal, nowSeconds), rolesIn(after, principal, nowSeconds));
    verdicts.add(key, verdict, weightOf(verdict));
    return verdict;
  }

  /** Undefined where the work for it would be too much. */
  function planFor(record: RecentExchange, target: Shards['target']): Plan | undefined {
    const { poolId, providerId, subject, groups, attributes, kubernetes, isCut } = record;
    const asking = [target.target.targetId, poolId, providerId, subject, groups, attributes, kubernetes, isCut];
    const key = JSON.stringify(asking);
    const known = plans.get(key);
    if (known !== undefined) return known;
    if (work <= 0) return undefined;
    const { now, after } = worldsOf(target);
    askers += 1;
    const { plan, characters } = planOf(record, principalOf(record, projectNumber), now, after, compiler, askers);
    work -= Math.floor(characters / CHARACTERS_A_NODE);
    plans.add(key, plan, plan.tells === 'by conditions' ? plan.conditions.length * REFERENCE_CHARACTERS : 0);
    return plan;
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

function weightOf(verdict: Verdict): number {
  if (verdict === 'unchanged') return 0;
  return (verdict.rolesGained.length + verdict.rolesLost.length) * REFERENCE_CHARACTERS;
}

/** What a principal's standing on a target hangs on, under both policies. */
type Plan =
  /** No binding that names it differs: nothing has to be evaluated, whatever the conditions are. */
  | { readonly tells: 'the same' }
  /** A binding differs that may name it or not: what it would hang on was not kept. */
  | { readonly tells: 'nothing' }
  /** `asker`: stands for who asks, in what is remembered of it. */
  | { readonly tells: 'by conditions'; readonly conditions: readonly Condition[]; readonly asker: number };

const THE_SAME: Plan = { tells: 'the same' };
const NOTHING: Plan = { tells: 'nothing' };

/** `characters`: how much had to be compared. */
function planOf(
  { isCut }: RecentExchange,
  principal: Principal,
  now: World,
  after: World,
  compiler: PolicyCompiler,
  asker: number,
): { readonly plan: Plan; readonly characters: number } {
  const texts = memberTexts(principal);
  const namedNow = isCut === true ? bindingsThatMayName(principal, now, texts) : bindingsIn(now, texts);
  const namedAfter = isCut === true ? bindingsThatMayName(principal, after, texts) : bindingsIn(after, texts);
  const grantsNow = grantsOf(namedNow, isCut === true);
  const grantsAfter = grantsOf(namedAfter, isCut === true);
  const characters = Math.max(grantsNow.length, grantsAfter.length);
  if (grantsNow === grantsAfter) return { plan: THE_SAME, characters };
  if (isCut === true) return { plan: NOTHING, characters };
  const denying = denyingRules([...(now.target.denyRules ?? []), ...(now.project.denyRules ?? [])], texts, compiler);
  const expressions = new Set([...namedNow, ...namedAfter].flatMap(({ condition }) => condition?.expression ?? []));
  const allowing = [...expressions].map((expression) => compiler.condition(expression, 'binding'));
  const conditions = [...allowing.flatMap((one) => (one.ok ? [one.value] : [])), ...denying.flatMap(conditionOf)];
  return { plan: { tells: 'by conditions', conditions, asker }, characters };
}

/** Without members where one of them names it for sure; else with those alone that may, by a group or an attribute. */
function bindingsThatMayName(
  principal: Principal,
  { project, target }: World,
  texts: ReadonlySet<string>,
): readonly Binding[] {
  const prefixes = mappedPrefixes(principal);
  const opening = [...target.policy.bindings, ...project.policy.bindings].filter(({ role }) =>
    opensTargets(role, project),
  );
  return opening.flatMap((binding) => {
    if (binding.members.some((member) => texts.has(member))) return [{ ...binding, members: [] }];
    const members = binding.members.filter((member) => prefixes.some((prefix) => member.startsWith(prefix)));
    return members.length === 0 ? [] : [{ ...binding, members: members.toSorted() }];
  });
}

function conditionOf({ condition }: Denying): readonly Condition[] {
  return condition === undefined ? [] : [condition];
}

function bindingsIn({ project, target }: World, texts: ReadonlySet<string>): readonly Binding[] {
  const named = [...bindingsNaming(target.policy, texts), ...bindingsNaming(project.policy, texts)];
  return named.filter(({ role }) => opensTargets(role, project));
}

/** The same text for the same grants, in whatever order and however often. */
function grantsOf(bindings: readonly Binding[], areMembersPart: boolean): string {
  const grants = bindings.map(({ role, condition, members }) =>
    JSON.stringify([role, condition?.expression, ...(areMembersPart ? members : [])]),
  );
  return JSON.stringify([...new Set(grants)].toSorted());
}

function difference(now: readonly string[], after: readonly string[]): Verdict {
  const rolesGained = after.filter((role) => !now.includes(role));
  const rolesLost = now.filter((role) => !after.includes(role));
  if (rolesGained.length === 0 && rolesLost.length === 0) return 'unchanged';
  const change = now.length === 0 ? 'ACCESS_GAINED' : after.length === 0 ? 'ACCESS_REVOKED' : 'ROLES_CHANGED';
  return { change, rolesGained, rolesLost };
}
