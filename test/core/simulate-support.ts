/** Random worlds for rehearsals, and an oracle that knows who would gain and lose what. */
import fc from 'fast-check';
import type { Allowance } from '../../src/core/frugal-map.ts';
import { createPolicyCompiler } from '../../src/core/policy/cache.ts';
import type { RecentExchange } from '../../src/core/recent.ts';
import type { Binding, EdgeDenyRule, Policy, Shards } from '../../src/core/resources.ts';
import { createSimulation, type SimulatedChange } from '../../src/core/simulate.ts';
import { POLICY_NOW, policyWorld } from '../support/policy-world.ts';
import { recordOf } from '../support/recent.ts';

const PROJECT_NUMBER = '123456789012';
export const POOL = `iam.googleapis.com/projects/${PROJECT_NUMBER}/locations/global/workloadIdentityPools`;
const OPENING = ['reader', 'writer', 'admin'];
const role = (roleId: string): string => `projects/demo/roles/${roleId}`;

type Verdict = boolean | 'error';

interface Condition {
  readonly expression: string;
  readonly asksClaims: boolean;
  holds(record: RecentExchange, target: TestTarget): Verdict;
}

export interface TestMember {
  readonly text: string;
  matches(record: RecentExchange): boolean;
}

interface TestBinding {
  readonly roleId: string;
  readonly members: readonly TestMember[];
  readonly condition: Condition | undefined;
}

interface TestRule {
  readonly denied: readonly TestMember[];
  readonly excepted: readonly TestMember[];
  readonly condition: Condition | undefined;
  /** Undefined: the exchange itself. */
  readonly roleIds: readonly string[] | undefined;
}

interface TestTarget {
  readonly id: string;
  readonly type: string | undefined;
  readonly isProd: boolean;
  readonly bindings: readonly TestBinding[];
  readonly rules: readonly TestRule[];
}

export const fixed = (expression: string, holds: Condition['holds']): Condition => ({
  expression,
  asksClaims: false,
  holds,
});
const secondOf = (record: RecentExchange): number => Math.floor(record.timeMs / 1_000);

export const conditions: fc.Arbitrary<Condition> = fc.oneof(
  fc.integer({ min: POLICY_NOW - 90_000, max: POLICY_NOW }).map((second) => {
    const shown = new Date(second * 1_000).toISOString();
    return fixed(`request.time < timestamp("${shown}")`, (record) => secondOf(record) < second);
  }),
  fc.integer({ min: 0, max: 22 }).map((hour) =>
    fixed(`request.time.getHours() >= ${hour} && request.time.getHours() < ${hour + 2}`, (record) => {
      const at = new Date(record.timeMs).getUTCHours();
      return at >= hour && at < hour + 2;
    }),
  ),
  fc.constant(
    fixed('request.time.getSeconds() % 2 == 0', (record) => new Date(record.timeMs).getUTCSeconds() % 2 === 0),
  ),
  fc.constant(fixed('resource.type == "x/Y"', (_record, { type }) => (type === undefined ? 'error' : type === 'x/Y'))),
  fc.constant(fixed('resource.matchTag("1/env", "prod")', (_record, { isProd }) => isProd)),
  fc.constant(
    fixed('request.workload.namespace == "shop"', ({ kubernetes }) =>
      kubernetes === undefined ? 'error' : kubernetes.namespace === 'shop',
    ),
  ),
  fc.constant(fixed('"g1" in request.workload.groups', ({ groups }) => groups.includes('g1'))),
  fc.constantFrom('a', 'b').map((team) => ({
    expression: `request.workload.claims.team == "${team}"`,
    asksClaims: true,
    holds: ({ claims }: RecentExchange): Verdict =>
      claims?.['team'] === undefined ? 'error' : claims['team'] === team,
  })),
);

export const members: fc.Arbitrary<TestMember> = fc.oneof(
  fc.tuple(fc.constantFrom('my-pool', 'other-pool'), fc.nat(11)).map(([pool, n]) => ({
    text: `principal://${POOL}/${pool}/subject/s${n}`,
    matches: ({ poolId, subject }: RecentExchange) => poolId === pool && subject === `s${n}`,
  })),
  fc.constantFrom('g1', 'g2').map((group) => ({
    text: `principalSet://${POOL}/my-pool/group/${group}`,
    matches: ({ poolId, groups }: RecentExchange) => poolId === 'my-pool' && groups.includes(group),
  })),
  fc.constantFrom('red', 'blue').map((colour) => ({
    text: `principalSet://${POOL}/other-pool/attribute.colour/${colour}`,
    matches: ({ poolId, attributes }: RecentExchange) => poolId === 'other-pool' && attributes['colour'] === colour,
  })),
  fc.constantFrom('shop', 'bank').map((namespace) => ({
    text: `principalSet://${POOL}/my-pool/namespace/${namespace}`,
    matches: ({ poolId, kubernetes }: RecentExchange) => poolId === 'my-pool' && kubernetes?.namespace === namespace,
  })),
  fc.constant({
    text: `principalSet://${POOL}/other-pool/*`,
    matches: ({ poolId }: RecentExchange) => poolId === 'other-pool',
  }),
);

