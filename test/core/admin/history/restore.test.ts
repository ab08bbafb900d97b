/** Restoring, case by case: what must never come back, what is left as it is, and nobody who raises himself by it. */
import { describe, expect, it } from 'vitest';
import { NOTHING_ABOVE } from '../../../../src/core/admin/authority/above.ts';
import { applyAs } from '../../../../src/core/admin/authority/apply-as.ts';
import type { Caller } from '../../../../src/core/admin/caller.ts';
import type { Command } from '../../../../src/core/admin/commands.ts';
import { createPolicyCompiler } from '../../../../src/core/policy/cache.ts';
import { thumbprintOf } from '../../../../src/platform/thumbprint.ts';
import { contextAt, EC_KEY, jwks, OIDC, POINTS } from '../../../support/admin-samples.ts';
import { Administered, fieldsOf } from '../../../support/administer.ts';

const ID = { poolId: 'my-pool', providerId: 'provider-1' };
const OTHER_KEY = { ...EC_KEY, kid: 'ec-2', crv: 'P-384', ...POINTS['P-384'] };
const ALGORITHMS = { allowedAlgorithms: ['ES256', 'ES384'] };
const IN_POOL = 'principal://iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools/my-pool';

function made(): Administered {
  const project = new Administered();
  project.do({ type: 'pool.create', poolId: 'my-pool', input: { displayName: 'Mine' } });
  project.do({ type: 'provider.create', ...ID, input: { ...OIDC, ...ALGORITHMS } });
  return project;
}

const NO_READING = {
  type: 'denyPolicy.create',
  attachment: { kind: 'project' },
  policyId: 'no-reading',
  input: {
    rules: [
      {
        denyRule: {
          deniedPrincipals: ['principalSet://goog/public:all'],
          exceptionPrincipals: [`${IN_POOL}/subject/robot`],
          deniedPermissions: ['files.read'],
        },
      },
    ],
  },
} as const satisfies Command;

const now = (project: Administered): number => project.state.entries.length;
const restore = (sequence: number, more: object = {}): Command => ({
  type: 'history.restore',
  sequence,
  validateOnly: false,
  ...more,
});
const withKeys = (...keys: readonly object[]): Command => ({
  type: 'provider.patch',
  ...ID,
  input: { oidc: { jwksJson: jwks(...keys) } },
  mask: ['oidc.jwksJson'],
});
const kids = ({ state }: Administered): readonly string[] =>
  (state.provider('my-pool', 'provider-1')?.keys ?? []).map(({ kid }) => kid);

