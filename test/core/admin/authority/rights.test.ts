/** Rights, straight from the policies: what is not granted is denied, a deny wins, and what is not known of a caller counts against him. */
import { describe, expect, it } from 'vitest';
import { type Rights, rightsOf, type Where } from '../../../../src/core/admin/authority/rights.ts';
import type { Identity } from '../../../../src/core/admin/caller.ts';
import { createPolicyCompiler } from '../../../../src/core/policy/cache.ts';
import type { Policy } from '../../../../src/core/resources.ts';
import { EMPTY_POLICY } from '../../../../src/core/resources.ts';
import { Administered } from '../../../support/administer.ts';

const NUMBER = '100000000001';
const IN_POOL = `//iam.googleapis.com/projects/${NUMBER}/locations/global/workloadIdentityPools/ci-pool`;
const ADA: Identity = { kind: 'user', email: 'ada@example.com' };
const PROJECT: Where = { kind: 'project' };

const job = (isWhole: boolean): Identity => ({
  kind: 'workload',
  isWhole,
  principal: {
    provider: { projectNumber: NUMBER, poolId: 'ci-pool', providerId: 'github' },
    subject: 'job',
    groups: isWhole ? ['deployers'] : [],
    attributes: {},
    claims: {},
  },
});

const policy = (...bindings: Policy['bindings'][number][]): Policy => ({ version: 3, revision: 1, bindings });
const owners = (...members: string[]) => policy({ role: 'roles/owner', members });

interface Setting {
  readonly organization?: Policy;
  readonly project?: Policy;
  readonly denied?: readonly { readonly principals: readonly string[]; readonly permissions: readonly string[] }[];
}

function rights(identity: Identity, { organization = EMPTY_POLICY, project, denied = [] }: Setting): Rights {
  const world = new Administered();
  if (project !== undefined) world.do({ type: 'policy.set', resource: { kind: 'project' }, policy: project });
  for (const [index, { principals, permissions }] of denied.entries()) {
    const denyRule = { deniedPrincipals: principals, deniedPermissions: permissions };
    const attachment = { kind: 'project' } as const;
    world.do({ type: 'denyPolicy.create', attachment, policyId: `denial-${index}`, input: { rules: [{ denyRule }] } });
  }
  const nowSeconds = Date.UTC(2026, 5, 1) / 1_000;
  return rightsOf(identity, world.state, {
    organizationPolicy: organization,
    nowSeconds,
    compiler: createPolicyCompiler(50),
  });
}

describe('a right', () => {
  it('is nobody’s by default', () => {
    expect(rights(ADA, {}).may('resourcemanager.projects.get', PROJECT)).toBe(false);
    expect(rights(ADA, {}).may('resourcemanager.projects.get', { kind: 'organization' })).toBe(false);
  });

  it('is inherited downwards and never upwards', () => {
    const inProject = rights(ADA, { project: owners('user:ada@example.com') });
    expect(inProject.may('sts.targets.get', { kind: 'target', targetId: 'files' })).toBe(true);
    expect(inProject.may('resourcemanager.projects.create', { kind: 'organization' })).toBe(false);
    const above = rights(ADA, { organization: owners('user:ada@example.com') });
    expect(above.may('sts.targets.get', { kind: 'target', targetId: 'files' })).toBe(true);
  });

  it('hangs on the exact member: neither case nor prefix is forgiven', () => {
    const set = owners(
      'user:ada@example.com.evil.com',
      `principal:${IN_POOL}/subject/job2`,
      `principalSet:${IN_POOL}/group/deploy`,
    );
    expect(rights(ADA, { project: set }).may('sts.targets.get', PROJECT)).toBe(false);
    expect(rights(job(true), { project: set }).may('sts.targets.get', PROJECT)).toBe(false);
  });

  it('is not granted by a condition that errs, and not taken by one either way that would', () => {
    const when = (expression: string) =>
      policy({ role: 'roles/iam.roleAdmin', members: ['user:ada@example.com'], condition: { expression } });
    for (const [expression, holds] of [
      ["resource.name == 'projects/100000000001'", true],
      ['resource.name.startsWith("projects/2")', false],
      ["request.workload.subject == 'ada'", false],
      ["!(request.workload.subject == 'ada')", false],
      ["request.path == '/'", false],
    ] as const) {
      expect([expression, rights(ADA, { project: when(expression) }).may('iam.roles.get', PROJECT)]).toEqual([
        expression,
        holds,
      ]);
    }
  });

  it('is bought with a budget: a thousand costly conditions end in a no, not in a long thought', () => {
    const costly = Array.from({ length: 60 }, (_, index) => `resource.name.matches('(a|b|c|d|e){1,${index + 2}}$')`);
    const bindings = Array.from({ length: 1_200 }, (_, index) => ({
      role: 'roles/iam.roleAdmin',
      members: ['user:ada@example.com'],
      condition: { expression: `${costly[index % 60] ?? 'false'} && ${index} < 0` },
    }));
    expect(rights(ADA, { organization: policy(...bindings) }).may('iam.roles.get', PROJECT)).toBe(false);
  });
});

