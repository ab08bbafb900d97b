import { describe, expect, it } from 'vitest';
import { claimsOf, grantForTarget } from '../../src/core/grant.ts';
import { createPolicyCompiler } from '../../src/core/policy/cache.ts';
import type { Binding, Shards } from '../../src/core/resources.ts';
import { opensTargets } from '../../src/core/roles.ts';
import { POLICY_NOW, policyPrincipal, policyWorld } from '../support/policy-world.ts';

const NOW = POLICY_NOW;
const EVERYONE =
  'principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/my-pool/*';
const principal = policyPrincipal;
const at = (seconds: number): string =>
  `timestamp("${new Date((NOW + seconds) * 1_000).toISOString().replace('.000', '')}")`;

function world(
  bindings: readonly Binding[],
  permissions: Record<string, string[]>,
  maxLifetimeSeconds = 3_600,
): [Shards['project'], Shards['target']] {
  const roles = Object.entries(permissions).map(([roleId, includedPermissions]) => ({ roleId, includedPermissions }));
  const roleIds = roles.filter(opensTargets).map((role) => role.roleId);
  const { project, target } = policyWorld({ bindings, roleIds, maxLifetimeSeconds });
  return [project, target];
}

function granted(
  bindings: readonly Binding[],
  permissions: Record<string, string[]> = { reader: ['orders.get'] },
  subjectLife = 86_400,
  maxLifetime = 3_600,
): ReturnType<typeof grantForTarget> {
  const [project, target] = world(bindings, permissions, maxLifetime);
  return grantForTarget(principal, project, target, [], createPolicyCompiler(100), NOW + subjectLife, NOW);
}

const bind = (roleId: string, expression?: string): Binding => ({
  role: `projects/demo/roles/${roleId}`,
  members: [EVERYONE],
  ...(expression === undefined ? {} : { condition: { expression } }),
});

const lifeOf = (grant: ReturnType<typeof grantForTarget>, mintedAfterSeconds = 0): number | undefined => {
  if (!grant.ok) return undefined;
  const mintedAt = NOW + mintedAfterSeconds;
  const claims = claimsOf(grant.value, 'https://sts.example.com', 'id', mintedAt);
  return claims === undefined ? undefined : claims.exp - mintedAt;
};

describe('the life of a token', () => {
  it('is the least of an hour, the target, and the rest of the subject token', () => {
    expect(lifeOf(granted([bind('reader')]))).toBe(3_600);
    expect(lifeOf(granted([bind('reader')], undefined, 86_400, 120))).toBe(120);
    expect(lifeOf(granted([bind('reader')], undefined, 43_200, 43_200))).toBe(3_600);
    expect(lifeOf(granted([bind('reader')], undefined, 100))).toBe(100);
  });

  it('is not shortened because the quota took some seconds to answer, and never goes past the subject token', () => {
    expect(lifeOf(granted([bind('reader')]), 4)).toBe(3_600);
    expect(lifeOf(granted([bind('reader')], undefined, 100), 4)).toBe(96);
    expect(lifeOf(granted([bind('reader')], undefined, 3), 3)).toBeUndefined();
  });

  it('ends with the condition, to the second, however late it is minted', () => {
    const until90 = granted([bind('reader', `request.time < ${at(90)}`)]);
    expect(lifeOf(until90)).toBe(90);
    expect(lifeOf(until90, 4)).toBe(86);
  });

  it('goes on where one binding of the role takes over from another, and ends at a gap', () => {
    const handover = [
      bind('reader', `request.time < ${at(100)}`),
      bind('reader', `request.time >= ${at(100)} && request.time < ${at(250)}`),
    ];
    expect(lifeOf(granted(handover))).toBe(250);
    const gap = [bind('reader', `request.time < ${at(100)}`), bind('reader', `request.time > ${at(100)}`)];
    expect(lifeOf(granted(gap))).toBe(100);
  });
});