describe('what never comes back', () => {
  it('a distrusted key, whatever state is restored: the others of its set do', () => {
    const project = made();
    project.do(withKeys(EC_KEY, OTHER_KEY));
    const then = now(project);
    project.do(withKeys(OTHER_KEY));
    project.do({ type: 'provider.distrustKey', ...ID, thumbprint: thumbprintOf({ ...EC_KEY, kty: 'EC' }) });
    project.do({ type: 'provider.patch', ...ID, input: { displayName: 'Later' }, mask: ['displayName'] });
    const { answer } = project.do(restore(then));
    expect(answer).toMatchObject({
      left: [{ resource: 'provider/my-pool/provider-1', reason: 'distrusted keys do not come back' }],
    });
    expect(kids(project)).toEqual(['ec-2']);
    expect(project.state.provider('my-pool', 'provider-1')?.distrustedThumbprints).toHaveLength(1);
    // Where no other is left of the set, the keys of now stay.
    project.do(restore(4));
    expect(kids(project)).toEqual(['ec-2']);
    expect(project.state.provider('my-pool', 'provider-1')).toMatchObject({ displayName: '' });
  });

  it('a denied uid is not let in again', () => {
    const project = made();
    const then = now(project);
    project.do({ type: 'pool.denyUids', poolId: 'my-pool', uids: ['u-1'], until: '2026-01-20T00:00:00Z' });
    project.do({ type: 'pool.patch', poolId: 'my-pool', input: { displayName: 'Other' }, mask: ['displayName'] });
    const { answer } = project.do(restore(then));
    expect(answer).toMatchObject({ left: [{ resource: 'pool/my-pool', reason: 'denied uids stay as they are' }] });
    expect(project.state.pool('my-pool')).toMatchObject({ displayName: 'Mine', deniedUids: [{ uid: 'u-1' }] });
  });

  it('pushed keys: those of now stay, with the age that they have', () => {
    const project = made();
    const provider = project.state.provider('my-pool', 'provider-1');
    if (provider === undefined) throw new Error('no provider');
    const pushed = { ...provider, keySource: 'pushed' as const, keysExpireAtSeconds: 1_767_300_000 };
    project.state.commit([{ put: 'provider', provider: pushed }]);
    const then = now(project);
    const newer = { ...pushed, jwksJson: jwks(OTHER_KEY), keysExpireAtSeconds: 1_767_400_000, displayName: 'Later' };
    project.state.commit([{ put: 'provider', provider: newer }]);
    const { answer } = project.do(restore(then));
    expect(answer).toMatchObject({ left: [{ reason: 'pushed keys stay as they are' }] });
    expect(project.state.provider('my-pool', 'provider-1')).toMatchObject({
      keySource: 'pushed',
      jwksJson: jwks(OTHER_KEY),
      keysExpireAtSeconds: 1_767_400_000,
      displayName: '',
    });
    // Nor does a set that was uploaded before the agent came take the place of what it pushes.
    project.do(restore(4));
    expect(project.state.provider('my-pool', 'provider-1')).toMatchObject({ jwksJson: jwks(OTHER_KEY) });
  });

  it('what was purged: neither its keys, nor what its principals held', () => {
    const project = made();
    const bindings = [{ role: 'roles/owner', members: [`${IN_POOL}/subject/robot`, 'user:ada@example.com'] }];
    project.do({ type: 'policy.set', resource: { kind: 'project' }, policy: { bindings } });
    const then = now(project);
    project.do({ type: 'pool.delete', poolId: 'my-pool' });
    const later = { time: '2026-03-01T00:00:00.000Z' };
    project.do({ type: 'purge' }, later);
    project.do({ type: 'policy.set', resource: { kind: 'project' }, policy: {} }, later);
    const { answer } = project.do(restore(then), later);
    expect(answer).toMatchObject({
      left: [{ resource: 'pool/my-pool', reason: expect.stringContaining('deleted for good') }],
    });
    const disowned = [`deleted:${IN_POOL}/subject/robot`, 'user:ada@example.com'];
    expect(project.state.policy({ kind: 'project' })?.bindings[0]?.members.toSorted()).toEqual(disowned.toSorted());
    expect(project.state.pool('my-pool')).toBeUndefined();
    // Nor when somebody has made a pool of that name meanwhile.
    project.do({ type: 'policy.set', resource: { kind: 'project' }, policy: {} }, later);
    project.do({ type: 'pool.create', poolId: 'my-pool', input: {} }, later);
    project.do(restore(then), later);
    expect(project.state.policy({ kind: 'project' })?.bindings[0]?.members).toContain(disowned[0]);
    expect(project.state.provider('my-pool', 'provider-1')).toBeUndefined();
    // Nor when the policy is restored alone, and the pool's own row is none of it.
    project.do({ type: 'policy.set', resource: { kind: 'project' }, policy: {} }, later);
    project.do(restore(then, { resource: 'policy/project' }), later);
    expect(project.state.policy({ kind: 'project' })?.bindings[0]?.members).toContain(disowned[0]);
  });

  it.each([
    ['with everything else', {}],
    ['alone', { resource: 'denyPolicy/project/no-reading' }],
  ])('an exception of a deny rule for principals of a purged pool: restored %s', (_how, more) => {
    const project = made();
    project.do(NO_READING);
    const then = now(project);
    project.do({ type: 'pool.delete', poolId: 'my-pool' });
    const later = { time: '2026-03-01T00:00:00.000Z' };
    project.do({ type: 'purge' }, later);
    project.do({ ...NO_READING, type: 'denyPolicy.delete' }, later);
    project.do({ type: 'pool.create', poolId: 'my-pool', input: {} }, later);
    project.do(restore(then, more), later);
    const [rule] = project.state.denyPolicy(NO_READING)?.rules ?? [];
    expect(rule?.denyRule).toMatchObject({ deniedPermissions: ['files.read'], exceptionPrincipals: [] });
  });

  it('quota: limit, raises, own limits and wishes stay, and it is said', () => {
    const project = made();
    const then = now(project);
    const ownLimits = [
      {
        provider: `${IN_POOL.slice('principal://iam.googleapis.com/'.length)}/providers/provider-1`,
        tokenExchangesPerMinute: 5,
      },
    ];
    const input = { tokenExchangesPerMinute: 10, ownLimits, displayName: 'Other' };
    project.do({ type: 'project.patch', input, mask: ['tokenExchangesPerMinute', 'ownLimits', 'displayName'] });
    const { answer } = project.do(restore(then));
    expect(answer).toMatchObject({
      left: [{ resource: 'project', reason: 'limits, raises and own limits stay as they are' }],
    });
    expect(project.state.project()).toMatchObject({ displayName: 'Demo', tokenExchangesPerMinute: 10, ownLimits });
  });
});

