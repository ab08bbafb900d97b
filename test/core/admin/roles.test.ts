/** Custom roles: names, permissions, patches, deletion. */
import { describe, expect, it } from 'vitest';
import type { RoleInput } from '../../../src/core/admin/commands.ts';
import { Administered, fieldsOf } from '../../support/administer.ts';

const create = (input: RoleInput = {}, roleId = 'reader') => ({ type: 'role.create', roleId, input }) as const;
const patch = (input: RoleInput, ...mask: string[]) => ({ type: 'role.patch', roleId: 'reader', input, mask }) as const;

describe('role.create', () => {
  it('makes a role', () => {
    const applied = new Administered().do(
      create({
        title: 'Reader',
        description: 'd',
        includedPermissions: ['a.b.get', 'a.b.list', 'a.b.get'],
        stage: 'BETA',
      }),
    );
    expect(applied.answer).toEqual({
      kind: 'role',
      role: {
        roleId: 'reader',
        title: 'Reader',
        description: 'd',
        includedPermissions: ['a.b.get', 'a.b.list'],
        stage: 'BETA',
        createTime: '2026-01-01T00:00:02.000Z',
        updateTime: '2026-01-01T00:00:02.000Z',
        version: 2,
      },
    });
    expect(applied.shards).toEqual(['project:100000000001']);
  });

  it.each(['', 'ab', 'a'.repeat(65), 'a-b', 'a/b'])('refuses the id %j', (roleId) => {
    expect(fieldsOf(new Administered().refuse(create({}, roleId)))).toEqual(['roleId']);
  });

  it.each<[string, RoleInput, string]>([
    ['a wildcard', { includedPermissions: ['a.b.get', 'a.*'] }, 'role.includedPermissions[1]'],
    ['a short permission', { includedPermissions: ['ab'] }, 'role.includedPermissions[0]'],
    ['a long permission', { includedPermissions: ['a'.repeat(129)] }, 'role.includedPermissions[0]'],
    ['a permission with a digit in front', { includedPermissions: ['1ab'] }, 'role.includedPermissions[0]'],
    [
      'too many permissions',
      { includedPermissions: Array.from({ length: 3_001 }, (_, i) => `a.b.c${i}`) },
      'role.includedPermissions',
    ],
    ['64 KiB and more', { includedPermissions: longPermissions(600) }, 'role.includedPermissions'],
    ['a long title', { title: 'x'.repeat(101) }, 'role.title'],
    ['a long description', { description: 'x'.repeat(257) }, 'role.description'],
    ['an unknown stage', { stage: 'SOON' }, 'role.stage'],
    ['a stage that would have to switch it off', { stage: 'DISABLED' }, 'role.stage'],
  ])('refuses %s', (_name, input, field) => {
    expect(fieldsOf(new Administered().refuse(create(input)))).toEqual([field]);
  });

  it('accepts 3,000 permissions, and counts equal ones once', () => {
    const includedPermissions = Array.from({ length: 3_000 }, (_, index) => `a.b.c${index}`);
    new Administered().do(create({ includedPermissions: [...includedPermissions, ...includedPermissions] }));
  });

  it('refuses the 301st role of a project, until one is deleted', () => {
    const project = new Administered();
    for (let index = 0; index < 300; index++) project.do(create({}, `role_${index}`));
    expect(project.refuse(create({}, 'role_300'))).toMatchObject({
      tag: 'limit_reached',
      description: expect.stringContaining('300'),
    });
    project.do({ type: 'role.delete', roleId: 'role_7' });
    project.do(create({}, 'role_300'));
  });

  it('refuses what is there already', () => {
    const project = new Administered();
    project.do(create());
    expect(project.refuse(create())).toEqual({ tag: 'already_exists', resource: 'projects/demo/roles/reader' });
  });
});

describe('role.patch and role.delete', () => {
  it('change what the mask names', () => {
    const project = new Administered();
    project.do(create({ title: 'Reader', includedPermissions: ['a.b.get'] }));
    project.do(patch({ includedPermissions: ['a.b.list'], title: 'not named' }, 'includedPermissions'));
    expect(project.state.role('reader')).toMatchObject({
      title: 'Reader',
      includedPermissions: ['a.b.list'],
      version: 3,
    });
    expect(fieldsOf(project.refuse(patch({}, 'roleId')))).toEqual(['updateMask']);
    expect(fieldsOf(project.refuse(patch({ includedPermissions: ['*'] }, 'includedPermissions')))).toEqual([
      'includedPermissions[0]',
    ]);
  });

  it('remove, and do not find what is gone', () => {
    const project = new Administered();
    project.do(create());
    expect(project.do({ type: 'role.delete', roleId: 'reader' })).toEqual({
      answer: { kind: 'deleted' },
      writes: [{ remove: 'role', roleId: 'reader' }],
      shards: ['project:100000000001'],
    });
    const gone = { tag: 'not_found', resource: 'projects/demo/roles/reader' };
    expect(project.refuse({ type: 'role.delete', roleId: 'reader' })).toEqual(gone);
    expect(project.refuse(patch({ title: 'a' }, 'title'))).toEqual(gone);
  });
});

describe('role.delete', () => {
  const target = { kind: 'target', targetId: 'api' } as const;
  const pool = { kind: 'pool', poolId: 'demo.svc.id.goog' } as const;
  const READER = 'projects/demo/roles/reader';
  const bindings = [
    { role: READER, members: ['user:a@example.com'], condition: { expression: 'true' } },
    { role: 'projects/demo/roles/reader2', members: ['user:b@example.com'] },
    { role: READER, members: ['user:c@example.com'] },
  ];

  it("takes its bindings out of every policy: a role that is made again under that name is nobody's", () => {
    const project = new Administered();
    project.do({ type: 'target.create', targetId: 'api', input: { uri: 'https://api.example.com' } });
    project.do({ type: 'target.create', targetId: 'other', input: { uri: 'https://other.example.com' } });
    project.do(create());
    project.do(create({}, 'reader2'));
    const other = { kind: 'target', targetId: 'other' } as const;
    for (const resource of [{ kind: 'project' } as const, target, pool]) {
      project.do({ type: 'policy.set', resource, policy: { version: 3, bindings } });
    }
    project.do({ type: 'policy.set', resource: other, policy: { bindings: [] } });
    const untouched = project.state.policy(other);
    const { shards } = project.do({ type: 'role.delete', roleId: 'reader' });
    expect(shards).toEqual(['project:100000000001', 'target:100000000001/api']);
    project.do(create());
    for (const resource of [{ kind: 'project' } as const, target, pool]) {
      expect(project.state.policy(resource)).toEqual({ version: 1, revision: 10, bindings: [bindings[1]] });
    }
    expect(project.state.policy(other)).toEqual(untouched);
  });
});

function longPermissions(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `a.${'b'.repeat(110)}.c${index}`);
}