describe('handing on under one’s own condition', () => {
  it('takes a condition that holds for oneself: a pool that one controls may meet it as it likes', () => {
    const team = { expression: "request.workload.attribute.team == 'core'" };
    const conditional = policy({
      role: 'roles/iam.roleAdmin',
      members: [`principal:${IN_POOL}/subject/job`],
      condition: team,
    });
    const of = (name: string): Identity => {
      const whole = job(true);
      return whole.kind === 'workload'
        ? { ...whole, principal: { ...whole.principal, attributes: { team: name } } }
        : whole;
    };
    const may = (name: string, condition?: typeof team): boolean =>
      rights(of(name), { project: conditional }).mayHandOn('iam.roles.get', PROJECT, condition);
    expect([may('core', team), may('core'), may('web', team), may('web')]).toEqual([true, false, false, false]);
  });
});

describe('a denial', () => {
  const denied = [{ principals: [`principalSet:${IN_POOL}/group/deployers`], permissions: ['iam.roles.get'] }];
  const project = owners(`principal:${IN_POOL}/subject/job`);

  it('wins over an owner', () => {
    const may = rights(job(true), { project, denied });
    expect(may.may('iam.roles.get', PROJECT)).toBe(false);
    expect(may.may('iam.roles.list', PROJECT)).toBe(true);
  });

  it('is taken to mean whoever might be meant', () => {
    expect(rights(job(false), { project, denied }).may('iam.roles.get', PROJECT)).toBe(false);
    const elsewhere = [{ principals: [`principal:${IN_POOL}/subject/other`], permissions: ['iam.roles.get'] }];
    expect(rights(job(false), { project, denied: elsewhere }).may('iam.roles.get', PROJECT)).toBe(true);
  });

  it('keeps what is denied at some hour from being handed on at any', () => {
    expect(rights(job(true), { project, denied }).mayHandOn('iam.roles.get', PROJECT, undefined)).toBe(false);
    expect(rights(job(true), { project, denied }).mayHandOn('iam.roles.list', PROJECT, undefined)).toBe(true);
  });

  it('never keeps an owner of the organization from lifting denials, and keeps a tenant’s owner', () => {
    const everything = [{ principals: ['principalSet://goog/public:all'], permissions: ['*'] }];
    const above = rights(ADA, { organization: owners('user:ada@example.com'), denied: everything });
    expect(above.may('iam.denypolicies.delete', PROJECT)).toBe(true);
    expect(above.may('iam.roles.get', PROJECT)).toBe(false);
    const tenant = rights(ADA, { project: owners('user:ada@example.com'), denied: everything });
    expect(tenant.may('iam.denypolicies.delete', PROJECT)).toBe(false);
  });

  it('does not reach the bootstrap administrator, who is no principal', () => {
    const everything = [{ principals: ['principalSet://goog/public:all'], permissions: ['*'] }];
    expect(rights({ kind: 'bootstrap' }, { denied: everything }).may('iam.roles.get', PROJECT)).toBe(true);
  });
});
