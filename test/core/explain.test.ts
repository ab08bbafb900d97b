/** An explanation and an exchange never disagree, and what is not known of a principal is said to be unknown, never guessed. */
import { by } from '../support/callers.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Explanation } from '../../src/core/explain/answer.ts';
import { explain } from '../../src/core/explain/explain.ts';
import { questionOf } from '../../src/core/explain/question.ts';
import { namedSubject, type Subject } from '../../src/core/explain/subject.ts';
import { grantForTarget } from '../../src/core/grant.ts';
import { createPolicyCompiler } from '../../src/core/policy/cache.ts';
import type { Principal } from '../../src/core/principal.ts';
import { type Binding, EMPTY_POLICY, type EdgeDenyRule, type Policy, type Shards } from '../../src/core/resources.ts';
import { MemoryConfig } from '../support/memory-config.ts';
import { POLICY_NOW, policyWorld, rfc3339 } from '../support/policy-world.ts';

const NUMBER = '123456789012';
const POOL = `iam.googleapis.com/projects/${NUMBER}/locations/global/workloadIdentityPools/demo.svc.id.goog`;
const CLUSTER = 'https://clusters.example.com/a';
const principalOf = (namespace: string, name: string, node: string | undefined, uid: string): Principal => ({
  provider: { projectNumber: NUMBER, poolId: 'demo.svc.id.goog', providerId: 'cluster-a' },
  subject: `ns/${namespace}/sa/${name}`,
  groups: [],
  attributes: {},
  kubernetes: {
    namespace,
    serviceAccount: { name, uid },
    ...(node === undefined ? {} : { node: { name: node } }),
    cluster: CLUSTER,
  },
  claims: { tier: 'gold' },
});

interface Case {
  readonly targetBindings: readonly Binding[];
  readonly projectBindings: readonly Binding[];
  readonly denyRules: readonly EdgeDenyRule[];
}

function shardsOf({ targetBindings, projectBindings, denyRules }: Case): [Shards['project'], Shards['target']] {
  const { project, target } = policyWorld({ bindings: targetBindings, roleIds: ['reader', 'writer'] });
  const policy: Policy = { version: 3, revision: 1, bindings: projectBindings };
  return [{ ...project, policy, denyRules }, target];
}

function explained(world: Case, subject: Subject, timeSeconds = POLICY_NOW): Explanation {
  const [project, target] = shardsOf(world);
  const state = new MemoryConfig(project.project, {
    time: '2026-01-01T00:00:00Z',
    caller: by('tester'),
    epoch: 1,
    newUid: () => 'uid',
    loopbackIssuersAllowed: false,
    ownHost: '',
    thumbprintOf: () => '',
  });
  state.commit([
    { put: 'target', target: target.target },
    { put: 'policy', resource: { kind: 'target', targetId: 'orders' }, policy: target.policy },
    { put: 'policy', resource: { kind: 'project' }, policy: project.policy },
  ]);
  const question = questionOf(
    {
      subject,
      subjectExpiresAtSeconds: timeSeconds + 3_600,
      timeSeconds,
      publicOrigin: 'https://sts.example.com',
      resource: { kind: 'target', targetId: 'orders' },
      wanted: { kind: 'target', targetId: 'orders' },
      organizationPolicy: EMPTY_POLICY,
    },
    { state, project, target: () => target },
  );
  if (!question.ok) throw new Error(question.error.tag);
  return explain(question.value, createPolicyCompiler(100));
}

const namespaces = fc.constantFrom('shop', 'billing');
const anyPrincipal = fc
  .tuple(
    namespaces,
    fc.constantFrom('a', 'b'),
    fc.constantFrom(undefined, 'gpu-1', 'cpu-1'),
    fc.constantFrom('u1', 'u2'),
  )
  .map(([namespace, name, node, uid]) => principalOf(namespace, name, node, uid));
