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