describe('a restore', () => {
  it('takes back one resource alone, where it is named', () => {
    const project = made();
    project.do({ type: 'role.create', roleId: 'reader', input: { includedPermissions: ['files.read'] } });
    const then = now(project);
    project.do({ type: 'role.patch', roleId: 'reader', input: { title: 'Other' }, mask: ['title'] });
    project.do({ type: 'pool.patch', poolId: 'my-pool', input: { displayName: 'Other' }, mask: ['displayName'] });
    const { answer } = project.do(restore(then, { resource: 'role/reader' }));
    expect(answer).toMatchObject({ steps: [{ resource: 'role/reader', action: 'CHANGED' }], left: [] });
    expect(project.state.role('reader')?.title).toBe('');
    expect(project.state.pool('my-pool')?.displayName).toBe('Other');
  });

  it('is all or nothing: one step that is refused, and none is taken, with its resource named', () => {
    const project = new Administered();
    const loopback = { loopbackIssuersAllowed: true };
    project.do({ type: 'pool.create', poolId: 'my-pool', input: { displayName: 'Mine' } });
    const input = { ...OIDC, oidc: { ...OIDC.oidc, issuerUri: 'http://127.0.0.1:9000' } };
    project.do({ type: 'provider.create', ...ID, input }, loopback);
    const then = now(project);
    project.do({ type: 'pool.patch', poolId: 'my-pool', input: { displayName: 'Other' }, mask: ['displayName'] });
    project.do({ type: 'provider.patch', ...ID, input: OIDC, mask: ['*'] }, loopback);
    const before = now(project);
    // The setting has gone: what was taken then is not taken now.
    const refused = project.refuse(restore(then));
    expect(fieldsOf(refused)).toEqual(['provider/my-pool/provider-1: oidc.issuerUri']);
    expect(project.state.pool('my-pool')?.displayName).toBe('Other');
    expect(now(project)).toBe(before);
  });

  it('moves names from one to the other, in whatever order they were taken', () => {
    const project = new Administered();
    const uriOf = (targetId: string, uri: string): Command => ({
      type: 'target.patch',
      targetId,
      input: { uri },
      mask: ['uri'],
    });
    project.do({ type: 'target.create', targetId: 'files', input: { uri: 'https://a.example.com' } });
    project.do({ type: 'target.create', targetId: 'mail', input: { uri: 'https://b.example.com' } });
    const then = now(project);
    project.do(uriOf('mail', 'https://c.example.com'));
    project.do(uriOf('files', 'https://b.example.com'));
    project.do(restore(then));
    expect(project.state.target('files')?.uri).toBe('https://a.example.com');
    expect(project.state.target('mail')?.uri).toBe('https://b.example.com');
  });

  it('makes a target anew once its name is free, and its policy after it', () => {
    const project = new Administered();
    project.do({ type: 'target.create', targetId: 'mail', input: { uri: 'https://a.example.com' } });
    project.do({ type: 'target.create', targetId: 'files', input: { uri: 'https://c.example.com' } });
    const then = now(project);
    project.do({ type: 'target.delete', targetId: 'files' });
    project.do({ type: 'target.patch', targetId: 'mail', input: { uri: 'https://c.example.com' }, mask: ['uri'] });
    project.do(restore(then));
    expect(project.state.target('files')?.uri).toBe('https://c.example.com');
    expect(project.state.target('mail')?.uri).toBe('https://a.example.com');
  });

  it.each([
    ['of an entry that is not there', restore(999), { tag: 'not_found' }],
    ['of something that is no row', restore(1, { resource: 'pools' }), { tag: 'invalid_argument' }],
    ['of a path that climbs', restore(1, { resource: 'pool/../x' }), { tag: 'invalid_argument' }],
  ])('%s is refused', (_what, command, denial) => {
    expect(made().refuse(command)).toMatchObject(denial);
  });
});