const memberLists = fc.array(members, { minLength: 1, maxLength: 3 });
const sometimes = fc.option(conditions, { nil: undefined });

export const bindings = fc.array(
  fc.record({ roleId: fc.constantFrom(...OPENING, 'closed'), members: memberLists, condition: sometimes }),
  { maxLength: 6 },
);

const rules = fc.array(
  fc.record({
    denied: memberLists,
    excepted: fc.array(members, { maxLength: 1 }),
    condition: sometimes,
    roleIds: fc.option(fc.subarray(OPENING, { minLength: 1 }), { nil: undefined }),
  }),
  { maxLength: 1 },
);

export const worlds = fc.record({
  targets: fc.tuple(
    ...['t0', 't1', 't2'].map((id) =>
      fc.record({
        id: fc.constant(id),
        type: fc.constantFrom(undefined, 'x/Y', 'x/Z'),
        isProd: fc.boolean(),
        bindings,
        rules,
      }),
    ),
  ),
  bindings,
  rules,
  /** A change of a little, or something else altogether. */
  proposed: fc.oneof(
    bindings.map((all) => () => all),
    fc.tuple(bindings, fc.nat(5)).map(([more, without]) => (now: readonly TestBinding[]) => [
      ...now.filter((_, index) => index !== without),
      ...more.slice(0, 1),
    ]),
  ),
  resource: fc.constantFrom('project', 't0', 't1'),
});

/** Of whom the records are: some keep their claims, some had too many. */
export const principals = fc.array(
  fc.record({
    poolId: fc.constantFrom('my-pool', 'other-pool'),
    subject: fc.nat(11).map((n) => `s${n}`),
    groups: fc.subarray(['g1', 'g2']),
    attributes: fc.constantFrom({}, { colour: 'red' }, { colour: 'blue' }),
    namespace: fc.constantFrom(undefined, 'shop', 'bank'),
    claims: fc.constantFrom(undefined, {}, { team: 'a' }, { team: 'b' }),
  }),
  { minLength: 20, maxLength: 40 },
);

const RECORDS = 10_000;

/** Records are drawn from one seed: ten thousand arbitraries would take longer than what is tested. */
export function recordsOf(
  of: readonly (typeof principals extends fc.Arbitrary<readonly (infer P)[]> ? P : never)[],
  seed: number,
) {
  let state = seed;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * below);
  };
  return Array.from({ length: RECORDS }, (_, index): RecentExchange => {
    const { namespace, claims, ...principal } = of[draw(of.length)] ?? of[0] ?? fail();
    const kubernetes =
      namespace === undefined
        ? {}
        : { kubernetes: { namespace, serviceAccount: { name: 'sa', uid: 'u' }, cluster: 'https://c' } };
    const record = recordOf(`r${index}`, (POLICY_NOW - draw(86_400)) * 1_000 + draw(1_000), {
      ...principal,
      ...kubernetes,
      ...(claims === undefined ? {} : { claims }),
    });
    const { targetId: _none, ...withoutTarget } = record;
    const targetId = ['t0', 't1', 't2', 'gone', undefined][draw(5)];
    return targetId === undefined ? withoutTarget : { ...withoutTarget, targetId };
  });
}

function fail(): never {
  throw new Error('nobody to draw from');
}

// What the engine gets.

function policyOf(of: readonly TestBinding[], revision: number): Policy {
  const made = of.map(({ roleId, members: named, condition }): Binding => ({
    role: role(roleId),
    members: named.map(({ text }) => text),
    ...(condition === undefined ? {} : { condition: { expression: condition.expression } }),
  }));
  return { version: 3, revision, bindings: made };
}

function denyOf(of: readonly TestRule[]): readonly EdgeDenyRule[] {
  return of.map(({ denied, excepted, condition, roleIds }) => ({
    shown: 'rule',
    deniedPrincipals: denied.map(({ text }) => text),
    exceptionPrincipals: excepted.map(({ text }) => text),
    deniesExchange: roleIds === undefined,
    deniedRoleIds: roleIds ?? [],
    ...(condition === undefined ? {} : { condition: { expression: condition.expression } }),
  }));
}

const sample = policyWorld({ bindings: [], roleIds: OPENING });

function shardOf({ id, type, isProd, bindings: own, rules: denying }: TestTarget): Shards['target'] {
  return {
    target: {
      ...sample.target.target,
      targetId: id,
      resource: type === undefined ? {} : { type },
      tags: isProd ? { '1/env': 'prod' } : {},
    },
    policy: policyOf(own, 1),
    denyRules: denyOf(denying),
  };
}

// The oracle.

interface Expected {
  readonly unchanged: number;
  readonly different: number;
  readonly unknown: number;
  readonly changes: readonly SimulatedChange[];
}

export type TestWorld = typeof worlds extends fc.Arbitrary<infer W> ? W : never;

