/** A deleted project: let in by nobody, changed by nothing, given back as it was. */
import { describe, expect, it } from 'vitest';
import { applyAs } from '../../../src/core/admin/authority/apply-as.ts';
import { NOTHING_ABOVE } from '../../../src/core/admin/authority/above.ts';
import type { Caller } from '../../../src/core/admin/caller.ts';
import type { Command } from '../../../src/core/admin/commands.ts';
import { createPolicyCompiler } from '../../../src/core/policy/cache.ts';
import { contextAt, OIDC } from '../../support/admin-samples.ts';
import { Administered } from '../../support/administer.ts';

const DELETE: Command = { type: 'project.delete' };
const UNDELETE: Command = { type: 'project.undelete' };

function made(): Administered {
  const project = new Administered();
  project.do({ type: 'pool.create', poolId: 'my-pool', input: {} });
  project.do({ type: 'provider.create', poolId: 'my-pool', providerId: 'issuer-1', input: OIDC });
  return project;
}

describe('a deleted project', () => {
  it('is named with all its pools in the news, has no pool, and has them again undeleted, as they were', () => {
    const project = made();
    const before = project.state.pool('my-pool');
    const news = ['project:100000000001', 'pool:100000000001/demo.svc.id.goog', 'pool:100000000001/my-pool'];
    const deleted = project.do(DELETE, { time: '2026-02-01T00:00:00.000Z' });
    expect(deleted.shards).toEqual(news);
    expect(deleted.answer).toMatchObject({ project: { expireTime: '2026-03-03T00:00:00.000Z' } });
    expect(project.state.pool('my-pool')).toBeUndefined();
    expect(project.state.pool('demo.svc.id.goog')).toBeUndefined();
    expect(project.do(UNDELETE, { time: '2026-03-02T23:59:59.000Z' }).shards).toEqual(news);
    expect(project.state.pool('my-pool')).toEqual(before);
    expect(project.state.project()).not.toHaveProperty('expireTime');
  });

  it.each<[string, Command]>([
    ['deleted again', DELETE],
    ['renamed', { type: 'project.patch', input: { displayName: 'X' }, mask: ['displayName'] }],
    ['given a pool', { type: 'pool.create', poolId: 'other-pool', input: {} }],
    ['given a policy', { type: 'policy.set', resource: { kind: 'project' }, policy: {} }],
    ['given a role', { type: 'role.create', roleId: 'reader', input: {} }],
    ['given an earlier state', { type: 'history.restore', sequence: 1, validateOnly: false }],
  ])('is not %s', (_what, command) => {
    const project = made();
    project.do(DELETE);
    expect(project.refuse(command)).toMatchObject({ tag: 'failed_precondition' });
  });

  it('is not undeleted when its time is over, nor when it lives', () => {
    const project = made();
    expect(project.refuse(UNDELETE)).toMatchObject({ tag: 'failed_precondition' });
    project.do(DELETE, { time: '2026-02-01T00:00:00.000Z' });
    expect(project.refuse(UNDELETE, { time: '2026-03-03T00:00:00.000Z' })).toMatchObject({ tag: 'not_found' });
  });

  it('is deleted by who may, and not where a pool of it administers the organization', () => {
    const project = made();
    const email = 'ada@example.com';
    const ada: Caller = { name: `user:${email}`, requestId: '', identity: { kind: 'user', email } };
    const as = (role: string, bindings: readonly { role: string; members: readonly string[] }[] = []) => {
      project.do({
        type: 'policy.set',
        resource: { kind: 'project' },
        policy: { bindings: [{ role, members: [`user:${email}`] }] },
      });
      const above = { ...NOTHING_ABOVE, organizationPolicy: { version: 1 as const, revision: 1, bindings } };
      return applyAs(project.state, DELETE, contextAt(50, { caller: ada }), above, createPolicyCompiler(10));
    };
    expect(as('roles/iam.workloadIdentityPoolAdmin')).toMatchObject({
      error: { tag: 'permission_denied', permission: 'resourcemanager.projects.delete' },
    });
    expect(as('roles/owner')).toMatchObject({ ok: true });
    const members = [
      'principal://iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools/my-pool/subject/ci',
    ];
    expect(as('roles/owner', [{ role: 'roles/owner', members }])).toMatchObject({
      error: { tag: 'permission_denied', permission: 'iam.policies.escalate', resource: 'organizations/1' },
    });
  });
});
