/** Deny policies: made, changed and removed under etags, and with their target. */
import { describe, expect, it } from 'vitest';
import type { Command, DenyPolicyInput } from '../../../src/core/admin/commands.ts';
import { etagOf } from '../../../src/core/admin/etag.ts';
import { EVERYBODY } from '../../../src/core/resources.ts';
import { Administered, fieldsOf } from '../../support/administer.ts';
import {
  ME,
  PROJECT,
  API,
  NAME,
  rule,
  create,
  update,
  remove,
  withTarget,
  annotations,
  exceptingEverybody,
} from './deny-policies-support.ts';

describe('denyPolicy.create', () => {
  it('makes a policy, each text once', () => {
    const condition = { expression: 'resource.hasTagKey("1/env")', title: 'tagged', description: 'd', location: 'l' };
    const made = new Administered().do(
      create({
        displayName: 'No orders',
        annotations: { owner: 'ada' },
        etag: 'ignored',
        rules: [
          rule(
            {
              deniedPrincipals: [ME, EVERYBODY, ME],
              exceptionPrincipals: [ME, ME],
              deniedPermissions: ['orders.*', 'orders.*'],
              exceptionPermissions: ['orders.get', 'orders.get'],
              denialCondition: condition,
            },
            'why',
          ),
          rule(),
        ],
      }),
    );
    const policy = {
      policyId: 'no-orders',
      attachment: PROJECT,
      uid: 'uid-2-1',
      displayName: 'No orders',
      annotations: { owner: 'ada' },
      rules: [
        {
          description: 'why',
          denyRule: {
            deniedPrincipals: [ME, EVERYBODY],
            exceptionPrincipals: [ME],
            deniedPermissions: ['orders.*'],
            exceptionPermissions: ['orders.get'],
            denialCondition: condition,
          },
        },
        {
          description: '',
          denyRule: {
            deniedPrincipals: [ME],
            exceptionPrincipals: [],
            deniedPermissions: ['orders.get'],
            exceptionPermissions: [],
          },
        },
      ],
      createTime: '2026-01-01T00:00:02.000Z',
      updateTime: '2026-01-01T00:00:02.000Z',
      version: 2,
    };
    expect(made).toEqual({
      answer: { kind: 'denyPolicy', policy, warnings: expect.any(Array) },
      writes: [{ put: 'denyPolicy', policy }, expect.objectContaining({ put: 'operation' })],
      shards: ['project:100000000001'],
    });
  });

  it('on a target is about that target; on one that is not there it is refused', () => {
    const project = withTarget();
    expect(project.do(create({ rules: [rule()] }, API)).shards).toEqual(['target:100000000001/api']);
    const nowhere = { kind: 'target', targetId: 'nowhere' } as const;
    expect(project.refuse(create({ rules: [rule()] }, nowhere))).toEqual({
      tag: 'not_found',
      resource: 'projects/100000000001/targets/nowhere',
    });
  });

  it('under one id on two places is two policies, on one place it is refused', () => {
    const project = withTarget();
    project.do(create({ rules: [rule()] }));
    project.do(create({ rules: [rule()] }, API));
    expect(project.refuse(create({ rules: [rule()] }))).toEqual({ tag: 'already_exists', resource: NAME });
    expect(project.state.denyPolicyCount()).toBe(2);
  });

  it.each(['', 'ab', 'a'.repeat(64), 'Abc', '1abc', 'a_b', 'a/b', 'a:b'])('refuses the id %j', (policyId) => {
    expect(fieldsOf(new Administered().refuse(create({ rules: [rule()] }, PROJECT, policyId)))).toEqual(['policyId']);
  });

  it.each(['abc', 'a.b-c.1', `a${'-'.repeat(62)}`])('takes the id %j', (policyId) => {
    new Administered().do(create({ rules: [rule()] }, PROJECT, policyId));
  });

  const long = 'x'.repeat(256);
  it.each<[string, DenyPolicyInput, string]>([
    ['no rules', {}, 'rules'],
    ['an empty list of rules', { rules: [] }, 'rules'],
    ['a rule that is none', { rules: [rule(), { description: 'd' }] }, 'rules[1].denyRule'],
    ['nobody denied', { rules: [rule({ deniedPrincipals: [] })] }, 'rules[0].denyRule.deniedPrincipals'],
    ['nothing denied', { rules: [rule({ deniedPermissions: [] })] }, 'rules[0].denyRule.deniedPermissions'],
    ['everybody excepted', exceptingEverybody(), 'rules[0].denyRule.exceptionPrincipals[1]'],
    ['a long display name', { displayName: 'x'.repeat(64), rules: [rule()] }, 'displayName'],
    ['a display name with a line break', { displayName: 'a\nb', rules: [rule()] }, 'displayName'],
    ['a long description', { rules: [rule({}, `${long}x`)] }, 'rules[0].description'],
    ['a description with a line break', { rules: [rule({}, 'a\nb')] }, 'rules[0].description'],
    ['65 annotations', { annotations: annotations(65), rules: [rule()] }, 'annotations'],
    ['a long annotation key', { annotations: { ['k'.repeat(64)]: 'v' }, rules: [rule()] }, 'annotations'],
    ['a long annotation', { annotations: { key: long }, rules: [rule()] }, 'annotations.key'],
    ['an annotation without a key', { annotations: { '': 'v' }, rules: [rule()] }, 'annotations'],
    ['an annotation with a line break', { annotations: { key: 'a\u0085b' }, rules: [rule()] }, 'annotations.key'],
  ])('refuses %s', (_what, input, field) => {
    expect(fieldsOf(new Administered().refuse(create(input)))).toEqual([field]);
  });

  it('takes what is just not too long', () => {
    const input = { displayName: 'x'.repeat(63), annotations: annotations(64), rules: [rule({}, long)] };
    new Administered().do(create(input));
  });

  it('names everything that is wrong', () => {
    const bad = rule({
      deniedPrincipals: ['allUsers'],
      deniedPermissions: ['a b'],
      exceptionPermissions: ['x', '*.*'],
    });
    expect(fieldsOf(new Administered().refuse(create({ displayName: '\n', rules: [rule(), bad] })))).toEqual([
      'displayName',
      'rules[1].denyRule.deniedPrincipals[0]',
      'rules[1].denyRule.deniedPermissions[0]',
      'rules[1].denyRule.exceptionPermissions[0]',
      'rules[1].denyRule.exceptionPermissions[1]',
    ]);
  });
});

