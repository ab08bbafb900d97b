/** Nobody raises himself by a file: each part is held to the rights and the rules that it would meet by itself, and the whole falls with it. */
import { describe, expect, it } from 'vitest';
import { NOTHING_ABOVE } from '../../../../src/core/admin/authority/above.ts';
import { applyAs } from '../../../../src/core/admin/authority/apply-as.ts';
import type { Caller } from '../../../../src/core/admin/caller.ts';
import type { DesiredChange } from '../../../../src/core/admin/configuration/change.ts';
import { createPolicyCompiler } from '../../../../src/core/policy/cache.ts';
import { contextAt } from '../../../support/admin-samples.ts';
import { Administered } from '../../../support/administer.ts';
import { one, SMALL, wished } from './support.ts';

const EMAIL = 'robot@example.com';
const ROBOT: Caller = { name: `user:${EMAIL}`, identity: { kind: 'user', email: EMAIL }, requestId: 'r' };

/** A project in which the robot holds these rights. */
function withRights(...includedPermissions: readonly string[]): Administered {
  const project = new Administered();
  project.do({ type: 'role.create', roleId: 'robot', input: { includedPermissions } });
  project.do({
    type: 'policy.set',
    resource: { kind: 'project' },
    policy: { bindings: [{ role: 'projects/demo/roles/robot', members: [`user:${EMAIL}`] }] },
  });
  return project;
}

function applied({ state }: Administered, changes: readonly DesiredChange[], more: object = {}) {
  const context = contextAt(9, { caller: ROBOT });
  return applyAs(state, wished(changes, more), context, NOTHING_ABOVE, createPolicyCompiler(10));
}

const APPLY = 'sts.configuration.apply';
const OWN = { bindings: [{ role: 'roles/owner', members: [`user:${EMAIL}`] }] };
const TARGET = one('target/files', 'target', { uri: 'https://files.example.com' });

describe('a caller without the right', () => {
  it('to apply is refused before anything is looked at', () => {
    expect(applied(withRights('sts.targets.create', 'sts.targets.setIamPolicy'), [TARGET])).toMatchObject({
      ok: false,
      error: { tag: 'permission_denied', permission: APPLY },
    });
  });

  it('to write one of many resources applies none of them, and is shown none', () => {
    const project = withRights(APPLY, 'sts.targets.create', 'sts.targets.setIamPolicy');
    expect(applied(project, [TARGET])).toMatchObject({ ok: true });
    for (const validateOnly of [false, true]) {
      expect(applied(project, SMALL, { validateOnly })).toMatchObject({
        ok: false,
        error: { tag: 'permission_denied', permission: 'iam.roles.create' },
      });
    }
  });

  it('to assign accounts of AWS cannot take one by a file', () => {
    const project = withRights(APPLY, 'resourcemanager.projects.update');
    expect(applied(project, [one('project', 'project', { displayName: 'Mine' })])).toMatchObject({ ok: true });
    for (const more of [{}, { displayName: 'Mine' }])
      expect(applied(project, [one('project', 'project', { awsAccountId: '111122223333', ...more })])).toMatchObject({
        ok: false,
        error: { tag: 'permission_denied', permission: 'sts.awsAccounts.assign' },
      });
  });

  it('to prune what is owned is refused', () => {
    const project = withRights(APPLY, 'sts.targets.create', 'sts.targets.setIamPolicy');
    project.do(wished([TARGET], { owner: 'team-a', prune: true }));
    expect(applied(project, [], { owner: 'team-a', prune: true })).toMatchObject({
      ok: false,
      error: { tag: 'permission_denied', permission: 'sts.targets.delete' },
    });
  });
});

describe('a file does not raise its writer', () => {
  it('who writes policies gives himself nothing that he does not hold', () => {
    const project = withRights(APPLY, 'resourcemanager.projects.setIamPolicy');
    expect(applied(project, [one('policy/project', 'policy', OWN)])).toMatchObject({
      ok: false,
      error: { tag: 'permission_denied' },
    });
  });

  it('nor in two steps of one file: first the role that he is bound to, then what it would let him do', () => {
    const project = withRights(APPLY, 'iam.roles.update');
    const more = { includedPermissions: [APPLY, 'iam.roles.update', 'iam.policies.escalate', 'sts.targets.create'] };
    expect(applied(project, [one('role/robot', 'role', more), TARGET])).toMatchObject({
      ok: false,
      error: { tag: 'permission_denied', permission: 'iam.policies.escalate' },
    });
  });

  it('nor by parts that somebody else staged', () => {
    const project = withRights(APPLY, 'sts.targets.create', 'sts.targets.setIamPolicy');
    project.state.stage({ changeSet: 'set-1', part: 0, changes: [TARGET] }, 'user:owner@example.com');
    expect(applied(project, [], { stagedParts: 1 })).toMatchObject({
      ok: false,
      error: { tag: 'failed_precondition' },
    });
  });
});

describe('an owner’s name gives no right', () => {
  it.each([
    ['project', one('project', 'project', {}), 'resourcemanager.projects.update'],
    ['policy', one('policy/target/files', 'policy', { bindings: [] }), 'sts.targets.setIamPolicy'],
  ])('to become the owner of a %s by a document that says nothing', (_what, change, permission) => {
    const project = withRights(APPLY);
    project.do(wished([TARGET, one('project', 'project', {})], { owner: 'team-a' }));
    for (const takeOver of [false, true]) {
      // What is another's is refused as that; what is anybody's, or taken over, by the right that is missing.
      const tried = applied(project, [change], { owner: 'mallory', takeOver });
      if (takeOver) expect(tried).toMatchObject({ ok: false, error: { tag: 'permission_denied', permission } });
      else expect(tried.ok).toBe(false);
    }
  });

  it('to fill the storage with owners of what is not there', () => {
    const project = withRights(APPLY, 'sts.targets.setIamPolicy');
    const empty = one('policy/target/nowhere', 'policy', { bindings: [] });
    expect(applied(project, [empty], { owner: 'mallory' })).toMatchObject({ ok: false });
    project.refuse(wished([empty], { owner: 'mallory' }));
    project.do(wished([TARGET, one('policy/target/files', 'policy', { bindings: [] })], { owner: 'team-a' }));
    expect(project.state.ownedBy('team-a')).toEqual(['target/files']);
  });
});