const anyMember = fc.oneof(
  fc.tuple(namespaces, fc.constantFrom('a', 'b')).map(([ns, sa]) => `principal://${POOL}/subject/ns/${ns}/sa/${sa}`),
  namespaces.map((ns) => `principalSet://${POOL}/namespace/${ns}`),
  fc.constantFrom('u1', 'u2').map((uid) => `principal://${POOL}/kubernetes.serviceaccount.uid/${uid}`),
  fc
    .constantFrom(CLUSTER, 'https://clusters.example.com/b')
    .map((uri) => `principalSet://${POOL}/kubernetes.cluster/${uri}`),
  fc.constantFrom(`principalSet://${POOL}/*`, 'user:somebody@example.com'),
);
const anyExpression = fc.constantFrom(
  `request.time < timestamp("${rfc3339(POLICY_NOW + 500)}")`,
  `request.time < timestamp("${rfc3339(POLICY_NOW - 500)}")`,
  'resource.matchTag("1/env", "prod")',
  'resource.matchTag("1/env", "test")',
  'resource.name.startsWith("x")',
  'request.workload.node.name.startsWith("gpu-")',
  'has(request.workload.node) && request.workload.node.name == "cpu-1"',
  'request.workload.namespace == "shop"',
  'request.workload.claims.tier == "gold" || destination.port == 1',
  'request.workload.claims["absent"] == "x"',
);
const anyBinding = fc
  .record({
    role: fc.constantFrom('reader', 'writer', 'gone').map((id) => `projects/demo/roles/${id}`),
    members: fc.array(anyMember, { minLength: 1, maxLength: 3 }),
    expression: fc.option(anyExpression, { nil: undefined }),
  })
  .map(({ role, members, expression }): Binding => ({
    role,
    members,
    ...(expression === undefined ? {} : { condition: { expression, title: 'when' } }),
  }));
const anyRule = fc
  .record({
    deniedPrincipals: fc.array(anyMember, { minLength: 1, maxLength: 2 }),
    exceptionPrincipals: fc.array(anyMember, { maxLength: 1 }),
    deniesExchange: fc.boolean(),
    deniedRoleIds: fc.subarray(['reader', 'writer']),
    expression: fc.option(anyExpression, { nil: undefined }),
  })
  .map(({ expression, ...rule }): EdgeDenyRule => ({
    shown: 'denypolicies/p rules[0]',
    ...rule,
    ...(expression === undefined ? {} : { condition: { expression } }),
  }));
const anyCase = fc.record({
  targetBindings: fc.array(anyBinding, { maxLength: 4 }),
  projectBindings: fc.array(anyBinding, { maxLength: 3 }),
  denyRules: fc.array(anyRule, { maxLength: 2 }),
});

describe('the final word', () => {
  it('is the exchange’s, with its roles and life; the bindings and rules that are told add up to it; and the decisive binding is one of them', () => {
    let granted = 0;
    let denied = 0;
    fc.assert(
      fc.property(anyCase, anyPrincipal, (world, principal) => {
        const [project, target] = shardsOf(world);
        const compiler = createPolicyCompiler(100);
        const grant = grantForTarget(principal, project, target, [], compiler, POLICY_NOW + 3_600, POLICY_NOW);
        const explanation = explained(world, { principal, isWhole: true });
        // Told in full, the parts decide as the exchange did: they are put together by another function than its own.
        expect(explanation.access).toBe(grant.ok ? 'yes' : 'no');
        if (!grant.ok) {
          if (grant.error.tag === 'denied_by_policy') denied += 1;
          expect(explanation.exchange).toEqual({ granted: false, denial: grant.error });
          if (grant.error.tag === 'denied_by_policy') {
            expect(explanation.rules.some((rule) => rule.applies === 'yes')).toBe(true);
          }
          return;
        }
        granted += 1;
        const { roles, binding = '' } = grant.value;
        expect(explanation.exchange).toMatchObject({ granted: true, roles, binding });
        const decisive = explanation.bindings.filter((one) => one.shown === binding && one.access === 'yes');
        expect(decisive.length).toBeGreaterThan(0);
        for (const role of roles) {
          expect(explanation.bindings.some((one) => one.role === role && one.access === 'yes')).toBe(true);
        }
      }),
      { numRuns: 1_500 },
    );
    expect(granted).toBeGreaterThan(200);
    expect(denied).toBeGreaterThan(50);
  }, 60_000);

  it('of a principal known by name alone is never wrong: what his token would decide is unknown', () => {
    let unknown = 0;
    let sure = 0;
    fc.assert(
      fc.property(anyCase, anyPrincipal, (world, principal) => {
        const subject = namedSubject(`principal://${POOL}/subject/${principal.subject}`);
        if (subject === undefined) throw new Error('no name');
        const byName = explained(world, subject).access;
        if (byName === 'unknown') unknown += 1;
        else {
          sure += 1;
          expect(explained(world, { principal, isWhole: true }).access).toBe(byName);
        }
      }),
      { numRuns: 1_500 },
    );
    expect(unknown).toBeGreaterThan(100);
    expect(sure).toBeGreaterThan(300);
  }, 60_000);
});