describe('denyPolicy.update', () => {
  it('replaces the whole policy, and keeps who and when it was', () => {
    const project = new Administered();
    const input = { displayName: 'One', annotations: { a: 'b' }, rules: [rule({}, 'first')] };
    project.do(create(input));
    const before = project.state.denyPolicy({ attachment: PROJECT, policyId: 'no-orders' });
    const { shards } = project.do(update({ rules: [rule({ deniedPermissions: ['orders.*'] })] }));
    expect(shards).toEqual(['project:100000000001']);
    expect(project.state.denyPolicy({ attachment: PROJECT, policyId: 'no-orders' })).toEqual({
      ...before,
      displayName: '',
      annotations: {},
      rules: [
        {
          description: '',
          denyRule: {
            deniedPrincipals: [ME],
            exceptionPrincipals: [],
            deniedPermissions: ['orders.*'],
            exceptionPermissions: [],
          },
        },
      ],
      updateTime: '2026-01-01T00:00:03.000Z',
      version: 3,
    });
  });

  it('is checked like a new one, and needs one that is there', () => {
    const project = new Administered();
    expect(project.refuse(update({ rules: [rule()] }))).toEqual({ tag: 'not_found', resource: NAME });
    project.do(create({ rules: [rule()] }));
    expect(fieldsOf(project.refuse(update({})))).toEqual(['rules']);
    expect(fieldsOf(project.refuse(update({ rules: [rule({ deniedPrincipals: ['x'] })] })))).toEqual([
      'rules[0].denyRule.deniedPrincipals[0]',
    ]);
  });
});

describe('etags', () => {
  const written = (): Administered => {
    const project = new Administered();
    project.do(create({ rules: [rule()] }));
    return project;
  };
  const changes: readonly (readonly [string, (etag?: string) => Command])[] = [
    ['an update', (etag) => update({ rules: [rule()], ...(etag === undefined ? {} : { etag }) })],
    ['a deletion', remove],
  ];

  it.each(changes)('%s with the newest, an empty one or none is done', (_what, change) => {
    for (const etag of [etagOf(2), '', undefined]) written().do(change(etag));
  });

  it.each(changes)('%s with a stale one is refused, with a foreign one too', (_what, change) => {
    const project = written();
    project.do(update({ rules: [rule()] }));
    expect(project.refuse(change(etagOf(2)))).toEqual({ tag: 'etag_mismatch', resource: NAME });
    expect(fieldsOf(project.refuse(change('aGVsbG8=')))).toEqual(['etag']);
  });

  it('of a deleted policy is not good for the next of its name', () => {
    const project = written();
    project.do(remove());
    project.do(create({ rules: [rule()] }));
    expect(project.refuse(remove(etagOf(2)))).toMatchObject({ tag: 'etag_mismatch' });
  });
});

describe('denyPolicy.delete', () => {
  it('takes the policy away and tells what it was', () => {
    const project = new Administered();
    project.do(create({ rules: [rule()] }));
    const policy = project.state.denyPolicy({ attachment: PROJECT, policyId: 'no-orders' });
    expect(project.do(remove())).toEqual({
      answer: { kind: 'denyPolicy', policy, deleteTime: '2026-01-01T00:00:03.000Z' },
      writes: [
        { remove: 'denyPolicy', attachment: PROJECT, policyId: 'no-orders' },
        expect.objectContaining({ put: 'operation' }),
      ],
      shards: ['project:100000000001'],
    });
    expect(project.refuse(remove())).toEqual({ tag: 'not_found', resource: NAME });
  });

  it('goes with its target: a target made anew under the id finds none, the project keeps its own', () => {
    const project = withTarget();
    project.do({ type: 'target.create', targetId: 'other', input: { uri: 'https://other.example.com' } });
    const other = { kind: 'target', targetId: 'other' } as const;
    for (const attachment of [PROJECT, API, other]) project.do(create({ rules: [rule()] }, attachment));
    project.do(create({ rules: [rule()] }, API, 'second'));
    project.do({ type: 'target.delete', targetId: 'api' });
    project.do({ type: 'target.create', targetId: 'api', input: { uri: 'https://api.example.com' } });
    expect(project.state.targetShard('api')?.denyRules).toEqual([]);
    const page = { after: '', pageSize: 10 };
    expect(project.ask({ type: 'denyPolicy.list', attachment: API, page })).toEqual({
      kind: 'denyPolicies',
      policies: [],
      next: '',
    });
    for (const attachment of [PROJECT, other]) {
      expect(project.ask({ type: 'denyPolicy.list', attachment, page })).toMatchObject({ policies: [{ attachment }] });
    }
  });
});
