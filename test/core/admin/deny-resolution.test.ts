/** From permissions to roles: what a deny rule comes to at the edge, against a naive second opinion, through every change of roles. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Command, DenyRuleInput } from '../../../src/core/admin/commands.ts';
import type { DenyAttachment, EdgeDenyRule } from '../../../src/core/resources.ts';
import { Administered } from '../../support/administer.ts';

const POOL = 'iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools/demo.svc.id.goog';
const EVERYONE = `principalSet://${POOL}/*`;
const PROJECT = { kind: 'project' } as const;
const API = { kind: 'target', targetId: 'api' } as const;

const ruleOf = (deniedPermissions: readonly string[], exceptionPermissions: readonly string[] = []): DenyRuleInput => ({
  denyRule: { deniedPrincipals: [EVERYONE], deniedPermissions, exceptionPermissions },
});
const role = (roleId: string, includedPermissions: readonly string[]): Command => ({
  type: 'role.create',
  roleId,
  input: { title: roleId, includedPermissions },
});
const deny = (rules: readonly DenyRuleInput[], attachment: DenyAttachment = PROJECT, policyId = 'deny'): Command => ({
  type: 'denyPolicy.create',
  attachment,
  policyId,
  input: { rules },
});

const rulesAt = (project: Administered, at: DenyAttachment = PROJECT): readonly EdgeDenyRule[] =>
  (at.kind === 'project' ? project.state.projectShard() : project.state.targetShard(at.targetId))?.denyRules ?? [];

const resolved = (permissions: readonly string[], denied: readonly string[], excepted: readonly string[] = []) => {
  const project = new Administered();
  project.do(role('reader', permissions));
  project.do(deny([ruleOf(denied, excepted)]));
  const [rule] = rulesAt(project);
  return { exchange: rule?.deniesExchange, roles: rule?.deniedRoleIds };
};

describe('a rule at the edge', () => {
  it('stands with its place, its principals and its condition', () => {
    const project = new Administered();
    const denialCondition = { expression: 'resource.hasTagKey("1/env")', title: 't' };
    const second = { deniedPrincipals: [EVERYONE], exceptionPrincipals: [`${EVERYONE.slice(0, -1)}namespace/ops`] };
    project.do(
      deny([ruleOf(['orders.get']), { denyRule: { ...second, deniedPermissions: ['a.b'], denialCondition } }]),
    );
    project.do(deny([ruleOf(['*'])], PROJECT, 'another'));
    const policies = 'policies/cloudresourcemanager.googleapis.com%2Fprojects%2F100000000001/denypolicies';
    expect(rulesAt(project)).toEqual([
      {
        shown: `${policies}/another rules[0]`,
        deniedPrincipals: [EVERYONE],
        exceptionPrincipals: [],
        deniesExchange: true,
        deniedRoleIds: [],
      },
      {
        shown: `${policies}/deny rules[0]`,
        deniedPrincipals: [EVERYONE],
        exceptionPrincipals: [],
        deniesExchange: false,
        deniedRoleIds: [],
      },
      {
        shown: `${policies}/deny rules[1]`,
        ...second,
        condition: denialCondition,
        deniesExchange: false,
        deniedRoleIds: [],
      },
    ]);
  });

  it('of a target is named by the target', () => {
    const project = new Administered();
    project.do({ type: 'target.create', targetId: 'api', input: { uri: 'https://api.example.com' } });
    project.do(deny([ruleOf(['*'])], API));
    const on = 'policies/sts.googleapis.com%2Fprojects%2F100000000001%2Ftargets%2Fapi/denypolicies/deny';
    expect(rulesAt(project, API)).toMatchObject([{ shown: `${on} rules[0]` }]);
    expect(rulesAt(project)).toEqual([]);
  });
});

describe('a rule and AWS roles', () => {
  it.each([
    ['the right itself', ['iam.serviceAccounts.getAccessToken'], [], true],
    ["as Google's IAM v2 spells it", ['iam.googleapis.com/serviceAccounts.getAccessToken'], [], true],
    ['all of service accounts', ['iam.serviceAccounts.*'], [], true],
    ['with an exception', ['iam.serviceAccounts.*'], ['iam.serviceAccounts.getAccessToken'], undefined],
    ['another right', ['iam.serviceAccounts.get'], [], undefined],
    // Who may not exchange at all takes no role either.
    ['everything', ['*'], [], undefined],
  ])('%s', (_what, denied, excepted, expected) => {
    const project = new Administered();
    project.do(deny([ruleOf(denied, excepted)]));
    expect(rulesAt(project)[0]?.deniesImpersonation).toBe(expected);
  });
});

describe('which permissions a rule denies', () => {
  const held = ['storage.objects.get'];

  it.each([
    ['storage.objects.get'],
    ['storage.googleapis.com/objects.get'],
    ['storage.objects.*'],
    ['storage.*'],
    ['storage.googleapis.com/objects.*'],
    ['storage.googleapis.com/*.get'],
    ['storage.googleapis.com/*.*'],
  ])('%s is about storage.objects.get, and not about the exchange', (pattern) => {
    expect(resolved(held, [pattern])).toEqual({ exchange: false, roles: ['reader'] });
    expect(resolved(held, ['*'], [pattern, 'sts.tokens.exchange'])).toEqual({ exchange: false, roles: [] });
  });

  it.each([
    ['storage.objects.list'],
    ['storage.googleapis.com/*.list'],
    ['storage.object.*'],
    ['storag.*'],
    ['storage.objects.get.*'],
    ['compute.googleapis.com/*.get'],
    ['Storage.objects.get'],
  ])('%s is not', (pattern) => {
    expect(resolved(held, [pattern])).toEqual({ exchange: false, roles: [] });
  });

  it.each(['orders.delete', 'orders.*', 'orders.googleapis.com/*.delete', 'orders.googleapis.com/*.*', '*'])(
    '%s is about orders.delete, a permission of two parts',
    (pattern) => {
      expect(resolved(['orders.delete'], [pattern], ['sts.tokens.exchange']).roles).toEqual(['reader']);
    },
  );

  it.each([
    'orders.googleapis.com/*.get',
    'orders.googleapis.com/orders.delete',
    'orders.googleapis.com/delete.*',
    'order.googleapis.com/*.delete',
    'delete.googleapis.com/*.*',
  ])('%s is not', (pattern) => {
    expect(resolved(['orders.delete'], [pattern]).roles).toEqual([]);
  });

  it('a role goes whole when one of its permissions is denied, and stays when each denied one is excepted', () => {
    expect(resolved(['orders.get', 'orders.list'], ['orders.get'])).toMatchObject({ roles: ['reader'] });
    expect(resolved(['orders.get', 'orders.list'], ['orders.*'], ['orders.get'])).toMatchObject({ roles: ['reader'] });
    expect(resolved(['orders.get'], ['orders.*'], ['orders.get'])).toMatchObject({ roles: [] });
  });

  it.each([
    [['*'], [], true],
    [['sts.tokens.exchange'], [], true],
    [['sts.*'], [], true],
    [['sts.googleapis.com/tokens.exchange'], [], true],
    [['sts.googleapis.com/*.*'], [], true],
    [['*'], ['sts.tokens.exchange'], false],
    [['*'], ['sts.googleapis.com/tokens.*'], false],
    [['sts.targets.get'], [], false],
    [['orders.*'], [], false],
  ])('%j less %j denies the exchange: %s', (denied, excepted, expected) => {
    expect(resolved(held, denied, excepted).exchange).toBe(expected);
  });

  it("knows the service whose permissions are not named after its address, and a role's text without a dot", () => {
    const roles = ['resourcemanager.projects.get', 'cat'];
    expect(resolved(roles, ['cloudresourcemanager.googleapis.com/projects.get']).roles).toEqual(['reader']);
    expect(resolved(roles, ['cat']).roles).toEqual(['reader']);
    expect(resolved(['cat'], ['cat.*']).roles).toEqual([]);
  });
});

describe('a change of roles', () => {
  const world = (): Administered => {
    const project = new Administered();
    for (const targetId of ['api', 'free', 'other']) {
      project.do({ type: 'target.create', targetId, input: { uri: `https://${targetId}.example.com` } });
    }
    project.do(deny([ruleOf(['orders.get'])]));
    project.do(deny([ruleOf(['orders.get'])], API));
    project.do(deny([ruleOf(['orders.list'])], { kind: 'target', targetId: 'other' }));
    return project;
  };
  const SHARDS = ['project:100000000001', 'target:100000000001/api', 'target:100000000001/other'];
  const idsAt = (project: Administered, at: DenyAttachment = PROJECT): unknown =>
    rulesAt(project, at).flatMap((rule) => rule.deniedRoleIds);

  it('resolves every rule anew, and names every record that holds one', () => {
    const project = world();
    expect(project.do(role('reader', ['orders.get'])).shards).toEqual(SHARDS);
    for (const at of [PROJECT, API]) expect(idsAt(project, at)).toEqual(['reader']);
    const patch: Command = {
      type: 'role.patch',
      roleId: 'reader',
      input: { includedPermissions: ['orders.list'] },
      mask: ['includedPermissions'],
    };
    expect(project.do(patch).shards).toEqual(SHARDS);
    for (const at of [PROJECT, API]) expect(idsAt(project, at)).toEqual([]);
    expect(idsAt(project, { kind: 'target', targetId: 'other' })).toEqual(['reader']);
    expect(project.do({ type: 'role.delete', roleId: 'reader' }).shards).toEqual(SHARDS);
    expect(idsAt(project, { kind: 'target', targetId: 'other' })).toEqual([]);
  });

  it('names no target once its policies are gone', () => {
    const project = world();
    project.do({ type: 'denyPolicy.delete', attachment: API, policyId: 'deny' });
    project.do({ type: 'target.delete', targetId: 'other' });
    expect(project.do(role('reader', ['orders.get'])).shards).toEqual(['project:100000000001']);
  });
});

describe('whatever the roles and the rules are', () => {
  const word = fc.constantFrom('orders', 'storage', 'sts', 'objects', 'tokens', 'get', 'exchange');
  const permission = fc
    .array(word, { minLength: 1, maxLength: 4 })
    .map((words) => words.join('.'))
    .filter((text) => text.length > 2);
  const pattern = fc.oneof(
    permission,
    permission.map((text) => `${text}.*`),
    fc.tuple(word, word, word).map(([service, resource, verb]) => `${service}.googleapis.com/${resource}.${verb}`),
    fc.tuple(word, word).map(([service, resource]) => `${service}.googleapis.com/${resource}.*`),
    fc.tuple(word, word).map(([service, verb]) => `${service}.googleapis.com/*.${verb}`),
    word.map((service) => `${service}.googleapis.com/*.*`),
    fc.constant('*'),
  );
  const anyRule = fc.tuple(
    fc.array(pattern, { minLength: 1, maxLength: 3 }),
    fc.array(fc.oneof(pattern, fc.constant('sts.tokens.exchange')), { maxLength: 2 }),
  );
  const anyRoles = fc.array(fc.array(permission, { maxLength: 4 }), { maxLength: 4 });

  /** The second opinion: each pattern a beginning and an end, each permission tried with each. */
  const matches = (text: string, held: string): boolean => {
    if (text === '*') return true;
    const [service = '', rest] = text.split('.googleapis.com/');
    if (rest === undefined) return text.endsWith('.*') ? held.startsWith(text.slice(0, -1)) : held === text;
    if (rest === '*.*') return held.startsWith(`${service}.`);
    if (rest.startsWith('*.')) return held.startsWith(`${service}.`) && held.endsWith(rest.slice(1));
    return matches(`${service}.${rest}`, held);
  };
  const isDenied = (denied: readonly string[], excepted: readonly string[], held: string): boolean =>
    denied.some((text) => matches(text, held)) && !excepted.some((text) => matches(text, held));

  it('a rule shuts out exactly the roles of which it denies something, also after roles changed', () => {
    let shutOut = 0;
    let letIn = 0;
    fc.assert(
      fc.property(fc.array(anyRule, { minLength: 1, maxLength: 3 }), anyRoles, anyRoles, (rules, before, after) => {
        const project = new Administered();
        for (const [index, held] of before.entries()) project.do(role(`role_${index}`, held));
        project.do(deny(rules.map(([denied, excepted]) => ruleOf(denied, excepted))));
        expectResolved(before);
        for (const index of before.keys()) {
          if (after[index] === undefined) project.do({ type: 'role.delete', roleId: `role_${index}` });
        }
        for (const [index, includedPermissions] of after.entries()) {
          const [roleId, mask] = [`role_${index}`, ['includedPermissions']];
          if (before[index] === undefined) project.do(role(roleId, includedPermissions));
          else project.do({ type: 'role.patch', roleId, input: { includedPermissions }, mask });
        }
        expectResolved(after);

        function expectResolved(roles: readonly (readonly string[])[]): void {
          const found = rulesAt(project);
          for (const [place, [denied, excepted]] of rules.entries()) {
            const deniesExchange = isDenied(denied, excepted, 'sts.tokens.exchange');
            expect(found[place]?.deniesExchange).toBe(deniesExchange);
            const ids = roles.flatMap((held, index) =>
              held.some((one) => isDenied(denied, excepted, one)) ? [`role_${index}`] : [],
            );
            // Everything is shut out with the exchange: no list says so again.
            expect(found[place]?.deniedRoleIds).toEqual(deniesExchange ? [] : ids);
            shutOut += deniesExchange ? 0 : ids.length;
            letIn += roles.length - ids.length;
          }
        }
      }),
      { numRuns: 500 },
    );
    expect(shutOut).toBeGreaterThan(100);
    expect(letIn).toBeGreaterThan(100);
  });
});
