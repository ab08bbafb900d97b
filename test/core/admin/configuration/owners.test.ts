/** Who owns what: only what an owner's own files made, and do not name any more, is ever pruned. */
import { describe, expect, it } from 'vitest';
import { Administered, sentencesOf } from '../../../support/administer.ts';
import { diff, MEMBER, one, POOL, SMALL, stepsOf, wished, without } from './support.ts';

const TEAM = { owner: 'team-a', prune: true };
const FILES = one('target/files', 'target', { uri: 'https://files.example.com' });

describe('an owner', () => {
  it('has what his files name; what they do not name any more goes', () => {
    const project = new Administered();
    project.do(wished(SMALL, TEAM));
    expect(project.state.ownedBy('team-a')).toHaveLength(4);
    const fewer = without('role/reader').filter(({ resource }) => resource !== 'policy/target/files');
    expect(diff(project, fewer, TEAM)).toEqual(['DELETED role/reader', 'DELETED policy/target/files']);
    project.do(wished(fewer, TEAM));
    expect(project.state.role('reader')).toBeUndefined();
    expect(project.state.ownedBy('team-a')).toEqual([`provider/${POOL}/cluster-1`, 'target/files']);
  });

  it('prunes nothing that was made by hand, by another owner, or by no owner at all', () => {
    const project = new Administered();
    project.do({ type: 'target.create', targetId: 'by-hand', input: { uri: 'https://hand.example.com' } });
    project.do(wished([one('target/other', 'target', { uri: 'https://other.example.com' })], { owner: 'team-b' }));
    project.do(wished([one('target/nobodys', 'target', { uri: 'https://nobody.example.com' })]));
    project.do(wished(SMALL, TEAM));
    project.do(wished([], TEAM));
    expect(['by-hand', 'other', 'nobodys', 'files'].filter((id) => project.state.target(id) !== undefined)).toEqual([
      'by-hand',
      'other',
      'nobodys',
    ]);
  });

  it('takes on what was made by hand and stands in his files, and says so', () => {
    const project = new Administered();
    project.do({ type: 'target.create', targetId: 'files', input: { uri: 'https://files.example.com' } });
    expect(diff(project, [FILES], TEAM)).toEqual(['ADOPTED target/files']);
    project.do(wished([FILES], TEAM));
    expect(diff(project, [FILES], TEAM)).toEqual([]);
  });

  it('is refused what another owner has, unless he takes it over; the other one then prunes it no more', () => {
    const project = new Administered();
    project.do(wished([FILES], { owner: 'team-b', prune: true }));
    expect(sentencesOf(project.refuse(wished([FILES], TEAM)))).toContain('belongs to team-b');
    const changed = one('target/files', 'target', { uri: 'https://files.example.com', displayName: 'Mine' });
    expect(sentencesOf(project.refuse(wished([changed])))).toContain('belongs to team-b');
    project.do(wished([changed], { ...TEAM, takeOver: true }));
    project.do(wished([], { owner: 'team-b', prune: true }));
    expect(project.state.target('files')).toMatchObject({ displayName: 'Mine' });
  });

  it('loses what is deleted by hand: the next of that name is not his to prune', () => {
    const project = new Administered();
    project.do(wished(SMALL, TEAM));
    project.do({ type: 'target.delete', targetId: 'files' });
    project.do({ type: 'target.create', targetId: 'files', input: { uri: 'https://files.example.com' } });
    project.do({ type: 'role.create', roleId: 'by_hand', input: { includedPermissions: ['files.read'] } });
    project.do({
      type: 'policy.set',
      resource: { kind: 'target', targetId: 'files' },
      policy: { bindings: [{ role: 'projects/demo/roles/by_hand', members: [MEMBER] }] },
    });
    project.do(wished([], TEAM));
    expect(project.state.target('files')).toBeDefined();
    expect(project.state.policy({ kind: 'target', targetId: 'files' })?.bindings).toHaveLength(1);
  });

  it('lets go of what cannot be deleted, and of what was deleted already', () => {
    const project = new Administered();
    const all = [
      one(`pool/${POOL}`, 'pool', { description: 'Ours' }),
      one('project', 'project', { displayName: 'Ours' }),
      one('pool/my-pool', 'pool', {}),
    ];
    project.do(wished(all, TEAM));
    project.do({ type: 'pool.delete', poolId: 'my-pool' });
    const { answer } = project.do(wished([], TEAM));
    expect(answer).toMatchObject({ left: [{ resource: 'project' }, { resource: `pool/${POOL}` }] });
    expect(project.state.ownedBy('team-a')).toEqual([]);
    expect(project.state.pool(POOL)).toMatchObject({ description: 'Ours' });
  });

  it('comes back with a restore, so that the next apply shows the way back', () => {
    const project = new Administered();
    project.do(wished(SMALL, TEAM));
    const then = project.state.entries.length;
    const other = [
      ...without('policy/target/files'),
      one('target/more', 'target', { uri: 'https://more.example.com' }),
    ];
    project.do(wished(other, TEAM));
    expect(diff(project, other, TEAM)).toEqual([]);
    project.do({ type: 'history.restore', sequence: then, validateOnly: false });
    expect(diff(project, SMALL, TEAM)).toEqual([]);
    expect(stepsOf(project.do(wished(other, TEAM)))).toEqual(['CREATED target/more', 'DELETED policy/target/files']);
  });
});
