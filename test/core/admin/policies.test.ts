/** Allow policies: each limit, the normal form, the etag, and what version 3 protects. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PolicyInput, PolicyResource } from '../../../src/core/admin/commands.ts';
import { policyEtag, setOrganizationPolicy } from '../../../src/core/admin/policies.ts';
import { EMPTY_POLICY, type Binding, type Policy } from '../../../src/core/resources.ts';
import { contextAt } from '../../support/admin-samples.ts';
import { Administered, fieldsOf, sentencesOf } from '../../support/administer.ts';

const POOL = '//iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools/demo.svc.id.goog';
const ALICE = `principal:${POOL}/subject/ns/a/sa/alice`;
const ROLE = 'roles/sts.targetViewer';
const PROJECT: PolicyResource = { kind: 'project' };
const SOON = 'request.time < timestamp("2030-01-01T00:00:00Z")';

const set = (policy: PolicyInput, resource: PolicyResource = PROJECT) =>
  ({ type: 'policy.set', resource, policy }) as const;
const granting = (binding: Partial<Binding>): PolicyInput => ({
  version: 3,
  bindings: [{ role: ROLE, members: [ALICE], ...binding }],
});

function policyAfter(project: Administered, policy: PolicyInput): Policy {
  const { answer } = project.do(set(policy));
  if (answer.kind !== 'policy') throw new Error(answer.kind);
  return answer.policy;
}

describe('policy.set', () => {
  it('keeps a policy on project, pool and target, each its own', () => {
    const project = new Administered();
    project.do({ type: 'target.create', targetId: 'api', input: { uri: 'https://api.example.com' } });
    const resources: [PolicyResource, string[]][] = [
      [PROJECT, ['project:100000000001']],
      [{ kind: 'pool', poolId: 'demo.svc.id.goog' }, []],
      [{ kind: 'target', targetId: 'api' }, ['target:100000000001/api']],
    ];
    for (const [index, [resource, shards]] of resources.entries()) {
      const members = [`user:${index}@example.com`];
      const applied = project.do(set({ bindings: [{ role: ROLE, members }] }, resource));
      expect(applied.shards).toEqual(shards);
      expect(applied.answer).toEqual({
        kind: 'policy',
        policy: { version: 1, revision: index + 3, bindings: [{ role: ROLE, members }] },
      });
    }
    for (const [index, [resource]] of resources.entries()) {
      expect(project.ask({ type: 'policy.get', resource })).toMatchObject({ policy: { revision: index + 3 } });
    }
  });

  it('does not know what is not there', () => {
    const project = new Administered();
    expect(project.refuse(set({}, { kind: 'target', targetId: 'api' }))).toEqual({
      tag: 'not_found',
      resource: 'projects/100000000001/targets/api',
    });
    expect(project.refuse(set({}, { kind: 'pool', poolId: 'pool' }))).toMatchObject({ tag: 'not_found' });
  });

  it.each<[string, PolicyInput, string]>([
    ['version 2', { version: 2 }, 'policy.version'],
    ['version 4', { version: 4 }, 'policy.version'],
    ['a condition in version 1', { ...granting({ condition: { expression: SOON } }), version: 1 }, 'policy.version'],
    ['a condition in version 0', { ...granting({ condition: { expression: SOON } }), version: 0 }, 'policy.version'],
    ['an etag that is no base64', { etag: '???' }, 'policy.etag'],
    ["somebody else's etag", { etag: 'BwWWja0YfJA=' }, 'policy.etag'],
    ['an unknown role', granting({ role: 'roles/unknown' }), 'policy.bindings[0].role'],
    ['an empty role', granting({ role: '' }), 'policy.bindings[0].role'],
    ['a custom role that is not there', granting({ role: 'projects/demo/roles/none' }), 'policy.bindings[0].role'],
    ["another project's role", granting({ role: 'projects/other/roles/reader' }), 'policy.bindings[0].role'],
    [
      'a role as read without conditions',
      granting({ role: `${ROLE}_withcond_0123456789abcdef` }),
      'policy.bindings[0].role',
    ],
    ['allUsers', granting({ members: [ALICE, 'allUsers'] }), 'policy.bindings[0].members[1]'],
    ['allAuthenticatedUsers', granting({ members: ['allAuthenticatedUsers'] }), 'policy.bindings[0].members[0]'],
    ['group:', granting({ members: ['group:a@example.com'] }), 'policy.bindings[0].members[0]'],
    ['domain:', granting({ members: ['domain:example.com'] }), 'policy.bindings[0].members[0]'],
    ['an unknown prefix', granting({ members: ['User:a@example.com'] }), 'policy.bindings[0].members[0]'],
    [
      'a condition on owner',
      granting({ role: 'roles/owner', condition: { expression: SOON } }),
      'policy.bindings[0].condition',
    ],
    ['an empty condition', granting({ condition: { expression: '' } }), 'policy.bindings[0].condition.expression'],
    [
      'a long condition',
      granting({ condition: { expression: `${SOON}${' '.repeat(4_096)}` } }),
      'policy.bindings[0].condition.expression',
    ],
    [
      'a long title',
      granting({ condition: { expression: SOON, title: 'x'.repeat(101) } }),
      'policy.bindings[0].condition.title',
    ],
    [
      'a long description',
      granting({ condition: { expression: SOON, description: 'x'.repeat(257) } }),
      'policy.bindings[0].condition.description',
    ],
    [
      '13 operators',
      granting({ condition: { expression: Array.from({ length: 14 }, () => SOON).join(' && ') } }),
      'policy.bindings[0].condition.expression',
    ],
    ['1,501 principals', granting({ members: users(1_501) }), 'policy.bindings'],
    [
      '1,501 principals in all',
      {
        bindings: [
          { role: ROLE, members: users(1_000) },
          { role: 'roles/owner', members: users(501) },
        ],
      },
      'policy.bindings',
    ],
    ['21 conditions of one grant', { version: 3, bindings: conditional(21) }, 'policy.bindings'],
  ])('refuses %s', (_name, policy, field) => {
    const project = new Administered();
    project.do({ type: 'role.create', roleId: 'reader', input: {} });
    expect(fieldsOf(project.refuse(set(policy)))).toEqual([field]);
    expect(project.state.policy(PROJECT)).toBeUndefined();
  });

  it('tells a fault in CEL with its place', () => {
    const said = sentencesOf(
      new Administered().refuse(set(granting({ condition: { expression: 'request.time <\n nonsense(' } }))),
    );
    expect(said).toMatch(/^policy\.bindings\[0\]\.condition\.expression: line \d+, column \d+: \S/);
  });

  it('accepts the limits themselves', () => {
    const project = new Administered();
    project.do(set(granting({ condition: { expression: Array.from({ length: 13 }, () => SOON).join(' && ') } })));
    project.do(set(granting({ members: users(1_500) })));
    project.do(set({ version: 3, bindings: conditional(20) }));
    project.do(set({ version: 3, bindings: [...conditional(20), ...conditional(20, 'user:b@example.com')] }));
  });

  it('accepts members of unknown pools and other projects', () => {
    const elsewhere =
      'principalSet://iam.googleapis.com/projects/999999999999/locations/global/workloadIdentityPools/none/*';
    expect(policyAfter(new Administered(), granting({ members: [elsewhere] })).bindings).toEqual([
      { role: ROLE, members: [elsewhere] },
    ]);
  });

  it('takes custom roles by id and by number, and keeps the id', () => {
    const project = new Administered();
    project.do({ type: 'role.create', roleId: 'reader', input: {} });
    const bindings = [
      { role: 'projects/100000000001/roles/reader', members: [ALICE] },
      { role: 'projects/demo/roles/reader', members: ['user:b@example.com'] },
    ];
    expect(policyAfter(project, { bindings }).bindings).toEqual([
      { role: 'projects/demo/roles/reader', members: [ALICE, 'user:b@example.com'] },
    ]);
  });
});

describe('a policy that is far too large', () => {
  it('is refused by its size, before anything in it is looked at', () => {
    const bindings = Array.from({ length: 19_622 }, () => ({ role: 'nonsense', members: ['nobody'] }));
    expect(sentencesOf(new Administered().refuse(set({ bindings })))).toMatch(/^policy\.bindings: .*1500/);
    const empty = Array.from({ length: 1_501 }, () => ({ role: ROLE, members: [] }));
    expect(fieldsOf(new Administered().refuse(set({ bindings: empty })))).toEqual(['policy.bindings']);
  });

  it('is merged in one pass: 1,500 bindings of one grant', () => {
    const bindings = users(1_500).map((member) => ({ role: ROLE, members: [member] }));
    expect(policyAfter(new Administered(), { bindings }).bindings).toEqual([{ role: ROLE, members: users(1_500) }]);
  });
});

describe('the normal form', () => {
  it('merges, dedupes, drops what is empty, and lower-cases mail addresses only', () => {
    const condition = { expression: SOON, title: 'soon' };
    const bindings: Binding[] = [
      { role: ROLE, members: ['user:A@Example.com', ALICE] },
      { role: ROLE, members: ['user:a@example.com'], condition },
      { role: 'roles/owner', members: [] },
      { role: ROLE, members: [ALICE, 'serviceAccount:Robot@Demo.iam.example.com', 'user:a@example.COM'] },
      { role: ROLE, members: [`principal:${POOL}/subject/Ns/A`], condition: { ...condition } },
      { role: ROLE, members: [ALICE], condition: { ...condition, title: 'other' } },
    ];
    expect(policyAfter(new Administered(), { version: 3, bindings })).toEqual({
      version: 3,
      revision: 2,
      bindings: [
        { role: ROLE, members: ['user:a@example.com', ALICE, 'serviceAccount:robot@demo.iam.example.com'] },
        { role: ROLE, members: ['user:a@example.com', `principal:${POOL}/subject/Ns/A`], condition },
        { role: ROLE, members: [ALICE], condition: { ...condition, title: 'other' } },
      ],
    });
  });

  it('is its own normal form, and grants exactly what was written', () => {
    const binding = fc.record(
      {
        role: fc.constantFrom(ROLE, 'roles/iam.roleAdmin'),
        members: fc.array(fc.constantFrom(ALICE, 'user:a@b.example', 'user:c@d.example'), { maxLength: 4 }),
        condition: fc.record({ expression: fc.constantFrom(SOON, 'true') }),
      },
      { requiredKeys: ['role', 'members'] },
    );
    const grants = (bindings: readonly Binding[]) =>
      new Set(
        bindings.flatMap((one) => one.members.map((member) => `${one.role} ${member} ${one.condition?.expression}`)),
      );
    fc.assert(
      fc.property(fc.array(binding, { maxLength: 8 }), (bindings) => {
        const first = policyAfter(new Administered(), { version: 3, bindings });
        const again = policyAfter(new Administered(), { version: 3, bindings: first.bindings });
        expect(again).toEqual(first);
        expect(grants(first.bindings)).toEqual(grants(bindings));
        expect(first.bindings.reduce((sum, one) => sum + one.members.length, 0)).toBe(grants(bindings).size);
        expect(first.version).toBe(
          bindings.some((one) => one.condition !== undefined && one.members.length > 0) ? 3 : 1,
        );
      }),
      { numRuns: 60 },
    );
  });
});

describe('the etag', () => {
  it('lets exactly one of two writers win', () => {
    const project = new Administered();
    const etag = policyEtag(EMPTY_POLICY);
    expect(etag).toBe('ACAB');
    project.do(set({ ...granting({}), etag }));
    expect(project.refuse(set({ ...granting({ members: ['user:b@example.com'] }), etag }))).toEqual({
      tag: 'etag_mismatch',
      resource: 'projects/100000000001',
    });
    expect(project.state.policy(PROJECT)?.bindings).toEqual([{ role: ROLE, members: [ALICE] }]);
  });

  it.each([undefined, ''])('absent or empty (%j) overwrites, conditions too', (etag) => {
    const project = new Administered();
    project.do(set(granting({ condition: { expression: SOON } })));
    const policy: PolicyInput = { version: 1, bindings: [{ role: ROLE, members: [ALICE] }] };
    project.do(set(etag === undefined ? policy : { ...policy, etag }));
    expect(project.state.policy(PROJECT)).toMatchObject({ version: 1, bindings: [{ role: ROLE, members: [ALICE] }] });
  });

  it('with a version below 3 never drops conditions', () => {
    const project = new Administered();
    const policy = policyAfter(project, granting({ condition: { expression: SOON } }));
    const written: PolicyInput = { version: 1, etag: policyEtag(policy), bindings: [{ role: ROLE, members: [ALICE] }] };
    expect(fieldsOf(project.refuse(set(written)))).toEqual(['policy.version']);
    project.do(set({ ...written, version: 3 }));
  });

  it('changes with every write, also of the same content', () => {
    const project = new Administered();
    const etags = [1, 2, 3].map(() => policyEtag(policyAfter(project, granting({}))));
    expect(new Set(etags).size).toBe(3);
  });
});

describe('the organization', () => {
  it('takes predefined roles only', () => {
    const taken = setOrganizationPolicy(undefined, granting({ role: 'roles/owner' }), contextAt(7));
    expect(taken).toEqual({
      ok: true,
      value: { version: 1, revision: 7, bindings: [{ role: 'roles/owner', members: [ALICE] }] },
    });
    const refused = setOrganizationPolicy(undefined, granting({ role: 'projects/demo/roles/reader' }), contextAt(7));
    expect(refused.ok ? [] : fieldsOf(refused.error)).toEqual(['policy.bindings[0].role']);
  });

  it('compares etags', () => {
    const current: Policy = { version: 1, revision: 7, bindings: [] };
    const stale = setOrganizationPolicy(current, { ...granting({}), etag: 'ACAB' }, contextAt(8));
    expect(stale).toEqual({ ok: false, error: { tag: 'etag_mismatch', resource: 'organizations/1' } });
    expect(setOrganizationPolicy(current, { ...granting({}), etag: policyEtag(current) }, contextAt(8)).ok).toBe(true);
  });
});

function users(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `user:u${index}@example.com`);
}

function conditional(count: number, member = ALICE): Binding[] {
  return Array.from({ length: count }, (_, index) => ({
    role: ROLE,
    members: [member],
    condition: { expression: SOON, title: `t${index}` },
  }));
}
