/** Deny policies: every rule about what may be written, and what happens to them with their target. */
import { describe, expect, it } from 'vitest';
import type { Command, DenyPolicyInput, DenyRuleInput } from '../../../src/core/admin/commands.ts';
import type { Applied } from '../../../src/core/admin/applied.ts';
import { etagOf } from '../../../src/core/admin/etag.ts';
import { EVERYBODY, type DenyAttachment, type DenyRule } from '../../../src/core/resources.ts';
import { CLUSTER, OIDC } from '../../support/admin-samples.ts';
import { Administered, fieldsOf, sentencesOf } from '../../support/administer.ts';

const POOL = 'iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools/demo.svc.id.goog';
const ME = `principal://${POOL}/subject/ns/shop/sa/checkout`;
const PROJECT = { kind: 'project' } as const;
const API = { kind: 'target', targetId: 'api' } as const;
const NAME = 'policies/cloudresourcemanager.googleapis.com%2Fprojects%2F100000000001/denypolicies/no-orders';

const rule = (change: Partial<DenyRule> = {}, description?: string): DenyRuleInput => ({
  ...(description === undefined ? {} : { description }),
  denyRule: { deniedPrincipals: [ME], deniedPermissions: ['orders.get'], ...change },
});
const create = (input: DenyPolicyInput, attachment: DenyAttachment = PROJECT, policyId = 'no-orders'): Command => ({
  type: 'denyPolicy.create',
  attachment,
  policyId,
  input,
});
const update = (input: DenyPolicyInput, policyId = 'no-orders'): Command => ({
  type: 'denyPolicy.update',
  attachment: PROJECT,
  policyId,
  input,
});
const remove = (etag?: string, policyId = 'no-orders'): Command => ({
  type: 'denyPolicy.delete',
  attachment: PROJECT,
  policyId,
  ...(etag === undefined ? {} : { etag }),
});
const CI = POOL.replace('demo.svc.id.goog', 'ci-pool');
/** A cluster in the built-in pool, and a pool of an OIDC issuer that maps `attribute.repo`. */
const withPools = (): Administered => {
  const project = new Administered();
  project.do({ type: 'provider.create', poolId: 'demo.svc.id.goog', providerId: 'cluster-1', input: CLUSTER });
  project.do({ type: 'pool.create', poolId: 'ci-pool', input: {} });
  const attributeMapping = { ...OIDC.attributeMapping, 'attribute.repo': 'assertion.repo' };
  project.do({ type: 'provider.create', poolId: 'ci-pool', providerId: 'ci-1', input: { ...OIDC, attributeMapping } });
  return project;
};
const warningsOf = ({ answer }: Applied): readonly string[] =>
  answer.kind === 'denyPolicy' ? (answer.warnings ?? []) : [];
const withTarget = (): Administered => {
  const project = new Administered();
  project.do({ type: 'target.create', targetId: 'api', input: { uri: 'https://api.example.com' } });
  return project;
};

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

function annotations(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`key-${index}`, 'v'.repeat(255)]));
}

function exceptingEverybody(): DenyPolicyInput {
  return { rules: [rule({ exceptionPrincipals: [ME, EVERYBODY] })] };
}
