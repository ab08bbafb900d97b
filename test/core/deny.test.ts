/** Deny rules at the exchange: they win over every binding, end tokens before they begin, and a rule that cannot be evaluated denies. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claimsOf, grantForBroker, grantForTarget } from '../../src/core/grant.ts';
import { bindingsNaming } from '../../src/core/member-index.ts';
import { createPolicyCompiler } from '../../src/core/policy/cache.ts';
import { evaluateCondition } from '../../src/core/policy/condition.ts';
import { EVERYBODY, type Binding, type EdgeDenyRule, type Policy, type Shards } from '../../src/core/resources.ts';
import { POLICY_NOW, policyPrincipal, policyWorld, rfc3339 } from '../support/policy-world.ts';
import { compiled } from './policy/support.ts';

const POOL = 'principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/my-pool';
const ME = `${POOL.replace('principalSet', 'principal')}/subject/somebody`;
const EVERYONE_OF_POOL = `${POOL}/*`;

const HUNDRED = `[${Array.from({ length: 100 }, (_, index) => index).join(', ')}]`;

const bind = (roleId: string, expression?: string): Binding => ({
  role: `projects/demo/roles/${roleId}`,
  members: [EVERYONE_OF_POOL],
  ...(expression === undefined ? {} : { condition: { expression } }),
});

const rule = (change: Partial<EdgeDenyRule> & { readonly expression?: string } = {}): EdgeDenyRule => {
  const { expression, ...members } = change;
  return {
    shown: 'denypolicies/p rules[0]',
    deniedPrincipals: [EVERYONE_OF_POOL],
    exceptionPrincipals: [],
    deniesExchange: false,
    deniedRoleIds: ['reader'],
    ...members,
    ...(expression === undefined ? {} : { condition: { expression } }),
  };
};

function granted(
  bindings: readonly Binding[],
  denyRules: readonly EdgeDenyRule[],
  on: 'project' | 'target' = 'project',
  maxLifetimeSeconds = 3_600,
): ReturnType<typeof grantForTarget> {
  const world = policyWorld({ bindings, roleIds: ['reader', 'writer'], maxLifetimeSeconds });
  const project: Shards['project'] = on === 'project' ? { ...world.project, denyRules } : world.project;
  const target: Shards['target'] = on === 'target' ? { ...world.target, denyRules } : world.target;
  const compiler = createPolicyCompiler(100);
  return grantForTarget(policyPrincipal, project, target, [], compiler, POLICY_NOW + 86_400, POLICY_NOW);
}

const rolesOf = (grant: ReturnType<typeof granted>): readonly string[] | string =>
  grant.ok ? grant.value.roles.map((role) => role.replace('projects/demo/roles/', '')) : grant.error.tag;

const secondsOf = (grant: ReturnType<typeof granted>): number =>
  grant.ok ? grant.value.notAfterSeconds - POLICY_NOW : 0;

describe('a deny rule', () => {
  it.each(['project', 'target'] as const)('on the %s takes away the roles it names, and no other', (on) => {
    expect(rolesOf(granted([bind('reader'), bind('writer')], [rule()], on))).toEqual(['writer']);
  });

  it('that leaves nothing is told by its place', () => {
    expect(granted([bind('reader')], [rule()])).toEqual({
      ok: false,
      error: { tag: 'denied_by_policy', rule: 'denypolicies/p rules[0]' },
    });
  });

  it('is not heard of by who would not be let in anyway: a target must not show itself to him', () => {
    expect(rolesOf(granted([bind('reader', 'request.time < timestamp("2020-01-01T00:00:00Z")')], [rule()]))).toBe(
      'not_granted',
    );
    expect(rolesOf(granted([], [rule({ deniesExchange: true })]))).toBe('not_granted');
  });

  it('about the exchange itself takes away every role', () => {
    const all = rule({ deniesExchange: true, deniedRoleIds: [] });
    expect(rolesOf(granted([bind('reader'), bind('writer')], [all]))).toBe('denied_by_policy');
  });

  it.each([
    ['the principal', [ME]],
    ['a set he is in', [EVERYONE_OF_POOL]],
    ['everybody', [EVERYBODY]],
  ])('names %s', (_who, deniedPrincipals) => {
    expect(rolesOf(granted([bind('reader')], [rule({ deniedPrincipals })]))).toBe('denied_by_policy');
  });

  it.each([
    ['of somebody else', { deniedPrincipals: [`${ME}-else`] }],
    ['that excepts him', { exceptionPrincipals: [ME] }],
    ['that excepts a set he is in', { exceptionPrincipals: [EVERYONE_OF_POOL] }],
    ['of another role', { deniedRoleIds: ['writer'] }],
    ['whose condition is false', { expression: 'resource.matchTag("1/env", "test")' }],
  ])('%s does not apply', (_what, change) => {
    expect(rolesOf(granted([bind('reader')], [rule(change)]))).toEqual(['reader']);
  });

  it.each([
    ['is true', 'resource.matchTag("1/env", "prod")'],
    ['asks for what is not there', 'resource.name == "x"'],
    ['asks for what has no meaning here', 'destination.port == 443'],
    ['asks for a claim that the token lacks', 'request.workload.claims.nobody == "x"'],
    ['does not compile any more', 'nonsense('],
    ['costs too much', `${HUNDRED}.all(i, ${HUNDRED}.all(j, i + j >= 0)) && resource.matchTag("1/env", "test")`],
  ])('whose condition %s applies', (_what, expression) => {
    expect(rolesOf(granted([bind('reader')], [rule({ expression })]))).toBe('denied_by_policy');
  });

  it('that begins later ends the token before', () => {
    const later = rule({ expression: `request.time >= timestamp("${rfc3339(POLICY_NOW + 600)}")` });
    expect(secondsOf(granted([bind('reader')], [later]))).toBe(600);
  });

  it('about to begin makes a role short, and it is left out where another lasts', () => {
    const soon = rule({ expression: `request.time >= timestamp("${rfc3339(POLICY_NOW + 30)}")` });
    expect(rolesOf(granted([bind('reader'), bind('writer')], [soon]))).toEqual(['writer']);
  });
});

describe('a token for the broker itself', () => {
  const forBroker = (denyRules: readonly EdgeDenyRule[]): ReturnType<typeof grantForBroker> => {
    const { project } = policyWorld({ bindings: [], roleIds: [] });
    const compiler = createPolicyCompiler(10);
    const expires = POLICY_NOW + 86_400;
    return grantForBroker(policyPrincipal, { ...project, denyRules }, 'https://sts', compiler, expires, POLICY_NOW);
  };

  it('is denied with the exchange, and with nothing less', () => {
    expect(forBroker([rule()]).ok).toBe(true);
    expect(forBroker([rule({ deniesExchange: true })])).toMatchObject({ error: { tag: 'denied_by_policy' } });
  });

  it('ends where the deny begins', () => {
    const expression = `request.time >= timestamp("${rfc3339(POLICY_NOW + 900)}")`;
    const grant = forBroker([rule({ deniesExchange: true, expression })]);
    expect(grant.ok && grant.value.notAfterSeconds - POLICY_NOW).toBe(900);
  });
});

describe('no token outlives what lets it be', () => {
  const offset = fc.integer({ min: -50, max: 500 });
  const text = (seconds: number): string => `timestamp("${rfc3339(POLICY_NOW + seconds)}")`;
  const clause = fc.oneof(
    offset.map((seconds) => `request.time < ${text(seconds)}`),
    offset.map((seconds) => `request.time >= ${text(seconds)}`),
    offset.map((seconds) => `request.time + duration("40s") != ${text(seconds)}`),
    fc.integer({ min: 0, max: 59 }).map((minute) => `request.time.getMinutes("Europe/Berlin") != ${minute}`),
    fc.integer({ min: 0, max: 59 }).map((second) => `request.time.getSeconds() != ${second}`),
    fc.constantFrom(
      'true',
      'false',
      'resource.matchTag("1/env", "prod")',
      'resource.name == "x"',
      'request.workload.subject == "somebody"',
      'request.workload.claims.absent == 1',
    ),
  );
  const expression = fc.oneof(
    clause,
    fc.tuple(clause, fc.constantFrom('&&', '||'), clause).map(([one, and, other]) => `(${one}) ${and} (${other})`),
  );
  const roleId = fc.constantFrom('reader', 'writer');
  const anyBinding = fc
    .tuple(roleId, fc.option(expression, { nil: undefined }))
    .map(([id, condition]) => bind(id, condition));
  const anyRule = fc
    .record({
      deniesExchange: fc.boolean(),
      id: roleId,
      expression: fc.option(expression, { nil: undefined, freq: 9 }),
    })
    .map(({ id, deniesExchange, expression: condition }) =>
      rule({ deniesExchange, deniedRoleIds: [id], ...(condition === undefined ? {} : { expression: condition }) }),
    );

  /** The second opinion: one condition, one second, nothing remembered. */
  const { tags, tagIds, resource } = policyWorld({ bindings: [], roleIds: [] }).target.target;
  const conditions = new Map<string, ReturnType<typeof compiled>>();
  const verdict = (condition: { readonly expression: string } | undefined, second: number): boolean | 'error' => {
    if (condition === undefined) return true;
    const known = conditions.get(condition.expression) ?? compiled(condition.expression, 'binding');
    conditions.set(condition.expression, known);
    const result = evaluateCondition(known, {
      requestTimeSeconds: second,
      resource: { ...resource, tags, tagIds },
      workload: { provider: '', subject: 'somebody', groups: [], attribute: {}, claims: {} },
    });
    return result.ok ? result.value : 'error';
  };
  const mayHold = (
    role: string,
    bindings: readonly Binding[],
    rules: readonly EdgeDenyRule[],
    second: number,
  ): boolean =>
    bindings.some((binding) => binding.role === role && verdict(binding.condition, second) === true) &&
    rules.every(
      (one) =>
        !(one.deniesExchange || one.deniedRoleIds.includes(role.replace('projects/demo/roles/', ''))) ||
        verdict(one.condition, second) === false,
    );

  it('at every second of a token, each of its roles is held by some binding and denied by no rule; and a role that is held now is never forgotten', () => {
    let tokens = 0;
    let denials = 0;
    fc.assert(
      fc.property(
        fc.array(anyBinding, { minLength: 1, maxLength: 4 }),
        fc.array(anyRule, { maxLength: 2 }),
        fc.integer({ min: 0, max: 9 }),
        (bindings, rules, mintedAfter) => {
          const grant = granted(bindings, rules, 'project', 450);
          const heldNow = [...new Set(bindings.map((binding) => binding.role))].filter((role) =>
            mayHold(role, bindings, rules, POLICY_NOW),
          );
          if (!grant.ok) {
            if (grant.error.tag === 'denied_by_policy') denials += 1;
            expect(heldNow).toEqual([]);
            return;
          }
          tokens += 1;
          const claims = claimsOf(grant.value, 'https://sts', 'id', POLICY_NOW + mintedAfter);
          if (claims === undefined) return;
          for (let second = POLICY_NOW; second < claims.exp; second += 1) {
            for (const role of grant.value.roles) expect(mayHold(role, bindings, rules, second)).toBe(true);
          }
        },
      ),
      { numRuns: 200 },
    );
    expect(tokens).toBeGreaterThan(30);
    expect(denials).toBeGreaterThan(10);
  }, 60_000);
});

describe('the bindings that name a principal', () => {
  it('are found by look-up: once the index is there, no other binding of the policy is touched', () => {
    let touched = 0;
    const counted = (binding: Binding): Binding => ({
      role: binding.role,
      get members() {
        touched += 1;
        return binding.members;
      },
    });
    const others = Array.from({ length: 1_000 }, (_, at) =>
      counted({ role: 'projects/demo/roles/reader', members: [`${ME}-${at}`] }),
    );
    const mine = counted({ role: 'projects/demo/roles/writer', members: [ME, EVERYONE_OF_POOL] });
    const policy: Policy = { version: 1, revision: 1, bindings: [...others, mine] };
    expect(bindingsNaming(policy, new Set([ME]))).toEqual([mine]);
    touched = 0;
    expect(bindingsNaming(policy, new Set([EVERYONE_OF_POOL, ME])).map((binding) => binding.role)).toEqual([mine.role]);
    expect(touched).toBe(0);
  });
});