describe('the roles it carries', () => {
  const two = { reader: ['orders.get'], writer: ['orders.update'] };
  const rolesOf = (grant: ReturnType<typeof grantForTarget>): readonly string[] => (grant.ok ? grant.value.roles : []);

  it('are sorted; one that is about to end is left out where another lasts, and kept where none does', () => {
    expect(rolesOf(granted([bind('writer'), bind('reader')], two))).toEqual([
      'projects/demo/roles/reader',
      'projects/demo/roles/writer',
    ]);
    const short = granted([bind('writer'), bind('reader', `request.time < ${at(59)}`)], two);
    expect([rolesOf(short), lifeOf(short)]).toEqual([['projects/demo/roles/writer'], 3_600]);
    const both = granted([bind('writer', `request.time < ${at(30)}`), bind('reader', `request.time < ${at(59)}`)], two);
    expect([rolesOf(both).length, lifeOf(both)]).toEqual([2, 30]);
    const enough = granted([bind('writer'), bind('reader', `request.time < ${at(60)}`)], two);
    expect([rolesOf(enough).length, lifeOf(enough)]).toEqual([2, 60]);
  });

  it.each([
    ['nobody is bound', [], two],
    ['the role is gone', [bind('deleted')], two],
    [
      "the role holds only the broker's own permissions",
      [bind('reader')],
      { reader: ['iam.roles.get', 'sts.targets.get'] },
    ],
    ['the role holds texts that name no service', [bind('reader')], { reader: ['iam', 'orders'] }],
    ['the condition is false', [bind('reader', 'request.time < timestamp("2001-01-01T00:00:00Z")')], two],
    ['the condition errs', [bind('reader', 'resource.type == "x"')], two],
    ['the condition does not compile any more', [bind('reader', 'nonsense(')], two],
    [
      'the binding is for another project',
      [{ ...bind('reader'), members: [EVERYONE.replace('123456789012', '999999999999')] }],
      two,
    ],
    ['the role is one of another project', [{ ...bind('reader'), role: 'projects/other/roles/reader' }], two],
    ['the role is predefined', [{ ...bind('reader'), role: 'roles/owner' }], two],
  ] as [string, Binding[], Record<string, string[]>][])(
    'are none, and nothing is granted, where %s',
    (_why, bindings, permissions) => {
      expect(granted(bindings, permissions)).toMatchObject({
        ok: false,
        error: { tag: 'not_granted', target: 'orders' },
      });
    },
  );
});

describe('what the operator reads', () => {
  const whyOf = (bindings: Binding[], permissions: Record<string, string[]> = { reader: ['orders.get'] }): string => {
    const grant = granted(bindings, permissions);
    return grant.ok || grant.error.tag !== 'not_granted' ? 'granted' : grant.error.why;
  };

  it.each([
    [[], 'no binding on projects/123456789012/targets/orders or its project names this principal'],
    [[bind('unknown')], 'holds no permission for targets'],
    [[{ ...bind('reader'), role: 'roles/owner' }], 'holds no permission for targets'],
    [[{ ...bind('reader'), condition: { expression: 'false', title: 'never' } }], '(never) does not hold now'],
    [[bind('reader', 'nonsense(')], 'does not compile'],
  ] as [Binding[], string][])('%j: %s', (bindings, why) => {
    expect(whyOf(bindings)).toContain(why);
  });
});

describe('dear conditions', () => {
  it('of many roles cost one exchange no more than those of one', () => {
    const dear =
      '[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14].all(i, [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14].all(j, request.time.getSeconds() >= 0))';
    const names = Array.from({ length: 80 }, (_, index) => `role${index}`);
    const permissions = Object.fromEntries(names.map((name) => [name, ['orders.get']]));
    const started = performance.now();
    const grant = granted(
      names.map((name) => bind(name, dear)),
      permissions,
    );
    // Without one budget for all it is 80 times 100 ms; the bound leaves a busy machine its time.
    expect(performance.now() - started).toBeLessThan(2_500);
    expect(grant.ok).toBe(true);
    // Where the proof ended, the token ends.
    expect(lifeOf(grant)).toBeLessThan(3_600);
  });
});