describe('a subject with many groups', () => {
  it('is spelled out once, however many members the policies name', () => {
    const readsWith = (count: number): number => {
      let reads = 0;
      const principal: Principal = {
        ...principalOf('shop', 'a', undefined, 'u1'),
        get groups() {
          reads += 1;
          return ['admins'];
        },
      };
      const members = Array.from({ length: count }, (_, index) => `principal://${POOL}/subject/ns/shop/sa/a${index}`);
      const targetBindings = [{ role: 'projects/demo/roles/reader', members }];
      const denyRules = [
        {
          shown: 'denypolicies/p rules[0]',
          deniedPrincipals: members,
          exceptionPrincipals: members,
          deniesExchange: true,
          deniedRoleIds: [],
        },
      ];
      const { bindings } = explained({ targetBindings, projectBindings: [], denyRules }, { principal, isWhole: true });
      expect(bindings[0]?.members).toHaveLength(count);
      return reads;
    };
    // What this principal's texts are is remembered from the first look on.
    readsWith(1);
    expect(readsWith(200)).toBe(readsWith(1));
  });
});

describe('a condition of which only a token tells the last of many attributes', () => {
  const tags = Array.from({ length: 31 }, (_, index) => `resource.matchTag("1/t", "${index}")`);
  const last = (attribute: string): string => `[${[...tags, attribute].join(', ')}].exists(b, b)`;
  const byName = (expression: string) => {
    const subject = namedSubject(`principal://${POOL}/subject/ns/shop/sa/a`);
    if (subject === undefined) throw new Error('no name');
    const everyone = [`principalSet://${POOL}/*`];
    const rule: EdgeDenyRule = {
      shown: 'denypolicies/p rules[0]',
      deniedPrincipals: everyone,
      exceptionPrincipals: [],
      deniesExchange: true,
      deniedRoleIds: [],
      condition: { expression },
    };
    const targetBindings = [{ role: 'projects/demo/roles/reader', members: everyone }];
    return explained({ targetBindings, projectBindings: [], denyRules: [rule] }, subject);
  };

  it('is not decided by a name, and shows no more values than before', () => {
    const { access, rules } = byName(last(`request.workload.cluster == "${CLUSTER}"`));
    expect([access, rules[0]?.applies]).toEqual(['unknown', 'unknown']);
    expect(rules[0]?.condition?.values).toHaveLength(30);
    expect(rules[0]?.condition).not.toHaveProperty('names');
  });

  it('is decided where a name does tell it', () => {
    expect(byName(last('request.workload.namespace == "shop"')).access).toBe('no');
    expect(byName(last('request.workload.namespace == "billing"')).access).toBe('yes');
  });

  it('is not decided by a name either where a map of the token is handed on', () => {
    expect(byName('[request.workload.claims].exists(c, c.tier == "gold")').access).toBe('unknown');
  });
});

