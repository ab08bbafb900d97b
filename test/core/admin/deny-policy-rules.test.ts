/** Whom and what a deny rule may name, on which condition, and how much fits. */
import { describe, expect, it } from 'vitest';
import type { DenyPolicyInput } from '../../../src/core/admin/commands.ts';
import { EVERYBODY, type DenyAttachment } from '../../../src/core/resources.ts';
import { CLUSTER } from '../../support/admin-samples.ts';
import { Administered, fieldsOf, sentencesOf } from '../../support/administer.ts';
import {
  POOL,
  ME,
  PROJECT,
  API,
  rule,
  create,
  update,
  remove,
  CI,
  withPools,
  warningsOf,
  withTarget,
} from './deny-policies-support.ts';

describe('principals', () => {
  const set = (selector: string): string => `principalSet://${POOL}/${selector}`;

  it.each([
    ME,
    `principal://${POOL}/kubernetes.serviceaccount.uid/7`,
    set('*'),
    set('namespace/shop'),
    set('kubernetes.cluster/https://c.example.com'),
    set('group/admins').replace('demo.svc.id.goog', 'my-pool'),
    set('attribute.repo/org/x').replace('demo.svc.id.goog', 'my-pool'),
    'serviceAccount:demo.svc.id.goog[shop/checkout]',
    EVERYBODY,
  ])('%s is denied', (principal) => {
    new Administered().do(create({ rules: [rule({ deniedPrincipals: [principal] })] }));
  });

  it.each(['user:ada@example.com', ME.replace('100000000001', '100000000002')])(
    '%s comes to administer, and is denied rights over the broker, by a rule that is about one',
    (principal) => {
      const about = (permission: string) =>
        create({ rules: [rule({ deniedPrincipals: [principal], deniedPermissions: [permission] })] });
      new Administered().do(about('iam.googleapis.com/roles.*'));
      new Administered().do(about('*'));
      expect(fieldsOf(new Administered().refuse(about('orders.get')))).toEqual([
        'rules[0].denyRule.deniedPrincipals[0]',
      ]);
    },
  );

  it.each([
    ['user:ada@example.com', 'means nobody'],
    ['serviceAccount:robot@demo.iam.example.com', 'means nobody'],
    ['principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/ada', 'means nobody'],
    [`deleted:${ME}?uid=1`, 'means nobody'],
    ['principal://goog/subject/ada@example.com', 'no Google account'],
    ['principalSet://goog/group/admins@example.com', 'no Google account'],
    ['principalSet://goog/public:everyone', 'public:all'],
    ['principalSet://cloudresourcemanager.googleapis.com/projects/1', 'name its pools'],
    ['principal://iam.googleapis.com/projects/-/serviceAccounts/robot@demo.iam.example.com', 'service accounts'],
    ['allUsers', 'refused'],
    ['group:a@example.com', 'refused'],
    [ME.replace('100000000001', 'demo'), 'project number'],
    [set('subject/x'), 'principal://'],
    [ME.replace('100000000001', '100000000002'), "another project's"],
    ['serviceAccount:other-project.svc.id.goog[shop/checkout]', "another project's"],
    [set('namespace/Shop'), 'no Kubernetes namespace'],
    [set('namespace/Shop').replace('demo.svc.id.goog', 'no-such-pool'), 'no Kubernetes namespace'],
    ['serviceAccount:demo.svc.id.goog[Shop/checkout]', 'no Kubernetes ServiceAccount'],
    [`principal://${POOL}/subject/system:serviceaccount:shop:checkout`, 'ns/NAMESPACE/sa/NAME'],
    [`principal://${POOL.replace('demo.svc.id.goog', 'no-such-pool')}/subject/${'x'.repeat(128)}`, '127 bytes'],
    [set('group/admins'), 'no groups'],
    [set('attribute.repo/x'), 'no groups and no attributes'],
    [`principalSet://${CI}/namespace/shop`, 'holds no clusters'],
    [`principal://${CI}/kubernetes.serviceaccount.uid/7`, 'holds no clusters'],
    ['*', 'not a known form'],
    ['', 'not a known form'],
  ])('%s is refused with a reason', (principal, why) => {
    for (const [field, change] of [
      ['deniedPrincipals', { deniedPrincipals: [principal] }],
      ['exceptionPrincipals', { exceptionPrincipals: [principal] }],
    ] as const) {
      const refused = withPools().refuse(create({ rules: [rule(change)] }));
      expect(fieldsOf(refused)).toEqual([`rules[0].denyRule.${field}[0]`]);
      expect(sentencesOf(refused)).toContain(why);
    }
  });

  it.each([
    [`principal://${POOL.replace('demo.svc.id.goog', 'no-such-pool')}/subject/a`, 'no-such-pool does not exist'],
    [`principalSet://${POOL.replace('demo.svc.id.goog', 'no-such-pool')}/namespace/shop`, 'does not exist'],
    [set('kubernetes.cluster/https://clusters.example.com/two'), 'has this clusterUri'],
    [`principalSet://${CI}/attribute.team/a`, 'maps attribute.team'],
    [`principalSet://${CI}/group/admins`, 'maps google.groups'],
  ])('%s, who may still come, is taken with a warning, at each write', (principal, why) => {
    for (const field of ['deniedPrincipals', 'exceptionPrincipals'] as const) {
      const project = withPools();
      const input = { rules: [rule(), rule({ [field]: [ME, principal] })] };
      for (const command of [create(input), update(input)]) {
        const [warning, ...others] = warningsOf(project.do(command)).filter((line) => line.includes('Principals'));
        expect(others).toEqual([]);
        expect(warning).toContain(`rules[1].denyRule.${field}[1]: this matches nobody today: `);
        expect(warning).toContain(why);
      }
    }
  });

  it('whom the pools can make are taken without a word', () => {
    const deniedPrincipals = [
      ME,
      EVERYBODY,
      set('*'),
      set('namespace/shop'),
      set(`kubernetes.cluster/${CLUSTER.kubernetes.clusterUri}`),
      'serviceAccount:demo.svc.id.goog[shop/checkout]',
      `principal://${CI}/subject/system:serviceaccount:shop:checkout`,
      `principalSet://${CI}/attribute.repo/org/x`,
    ];
    const made = withPools().do(create({ rules: [rule({ deniedPrincipals })] }));
    expect(warningsOf(made).filter((line) => line.includes('Principals'))).toEqual([]);
  });

  it('the built-in pool takes clusters only, so even before the first of them a group of it is refused', () => {
    const refused = new Administered().refuse(create({ rules: [rule({ deniedPrincipals: [set('group/admins')] })] }));
    expect(sentencesOf(refused)).toContain('no groups');
  });
});