describe('a restore is no way up', () => {
  const ada: Caller = {
    name: 'user:ada@example.com',
    requestId: '',
    identity: { kind: 'user', email: 'ada@example.com' },
  };
  const compiler = createPolicyCompiler(10);
  const as = (project: Administered, command: Command) =>
    applyAs(project.state, command, contextAt(50, { caller: ada }), NOTHING_ABOVE, compiler);

  /** Ada may restore, and what `permissions` say. */
  function withAda(...permissions: readonly string[]): Administered {
    const project = made();
    const includedPermissions = ['sts.history.restore', ...permissions];
    project.do({ type: 'role.create', roleId: 'restorer', input: { includedPermissions } });
    project.do({ type: 'role.create', roleId: 'reader', input: { includedPermissions: ['files.read'] } });
    return project;
  }
  const bound = (...more: readonly { role: string; members: readonly string[] }[]): Command => {
    const bindings = [{ role: 'projects/demo/roles/restorer', members: ['user:ada@example.com'] }, ...more];
    return { type: 'policy.set', resource: { kind: 'project' }, policy: { bindings } };
  };
  const owner = { role: 'roles/owner', members: ['user:ada@example.com'] };

  it('to a policy that gave its caller more than he has now', () => {
    const project = withAda('resourcemanager.projects.setIamPolicy');
    project.do(bound(owner));
    const then = now(project);
    project.do(bound());
    expect(as(project, restore(then))).toMatchObject({ ok: false, error: { tag: 'permission_denied' } });
    expect(as(project, restore(then, { resource: 'policy/project' }))).toMatchObject({ ok: false });
    expect(as(project, restore(then, { validateOnly: true }))).toMatchObject({ ok: false });
  });

  it('to keys of an administrative pool, an older role, or a weaker denial, without owner', () => {
    const project = withAda(
      'resourcemanager.projects.setIamPolicy',
      'iam.roles.update',
      'iam.denypolicies.delete',
      'iam.workloadIdentityPoolProviders.update',
    );
    const robot = { role: 'roles/owner', members: [`${IN_POOL}/subject/robot`] };
    project.do(withKeys(OTHER_KEY));
    const keysThen = now(project);
    project.do(withKeys(EC_KEY));
    project.do({
      type: 'role.patch',
      roleId: 'restorer',
      input: { includedPermissions: ['iam.policies.escalate'] },
      mask: ['includedPermissions'],
    });
    const roleThen = now(project);
    const includedPermissions = [
      'sts.history.restore',
      'iam.roles.update',
      'iam.denypolicies.delete',
      'iam.workloadIdentityPoolProviders.update',
    ];
    project.do({
      type: 'role.patch',
      roleId: 'restorer',
      input: { includedPermissions },
      mask: ['includedPermissions'],
    });
    const denialThen = now(project);
    const denyRule = { deniedPrincipals: ['user:eve@example.com'], deniedPermissions: ['sts.history.restore'] };
    project.do({
      type: 'denyPolicy.create',
      attachment: { kind: 'project' },
      policyId: 'no-eve',
      input: { rules: [{ denyRule }] },
    });
    project.do(bound(robot));
    const denied = { ok: false, error: { tag: 'permission_denied', permission: 'iam.policies.escalate' } };
    expect(as(project, restore(keysThen, { resource: 'provider/my-pool/provider-1' }))).toMatchObject(denied);
    expect(as(project, restore(roleThen, { resource: 'role/restorer' }))).toMatchObject(denied);
    expect(as(project, restore(denialThen, { resource: 'denyPolicy/project/no-eve' }))).toMatchObject(denied);
  });

  it('past a right that its step needs: to restore is not to delete, to write a role, or to set a policy', () => {
    const project = withAda();
    project.do(bound());
    const then = now(project);
    project.do({ type: 'role.create', roleId: 'writer', input: {} });
    project.do({ type: 'role.patch', roleId: 'reader', input: { title: 'R' }, mask: ['title'] });
    project.do({ type: 'target.create', targetId: 'files', input: { uri: 'https://a.example.com' } });
    const needs = (resource: string, permission: string): void => {
      expect(as(project, restore(then, { resource }))).toMatchObject({
        ok: false,
        error: { tag: 'permission_denied', permission },
      });
    };
    needs('role/writer', 'iam.roles.delete');
    needs('role/reader', 'iam.roles.update');
    needs('target/files', 'sts.targets.delete');
  });

  it('without the right to restore', () => {
    const project = made();
    const answer = as(project, restore(1));
    expect(answer).toMatchObject({ error: { tag: 'permission_denied', permission: 'sts.history.restore' } });
  });
});