export function expectedOf(world: TestWorld, records: readonly RecentExchange[]): Expected {
  let [unchanged, different, unknown] = [0, 0, 0];
  const found = new Map<string, SimulatedChange>();
  for (const record of records) {
    const target = world.targets.find(({ id }) => id === record.targetId);
    if (target === undefined || (world.resource !== 'project' && world.resource !== target.id)) continue;
    const now = [...target.bindings, ...world.bindings].filter((one) => names(one, record));
    const then =
      world.resource === 'project'
        ? [...target.bindings, ...world.proposed(world.bindings)]
        : [...world.proposed(target.bindings), ...world.bindings];
    const named = then.filter((one) => names(one, record));
    const denying = [...target.rules, ...world.rules].filter(
      ({ denied, excepted }) =>
        denied.some((one) => one.matches(record)) && !excepted.some((one) => one.matches(record)),
    );
    const claims = [...now, ...named, ...denying].some(({ condition }) => condition?.asksClaims === true);
    if (record.claims === undefined && claims && textOf(now) !== textOf(named)) {
      unknown += 1;
      note('UNKNOWN_CHANGE', [], []);
      continue;
    }
    const before = heldBy(now);
    const after = heldBy(named);
    const gained = after.filter((one) => !before.includes(one)).toSorted();
    const lost = before.filter((one) => !after.includes(one)).toSorted();
    if (gained.length + lost.length === 0) unchanged += 1;
    else {
      different += 1;
      note(
        before.length === 0 ? 'ACCESS_GAINED' : after.length === 0 ? 'ACCESS_REVOKED' : 'ROLES_CHANGED',
        gained,
        lost,
      );
    }

    function heldBy(of: readonly TestBinding[]): readonly string[] {
      const held = OPENING.filter((roleId) =>
        of.some(
          (one) =>
            one.roleId === roleId && (one.condition === undefined || one.condition.holds(record, mine()) === true),
        ),
      );
      return held
        .filter(
          (roleId) =>
            !denying.some(
              ({ roleIds, condition }) =>
                (roleIds === undefined || roleIds.includes(roleId)) &&
                (condition === undefined || condition.holds(record, mine()) !== false),
            ),
        )
        .map(role);
    }
    function mine(): TestTarget {
      return target ?? fail();
    }
    function note(
      change: SimulatedChange['change'],
      rolesGained: readonly string[],
      rolesLost: readonly string[],
    ): void {
      const principal = `principal://${POOL}/${record.poolId}/subject/${record.subject}`;
      const on = `projects/${PROJECT_NUMBER}/targets/${record.targetId}`;
      const key = [principal, on, change, rolesGained.join(), rolesLost.join()].join('\n');
      const seen = found.get(key);
      found.set(key, {
        principal,
        target: on,
        change,
        rolesGained,
        rolesLost,
        exchanges: (seen?.exchanges ?? 0) + 1,
        firstSeenMs: Math.min(seen?.firstSeenMs ?? Infinity, record.timeMs),
        lastSeenMs: Math.max(seen?.lastSeenMs ?? 0, record.timeMs),
      });
    }
  }
  return { unchanged, different, unknown, changes: [...found.values()] };
}

export function names({ roleId, members: named }: TestBinding, record: RecentExchange): boolean {
  return OPENING.includes(roleId) && named.some((one) => one.matches(record));
}

function textOf(of: readonly TestBinding[]): string {
  return [...new Set(of.map(({ roleId, condition }) => `${roleId} ${condition?.expression ?? ''}`))]
    .toSorted()
    .join('\n');
}

export function simulated(
  world: TestWorld,
  records: readonly RecentExchange[],
  maxWork?: number,
  allowance?: Allowance,
) {
  const project: Shards['project'] = {
    ...sample.project,
    policy: policyOf(world.bindings, 1),
    denyRules: denyOf(world.rules),
  };
  const targets = new Map(world.targets.map((target) => [target.id, shardOf(target)]));
  const isProject = world.resource === 'project';
  const current = isProject ? world.bindings : (world.targets.find(({ id }) => id === world.resource)?.bindings ?? []);
  const simulation = createSimulation(
    project,
    isProject ? { kind: 'project' } : { kind: 'target', targetId: world.resource },
    policyOf(world.proposed(current), 2),
    createPolicyCompiler(1_000),
    maxWork,
    allowance,
  );
  for (const record of records) {
    const target = targets.get(record.targetId ?? '');
    if (target !== undefined && (isProject || world.resource === record.targetId)) simulation.replay(record, target);
  }
  return simulation.result();
}

const keyOf = ({ principal, target, change, rolesGained, rolesLost }: SimulatedChange): string =>
  [principal, target, change, rolesGained.join(), rolesLost.join()].join('\n');
export const sorted = (changes: readonly SimulatedChange[]): readonly SimulatedChange[] =>
  changes.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));

export const EMPTY: TestWorld = {
  targets: ['t0', 't1', 't2'].map((id) => ({ id, type: undefined, isProd: false, bindings: [], rules: [] })),
  bindings: [],
  rules: [],
  proposed: () => [],
  resource: 'project',
} as unknown as TestWorld;

export const everybody: TestMember = { text: `principalSet://${POOL}/my-pool/*`, matches: () => true };
export const named = (n: number): RecentExchange =>
  recordOf(`r${n}`, POLICY_NOW * 1_000 + n, { subject: `s${n}`, targetId: 't0' });