describe('permissions', () => {
  it.each([
    'orders.get',
    'storage.objects.get',
    'iam.workloadIdentityPoolProviders.pushKeys',
    'sts.tokens.exchange',
    'storage.googleapis.com/objects.get',
    'storage.googleapis.com/objects.*',
    'storage.googleapis.com/*.get',
    'storage.googleapis.com/*.*',
    'orders.*',
    'storage.objects.*',
    'ab.*',
    '*',
  ])('%s is one', (permission) => {
    new Administered().do(create({ rules: [rule({ deniedPermissions: [permission] })] }));
  });

  it.each([
    '',
    'ab',
    'orders get',
    'orders*',
    '*.get',
    '*.*',
    '.*',
    'orders.**',
    'orders.*.get',
    '1orders.get',
    'x'.repeat(129),
    'orders.example.com/objects.get',
    'storage.googleapis.com/',
    'storage.googleapis.com/*',
    'storage.googleapis.com/objects',
    'Orders.googleapis.com/items.delete',
    'orders.googleapis.com/delete',
    'orders.GoogleApis.com/items.delete',
    'storage.googleapis.com/.*',
    'storage.googleapis.com/*.*.*',
    'storage.googleapis.com/*.',
    'storage.googleapis.com/ob jects.get',
    'my-service.googleapis.com/objects.get',
    '.googleapis.com/objects.get',
    'roles/owner',
  ])('%j is none', (permission) => {
    for (const [field, change] of [
      ['deniedPermissions', { deniedPermissions: [permission] }],
      ['exceptionPermissions', { exceptionPermissions: [permission] }],
    ] as const) {
      const refused = new Administered().refuse(create({ rules: [rule(change)] }));
      expect(fieldsOf(refused)).toEqual([`rules[0].denyRule.${field}[0]`]);
    }
  });

  it.each(['Orders.googleapis.com/items.delete', 'orders.googleapis.COM/*.*', 'orderS.Googleapis.com/*.get'])(
    '%s is refused for its capitals, and by name',
    (permission) => {
      const refused = new Administered().refuse(create({ rules: [rule({ deniedPermissions: [permission] })] }));
      expect(sentencesOf(refused)).toContain(`"${permission}" must have its service's address in small letters`);
    },
  );

  const idleIn = (project: Administered, deniedPermissions: readonly string[], on: DenyAttachment = PROJECT) =>
    warningsOf(project.do(create({ rules: [rule(), rule({ deniedPrincipals: [EVERYBODY], deniedPermissions })] }, on)))
      .filter((line) => line.startsWith('rules[1].denyRule.deniedPermissions'))
      .map((line) => line.replace('rules[1].denyRule.deniedPermissions', ''));
  const withRole = (): Administered => {
    const project = withTarget();
    const includedPermissions = ['orders.delete', 'storage.objects.get'];
    project.do({ type: 'role.create', roleId: 'deleter', input: { title: 't', includedPermissions } });
    return project;
  };

  it('that no role holds today are taken with a warning, each by its place', () => {
    const idle = [
      'orders.deleted',
      'storage.googleapis.com/object.get',
      'billing.googleapis.com/*.*',
      'a.googleapis.com/*.get',
    ];
    expect(idleIn(withRole(), ['orders.delete', ...idle])).toEqual(
      idle.map((text, index) => `[${index + 1}]: this denies nothing today: no role of the project holds ${text}`),
    );
  });

  it.each([
    'orders.delete',
    'orders.*',
    'orders.googleapis.com/*.delete',
    'storage.googleapis.com/objects.*',
    'sts.tokens.exchange',
    'sts.googleapis.com/*.*',
    'iam.googleapis.com/workloadIdentityPoolProviders.pushKeys',
    '*',
  ])('%s does something today: there is nothing to warn of', (permission) => {
    expect(idleIn(withRole(), [permission])).toEqual([]);
  });

  it('about pushing keys do nothing on a target', () => {
    expect(idleIn(withRole(), ['iam.workloadIdentityPoolProviders.pushKeys'], API)).toHaveLength(1);
    expect(idleIn(withRole(), ['sts.tokens.exchange'], API)).toEqual([]);
  });
});