describe('a condition is told with the values that decided', () => {
  const told = (expression: string): Explanation['bindings'][number]['condition'] => {
    const binding = {
      role: 'projects/demo/roles/reader',
      members: [`principalSet://${POOL}/*`],
      condition: { expression, title: 'when' },
    };
    const world = { targetBindings: [binding], projectBindings: [], denyRules: [] };
    return explained(world, { principal: principalOf('shop', 'a', 'gpu-1', 'u1'), isWhole: true }).bindings[0]
      ?.condition;
  };

  it.each([
    ['request.time < timestamp("2030-01-01T00:00:00Z")', true, [['request.time', '2027-01-15T08:00:00.000Z']]],
    [
      'resource.matchTag("1/env", "test") || request.workload.node.name.startsWith("cpu-")',
      false,
      [
        ['resource.matchTag("1/env", "test")', 'false'],
        ['request.workload.node.name', '"gpu-1"'],
      ],
    ],
    [
      'has(request.workload.pod) && request.workload.claims["tier"] == "gold"',
      false,
      [
        ['has(request.workload.pod)', 'false'],
        ['request.workload.claims["tier"]', '"gold"'],
      ],
    ],
    ['[1, 2].exists(i, i == 2) && request.workload.groups == []', true, [['request.workload.groups', '[]']]],
  ])('%s', (expression, value, values) => {
    expect(told(expression)).toEqual({
      expression,
      title: 'when',
      value,
      values: values.map(([name, text]) => ({ expression: name, value: text })),
    });
  });

  it('and with what is absent, where it cannot be evaluated', () => {
    const explanation = told('resource.name == "x" && request.workload.claims.absent == 1');
    expect(explanation?.value).toBeUndefined();
    expect(explanation?.error).toContain('absent');
    expect(explanation?.values).toEqual([
      { expression: 'resource.name' },
      { expression: 'request.workload.claims.absent' },
    ]);
  });
});

describe('one explanation has one budget', () => {
  const LIST = `[${Array.from({ length: 60 }, (_, n) => n).join(',')}]`;
  /** Runs an evaluation dry, so that each takes a whole budget. */
  const dear = (n: number): string => `${LIST}.exists(i, ${LIST}.exists(j, i * 1000 + j == -${n + 1}))`;
  const caller = (namespace: string): Principal => principalOf(namespace, 'builder', undefined, 'u1');
  const everybody = `principalSet://${POOL}/*`;
  const bindings = Array.from({ length: 200 }, (_, n): Binding => ({
    role: 'projects/demo/roles/reader',
    members: [everybody],
    condition: { expression: dear(n), title: 't' },
  }));
  const subject: Subject = { principal: caller('default'), isWhole: true };

  it('and says where it ended, which is neither yes nor no', () => {
    const { bindings: told } = explained({ targetBindings: bindings, projectBindings: [], denyRules: [] }, subject);
    const ends = told.map(({ condition }) => condition?.error === 'not looked at: too much');
    const first = ends.indexOf(true);
    expect(first).toBeGreaterThan(10);
    expect(first).toBeLessThan(60);
    expect(ends.slice(first)).not.toContain(false);
    expect(told[first]).toMatchObject({ access: 'unknown', condition: { values: [] } });
    expect(told[0]).toMatchObject({ access: 'no', condition: { error: expect.stringContaining('costs too much') } });
  });

  it('of which a deny rule has its share whatever the bindings are', () => {
    const denyRules: readonly EdgeDenyRule[] = [
      {
        shown: 'd',
        deniedPrincipals: [everybody],
        exceptionPrincipals: [],
        deniesExchange: true,
        deniedRoleIds: [],
        condition: { expression: 'request.time > timestamp("2020-01-01T00:00:00Z")' },
      },
    ];
    const { rules, access } = explained({ targetBindings: bindings, projectBindings: [], denyRules }, subject);
    expect(rules.map(({ applies }) => applies)).not.toContain('unknown');
    expect(access).not.toBe('yes');
  });

  it('which an honest policy of 1,500 conditions does not use up', () => {
    const honest = Array.from({ length: 1_500 }, (_, n): Binding => ({
      role: 'projects/demo/roles/reader',
      members: [everybody],
      condition: { expression: `request.workload.namespace == "team-${n}" && resource.type == "x"`, title: 't' },
    }));
    const { bindings: told } = explained({ targetBindings: honest, projectBindings: [], denyRules: [] }, subject);
    expect(told).toHaveLength(1_500);
    expect(told.filter(({ condition }) => condition?.error !== undefined)).toEqual([]);
  });
});