describe('conditions', () => {
  const conditional = (expression: string, title = 't'): DenyPolicyInput => ({
    rules: [rule({ denialCondition: { expression, title } })],
  });
  const and = (operators: number): string => Array.from({ length: operators + 1 }, () => 'true').join(' && ');

  it.each([
    'resource.matchTag("1/env", "prod")',
    'request.time < timestamp("2030-01-01T00:00:00Z")',
    'request.workload.namespace == "shop"',
    and(12),
  ])('%s is taken', (expression) => {
    new Administered().do(create(conditional(expression)));
  });

  it.each([
    ['', 'is required'],
    ['nonsense(', 'line 1'],
    ['resource.nome == "x"', 'line 1, column'],
    ['"text"', 'line 1'],
    ['assertion.sub == "x"', 'line 1'],
    [and(13), 'at most 12'],
    [`"${'x'.repeat(4_096)}" == ""`, '4096'],
  ])('%.40s is refused where it stands', (expression, why) => {
    const refused = new Administered().refuse(create(conditional(expression)));
    expect(fieldsOf(refused)).toEqual(['rules[0].denyRule.denialCondition.expression']);
    expect(sentencesOf(refused)).toContain(why);
  });

  it('have a title of their length', () => {
    expect(fieldsOf(new Administered().refuse(create(conditional('true', 'x'.repeat(101)))))).toEqual([
      'rules[0].denyRule.denialCondition.title',
    ]);
  });
});

describe('how much fits', () => {
  const many = (count: number, prefix = 'p'): string[] =>
    Array.from({ length: count }, (_, index) => `principal://${POOL}/subject/ns/shop/sa/${prefix}${index}`);

  it('500 policies in a project, wherever they are attached', () => {
    const project = withTarget();
    for (let index = 0; index < 500; index++) {
      project.do(create({ rules: [rule()] }, index % 2 === 0 ? PROJECT : API, `policy-${index}`));
    }
    for (const attachment of [PROJECT, API]) {
      expect(project.refuse(create({ rules: [rule()] }, attachment, 'one-more'))).toMatchObject({
        tag: 'limit_reached',
        description: expect.stringContaining('500'),
      });
    }
    project.do(remove(undefined, 'policy-0'));
    project.do(create({ rules: [rule()] }, PROJECT, 'one-more'));
  });

  it('500 rules in all policies of one place', () => {
    const project = withTarget();
    const rules = (count: number): DenyPolicyInput => ({ rules: Array.from({ length: count }, () => rule()) });
    expect(fieldsOf(project.refuse(create(rules(501))))).toEqual(['rules']);
    project.do(create(rules(300)));
    expect(sentencesOf(project.refuse(create(rules(201), PROJECT, 'second')))).toContain('501 rules');
    project.do(create(rules(200), PROJECT, 'second'));
    project.do(create(rules(500), API));
    // What is replaced does not count.
    project.do(update(rules(300)));
    expect(fieldsOf(project.refuse(update(rules(301))))).toEqual(['rules']);
  });

  it('2,500 principals in all policies of one place, each appearance', () => {
    const project = new Administered();
    const first = rule({ deniedPrincipals: many(1_000), exceptionPrincipals: many(1_000, 'x') });
    project.do(create({ rules: [first] }));
    const second = rule({ deniedPrincipals: many(300), exceptionPrincipals: many(200) });
    project.do(create({ rules: [second] }, PROJECT, 'second'));
    expect(sentencesOf(project.refuse(create({ rules: [rule()] }, PROJECT, 'third')))).toContain('2501 principals');
    expect(fieldsOf(project.refuse(update({ rules: [first, rule()] })))).toEqual(['rules']);
  });
});
