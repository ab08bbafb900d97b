/** Pools and providers that are deleted: found by nobody, kept as they were, given back, and gone for good after thirty days. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Command } from '../../../src/core/admin/commands.ts';
import { etagOf } from '../../../src/core/admin/etag.ts';
import { bytes, CLUSTER, jwks, OIDC, RSA_KEY, rsaModulus } from '../../support/admin-samples.ts';
import { Administered } from '../../support/administer.ts';

const POOL = 'projects/100000000001/locations/global/workloadIdentityPools/my-pool';
const PROVIDER = `${POOL}/providers/provider-1`;
const ID = { poolId: 'my-pool', providerId: 'provider-1' };
const poolVerb = (verb: 'create' | 'delete' | 'undelete', poolId = 'my-pool'): Command =>
  verb === 'create' ? { type: 'pool.create', poolId, input: {} } : { type: `pool.${verb}`, poolId };
const providerVerb = (verb: 'delete' | 'undelete', id = ID): Command => ({ type: `provider.${verb}`, ...id });
const createProvider = (id = ID, input: object = CLUSTER): Command => ({ type: 'provider.create', ...id, input });
const PURGE: Command = { type: 'purge' };

/** Days after the first write. */
const at = (days: number) => ({ time: new Date(Date.UTC(2026, 0, 1) + days * 86_400_000).toISOString() });

function made(input: object = CLUSTER): Administered {
  const project = new Administered();
  project.do(poolVerb('create'));
  project.do(createProvider(ID, input));
  return project;
}

describe('a deleted pool', () => {
  it('is kept for thirty days as it was, and no reader finds it who does not ask for deleted ones', () => {
    const project = made();
    const before = project.state.pool('my-pool');
    const applied = project.do(poolVerb('delete'), at(1));
    expect(applied.shards).toEqual(['pool:100000000001/my-pool']);
    expect(project.state.pool('my-pool')).toBeUndefined();
    expect(project.state.deletedPool('my-pool')).toEqual({
      ...before,
      expireTime: '2026-02-01T00:00:00.000Z',
      updateTime: '2026-01-02T00:00:00.000Z',
    });
    expect(project.ask({ type: 'pool.get', poolId: 'my-pool' })).toMatchObject({ pool: { poolId: 'my-pool' } });
    const page = { pageSize: 10, after: '' };
    const listed = (showDeleted: boolean): unknown =>
      project.ask({ type: 'pool.list', page: { ...page, showDeleted } });
    expect(listed(false)).toMatchObject({ pools: [{ poolId: 'demo.svc.id.goog' }] });
    expect(listed(true)).toMatchObject({ pools: [{ poolId: 'demo.svc.id.goog' }, { poolId: 'my-pool' }] });
    const inside = project.ask({ type: 'provider.list', poolId: 'my-pool', page });
    expect(inside).toMatchObject({ providers: [{ providerId: 'provider-1' }] });
  });

  it.each<[string, Command]>([
    ['deleted again', poolVerb('delete')],
    ['patched', { type: 'pool.patch', poolId: 'my-pool', input: { disabled: false }, mask: ['disabled'] }],
    ['given a policy', { type: 'policy.set', resource: { kind: 'pool', poolId: 'my-pool' }, policy: {} }],
    ['told whom to deny', { type: 'pool.denyUids', poolId: 'my-pool', uids: ['u'], until: '2026-01-09T00:00:00Z' }],
    ['given a provider', createProvider({ poolId: 'my-pool', providerId: 'provider-2' })],
    ['patched through its provider', { type: 'provider.patch', ...ID, input: { disabled: true }, mask: ['disabled'] }],
    ['rid of its provider', providerVerb('delete')],
    ['given its provider back', providerVerb('undelete')],
  ])('cannot be %s', (_what, command) => {
    const project = made();
    project.do(poolVerb('delete'));
    expect(project.refuse(command)).toEqual({
      tag: 'failed_precondition',
      description: `${POOL} is deleted. Undelete it first.`,
    });
  });

  it('keeps its name from everybody else', () => {
    const project = made();
    project.do(poolVerb('delete'), at(1));
    expect(project.refuse(poolVerb('create'), at(30.9))).toEqual({ tag: 'already_exists', resource: POOL });
  });

  it('comes back as it was, with everything that hangs on it', () => {
    const project = made();
    const resource = { kind: 'pool', poolId: 'my-pool' } as const;
    const bindings = [{ role: 'roles/owner', members: [`principalSet://iam.googleapis.com/${POOL}/*`] }];
    project.do({ type: 'policy.set', resource, policy: { bindings } });
    project.do({ type: 'pool.denyUids', poolId: 'my-pool', uids: ['stolen'], until: '2026-01-20T00:00:00Z' });
    const before = { pool: project.state.pool('my-pool'), policy: project.state.policy(resource) };
    const provider = project.state.provider('my-pool', 'provider-1');
    project.do(poolVerb('delete'), at(1));
    project.do(poolVerb('undelete'), at(30.9));
    expect(project.state.pool('my-pool')).toEqual({ ...before.pool, updateTime: at(30.9).time });
    expect(project.state.policy(resource)).toEqual(before.policy);
    expect(project.state.provider('my-pool', 'provider-1')).toEqual(provider);
  });

  it('does not come back after thirty days, although nobody purged it yet', () => {
    const project = made();
    project.do(poolVerb('delete'), at(1));
    expect(project.refuse(poolVerb('undelete'), at(31))).toEqual({ tag: 'not_found', resource: POOL });
  });

  it('is never the built-in one', () => {
    const project = new Administered();
    expect(project.refuse(poolVerb('delete', 'demo.svc.id.goog'))).toEqual({
      tag: 'failed_precondition',
      description: 'The built-in pool demo.svc.id.goog cannot be deleted.',
    });
  });

  it('is told apart from one that was never there and from one that lives', () => {
    const project = made();
    expect(project.refuse(poolVerb('delete', 'no-pool'))).toMatchObject({ tag: 'not_found' });
    expect(project.refuse(poolVerb('undelete', 'no-pool'))).toMatchObject({ tag: 'not_found' });
    expect(project.refuse(poolVerb('undelete'))).toEqual({
      tag: 'failed_precondition',
      description: `${POOL} is not deleted.`,
    });
  });
});

describe('a deleted provider', () => {
  it('is kept for thirty days, found by nobody, and its name stays taken', () => {
    const project = made();
    const applied = project.do(providerVerb('delete'), at(1));
    expect(applied.shards).toEqual(['provider:100000000001/my-pool/provider-1']);
    expect(project.state.provider('my-pool', 'provider-1')).toBeUndefined();
    const page = { pageSize: 10, after: '' };
    expect(project.ask({ type: 'provider.list', poolId: 'my-pool', page })).toMatchObject({ providers: [] });
    expect(
      project.ask({ type: 'provider.list', poolId: 'my-pool', page: { ...page, showDeleted: true } }),
    ).toMatchObject({ providers: [{ providerId: 'provider-1', expireTime: '2026-02-01T00:00:00.000Z' }] });
    expect(project.refuse(createProvider())).toEqual({ tag: 'already_exists', resource: PROVIDER });
    const patch: Command = { type: 'provider.patch', ...ID, input: { disabled: true }, mask: ['disabled'] };
    for (const command of [patch, providerVerb('delete')]) {
      expect(project.refuse(command)).toEqual({
        tag: 'failed_precondition',
        description: `${PROVIDER} is deleted. Undelete it first.`,
      });
    }
  });

  it('comes back as it was, within thirty days', () => {
    const project = made();
    const before = project.state.provider('my-pool', 'provider-1');
    project.do(providerVerb('delete'), at(1));
    project.do(providerVerb('undelete'), at(2));
    expect(project.state.provider('my-pool', 'provider-1')).toEqual({ ...before, updateTime: at(2).time });
    expect(project.refuse(providerVerb('undelete'))).toMatchObject({ tag: 'failed_precondition' });
    project.do(providerVerb('delete'), at(3));
    expect(project.refuse(providerVerb('undelete'), at(33))).toEqual({ tag: 'not_found', resource: PROVIDER });
  });

  it('can lose a key meanwhile: undeleting brings back no key that is distrusted, before or after', () => {
    const project = made();
    const thumbprint = project.state.provider('my-pool', 'provider-1')?.keys[0]?.thumbprint ?? '';
    project.do({ type: 'provider.distrustKey', ...ID, thumbprint: bytes(32) });
    project.do(providerVerb('delete'), at(1));
    project.do({ type: 'provider.distrustKey', ...ID, thumbprint }, at(2));
    expect(project.state.provider('my-pool', 'provider-1')).toBeUndefined();
    project.do(poolVerb('delete'), at(3));
    project.do({ type: 'provider.distrustKey', ...ID, thumbprint: bytes(32, 7) }, at(4));
    project.do(poolVerb('undelete'), at(5));
    project.do(providerVerb('undelete'), at(6));
    expect(project.state.provider('my-pool', 'provider-1')?.distrustedThumbprints).toEqual([
      bytes(32),
      thumbprint,
      bytes(32, 7),
    ]);
  });

  it('has pushed keys that went on growing old', () => {
    const project = made();
    const provider = project.state.provider('my-pool', 'provider-1');
    if (provider === undefined) throw new Error('no provider');
    const keysExpireAtSeconds = Date.parse(at(8).time) / 1_000;
    const pushed = { ...provider, keySource: 'pushed', keysExpireAtSeconds } as const;
    project.state.commit([{ put: 'provider', provider: pushed }]);
    project.do(providerVerb('delete'), at(1));
    project.do(providerVerb('undelete'), at(20));
    expect(project.state.provider('my-pool', 'provider-1')?.keysExpireAtSeconds).toBe(keysExpireAtSeconds);
  });

  it('stays away from a cluster that was registered anew, and from a pool of another kind by now', () => {
    const project = made();
    project.do(providerVerb('delete'));
    project.do(createProvider({ poolId: 'my-pool', providerId: 'provider-2' }));
    expect(project.refuse(providerVerb('undelete'))).toEqual({
      tag: 'already_exists',
      resource: `${POOL}/providers/provider-2 with the same kubernetes.clusterUri`,
    });
    project.do(providerVerb('delete', { poolId: 'my-pool', providerId: 'provider-2' }));
    project.do(createProvider({ poolId: 'my-pool', providerId: 'provider-3' }, OIDC));
    expect(project.refuse(providerVerb('undelete'))).toMatchObject({ tag: 'failed_precondition' });
  });
});

describe('the purge', () => {
  it('does nothing before its time', () => {
    const project = made();
    project.do(poolVerb('delete'), at(1));
    expect(project.do(PURGE, at(30.999))).toEqual({ answer: { kind: 'deleted' }, writes: [], shards: [] });
    expect(project.state.deletedPool('my-pool')).toBeDefined();
  });

  it('takes a provider alone, and leaves its name free', () => {
    const project = made();
    project.do(providerVerb('delete'), at(1));
    expect(project.do(PURGE, at(31)).shards).toEqual(['provider:100000000001/my-pool/provider-1']);
    expect(project.state.deletedProvider('my-pool', 'provider-1')).toBeUndefined();
    project.do(createProvider(), at(31));
    expect(project.state.provider('my-pool', 'provider-1')?.distrustedThumbprints).toEqual([]);
  });

  it('takes a pool with its providers, deleted or not, and its policy: the next of that name inherits nothing', () => {
    const project = made();
    project.do(createProvider({ poolId: 'my-pool', providerId: 'provider-2' }, otherCluster(2)));
    const resource = { kind: 'pool', poolId: 'my-pool' } as const;
    project.do({
      type: 'policy.set',
      resource,
      policy: { bindings: [{ role: 'roles/owner', members: ['user:a@b.c'] }] },
    });
    const revision = project.state.policy(resource)?.revision ?? 0;
    project.do(providerVerb('delete'), at(1));
    project.do(poolVerb('delete'), at(0.5));
    const purged = project.do(PURGE, at(30.5));
    expect(purged.shards).toEqual([
      'provider:100000000001/my-pool/provider-1',
      'provider:100000000001/my-pool/provider-2',
      'pool:100000000001/my-pool',
    ]);
    project.do(poolVerb('create'), at(31));
    expect(project.ask({ type: 'policy.get', resource })).toMatchObject({ policy: { bindings: [] } });
    const stale: Command = { type: 'policy.set', resource, policy: { etag: etagOf(revision) } };
    expect(project.refuse(stale)).toMatchObject({ tag: 'etag_mismatch' });
    expect(project.refuse({ ...stale, policy: { etag: etagOf(0) } })).toMatchObject({ tag: 'etag_mismatch' });
    const page = { pageSize: 10, after: '', showDeleted: true };
    expect(project.ask({ type: 'provider.list', poolId: 'my-pool', page })).toMatchObject({ providers: [] });
  });

  it('takes a pool of many clusters step by step; until the last is gone the name is taken', () => {
    const project = made();
    for (let index = 2; index <= 120; index++) {
      project.do(createProvider({ poolId: 'my-pool', providerId: `provider-${index}` }, otherCluster(index)));
    }
    project.do(poolVerb('delete'), at(1));
    const steps: number[] = [];
    while (project.state.deletedPool('my-pool') !== undefined) {
      expect(project.refuse(poolVerb('create'), at(31))).toMatchObject({ tag: 'already_exists' });
      steps.push(project.do(PURGE, at(31)).shards.length);
    }
    expect(steps).toEqual([50, 50, 21]);
  });

  it('disowns the members of the pool in every policy of the project, and touches no other member', () => {
    const project = made();
    project.do(poolVerb('create', 'my-pool-2'));
    project.do({ type: 'target.create', targetId: 'api', input: { uri: 'https://api.example.com' } });
    project.do({ type: 'target.create', targetId: 'quiet', input: { uri: 'https://quiet.example.com' } });
    const subject = `principal://iam.googleapis.com/${POOL}/subject/ns/shop/sa/checkout`;
    const others = [
      'user:a@example.com',
      `principalSet://iam.googleapis.com/${POOL}-2/*`,
      `principal://iam.googleapis.com/${POOL.replace('100000000001', '100000000002')}/subject/a`,
      `principal://iam.googleapis.com/${POOL}-2/subject/principal://iam.googleapis.com/${POOL}/subject/a`,
    ];
    const bind = (resource: Extract<Command, { type: 'policy.set' }>['resource'], members: readonly string[]): void => {
      project.do({ type: 'policy.set', resource, policy: { bindings: [{ role: 'roles/owner', members }] } });
    };
    bind({ kind: 'target', targetId: 'api' }, [subject, ...others]);
    bind({ kind: 'target', targetId: 'quiet' }, others);
    bind({ kind: 'project' }, [`principalSet://iam.googleapis.com/${POOL}/*`]);
    bind({ kind: 'pool', poolId: 'my-pool-2' }, [subject]);
    const quiet = project.state.policy({ kind: 'target', targetId: 'quiet' });
    project.do(poolVerb('delete'), at(1));
    const purged = project.do(PURGE, at(31));
    expect(purged.shards).toEqual(
      expect.arrayContaining(['project:100000000001', 'target:100000000001/api', 'pool:100000000001/my-pool']),
    );
    const membersOn = (resource: Parameters<typeof bind>[0]) => project.state.policy(resource)?.bindings[0]?.members;
    expect(membersOn({ kind: 'target', targetId: 'api' })).toEqual([`deleted:${subject}`, ...others]);
    expect(membersOn({ kind: 'project' })).toEqual([`deleted:principalSet://iam.googleapis.com/${POOL}/*`]);
    expect(membersOn({ kind: 'pool', poolId: 'my-pool-2' })).toEqual([`deleted:${subject}`]);
    expect(project.state.policy({ kind: 'target', targetId: 'quiet' })).toEqual(quiet);
    // What was read can be written back.
    const policy = project.state.policy({ kind: 'target', targetId: 'api' });
    bind({ kind: 'target', targetId: 'api' }, policy?.bindings[0]?.members ?? []);
  });

  it('excepts the principals of the pool from no deny rule any more, and leaves the rules as they are', () => {
    const project = made();
    project.do(poolVerb('create', 'my-pool-2'));
    project.do({ type: 'target.create', targetId: 'api', input: { uri: 'https://api.example.com' } });
    const subject = `principal://iam.googleapis.com/${POOL}/subject/ns/shop/sa/checkout`;
    const other = `principalSet://iam.googleapis.com/${POOL}-2/*`;
    const places = [{ kind: 'project' }, { kind: 'target', targetId: 'api' }] as const;
    const denyRule = {
      deniedPrincipals: ['principalSet://goog/public:all', `principalSet://iam.googleapis.com/${POOL}/*`],
      exceptionPrincipals: [subject, other],
      deniedPermissions: ['orders.get'],
    };
    for (const attachment of places)
      project.do({ type: 'denyPolicy.create', attachment, policyId: 'no-orders', input: { rules: [{ denyRule }] } });
    project.do(poolVerb('delete'), at(1));
    const purged = project.do(PURGE, at(31));
    expect(purged.shards).toEqual(expect.arrayContaining(['project:100000000001', 'target:100000000001/api']));
    for (const attachment of places) {
      const policy = project.state.denyPolicy({ attachment, policyId: 'no-orders' });
      expect(policy?.rules).toMatchObject([{ denyRule: { ...denyRule, exceptionPrincipals: [other] } }]);
      expect(policy?.version, 'an etag of then is stale').toBeGreaterThan(5);
    }
  });

  it('leaves members as long as they may be: with the prefix they can be written back', () => {
    const project = made();
    const long = `principal://iam.googleapis.com/${POOL}/subject/`.padEnd(2_048, 'x');
    const policy = { bindings: [{ role: 'roles/owner', members: [long] }] };
    project.do({ type: 'policy.set', resource: { kind: 'project' }, policy });
    project.do(poolVerb('delete'), at(1));
    project.do(PURGE, at(31));
    const after = project.state.policy({ kind: 'project' });
    expect(after?.bindings[0]?.members).toEqual([`deleted:${long}`]);
    project.do({ type: 'policy.set', resource: { kind: 'project' }, policy: { bindings: after?.bindings ?? [] } });
    const longer = { bindings: [{ role: 'roles/owner', members: [`deleted:${long}x`] }] };
    expect(project.refuse({ type: 'policy.set', resource: { kind: 'project' }, policy: longer })).toMatchObject({
      tag: 'invalid_argument',
    });
  });
});

describe('operations', () => {
  const idOf = (project: Administered): string => project.state.pool('my-pool')?.updateTime.replaceAll(/\D/g, '') ?? '';
  const of = { kind: 'pool', poolId: 'my-pool' } as const;

  it('of every change can be asked about, and answer as the change did, whatever came after', () => {
    const project = new Administered();
    const first = project.do(poolVerb('create'));
    const operationId = idOf(project);
    project.do({ type: 'pool.patch', poolId: 'my-pool', input: { displayName: 'New' }, mask: ['displayName'] });
    project.do(poolVerb('delete'), at(1));
    expect(project.ask({ type: 'operation.get', of, operationId })).toEqual(first.answer);
    expect(project.ask({ type: 'operation.get', of, operationId: '20260102000000000' })).toMatchObject({
      pool: { displayName: 'New', expireTime: '2026-02-01T00:00:00.000Z' },
    });
  });

  it('that were never made are not there, and those of a purged pool neither', () => {
    const project = made();
    const operationId = idOf(project);
    const provider = project.state.provider('my-pool', 'provider-1')?.updateTime.replaceAll(/\D/g, '') ?? '';
    const ask = (query: Parameters<Administered['ask']>[0]) => () => project.ask(query);
    expect(ask({ type: 'operation.get', of, operationId: '20260101000000999' })).toThrow('not_found');
    expect(ask({ type: 'operation.get', of: { kind: 'pool', poolId: 'no-pool' }, operationId })).toThrow('not_found');
    expect(ask({ type: 'operation.get', of: { kind: 'provider', ...ID }, operationId: provider })()).toBeDefined();
    project.do(poolVerb('delete'), at(1));
    project.do(PURGE, at(31));
    expect(ask({ type: 'operation.get', of, operationId })).toThrow('not_found');
    expect(ask({ type: 'operation.get', of: { kind: 'provider', ...ID }, operationId: provider })).toThrow('not_found');
  });

  it('of a command that had nothing to do is the change before it', () => {
    const project = made();
    const thumbprint = bytes(32);
    project.do({ type: 'provider.distrustKey', ...ID, thumbprint });
    const before = project.state.provider('my-pool', 'provider-1');
    if (before === undefined) throw new Error('no provider');
    // As after an agent's push, of which no operation is kept.
    const pushed = { ...before, updateTime: '2026-01-05T00:00:00.000Z' };
    project.state.commit([{ put: 'provider', provider: pushed }]);
    project.do({ type: 'provider.distrustKey', ...ID, thumbprint });
    expect(
      project.ask({ type: 'operation.get', of: { kind: 'provider', ...ID }, operationId: '20260105000000000' }),
    ).toMatchObject({ kind: 'provider', provider: { providerId: 'provider-1' } });
  });
});

function otherCluster(index: number): object {
  return {
    kubernetes: {
      ...CLUSTER.kubernetes,
      clusterUri: `https://clusters.example.com/${index}`,
      jwksJson: jwks({ ...RSA_KEY, n: rsaModulus(2_048) }),
    },
  };
}

describe('whatever happens in whatever order', () => {
  const POOLS = ['pool-a', 'pool-b'];
  const PROVIDERS = ['one-provider', 'two-provider'];
  type Life = 'never' | 'live' | { readonly until: number };
  const verb = fc.constantFrom('create', 'delete', 'undelete', 'patch', 'purge');
  const step = fc.record({
    verb,
    pool: fc.constantFrom(...POOLS),
    provider: fc.option(fc.constantFrom(...PROVIDERS), { nil: undefined }),
    days: fc.constantFrom(0, 0, 1, 14, 30, 31),
  });

  /** What an attentive reader of Google's pages would expect, written down as plainly as can be. */
  function expected(
    lives: Map<string, Life>,
    name: string,
    parent: string | undefined,
    what: string,
    day: number,
  ): string {
    const life = lives.get(name) ?? 'never';
    if (parent !== undefined && what !== 'create' && what !== 'purge') {
      const above = lives.get(parent) ?? 'never';
      if (above === 'never') return 'not_found';
      if (above !== 'live') return 'failed_precondition';
    }
    if (parent !== undefined && what === 'create') {
      const above = lives.get(parent) ?? 'never';
      if (above === 'never') return 'not_found';
      if (above !== 'live') return 'failed_precondition';
      return life === 'never' ? 'ok' : 'already_exists';
    }
    switch (what) {
      case 'create':
        return life === 'never' ? 'ok' : 'already_exists';
      case 'undelete':
        if (life === 'never') return 'not_found';
        if (life === 'live') return 'failed_precondition';
        return day < life.until ? 'ok' : 'not_found';
      default:
        if (life === 'never') return 'not_found';
        return life === 'live' ? 'ok' : 'failed_precondition';
    }
  }

  function purgeIn(lives: Map<string, Life>, day: number): void {
    const isOver = (life: Life): boolean => typeof life === 'object' && life.until <= day;
    const before = new Map(lives);
    for (const [name, life] of before) {
      const [pool = ''] = name.split('/');
      if (isOver(life) || isOver(before.get(pool) ?? 'never')) lives.set(name, 'never');
    }
  }

  it('names live, are deleted, come back and are free again as a plain list of them says', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const project = new Administered();
        const lives = new Map<string, Life>();
        let day = 0;
        for (const { verb: what, pool, provider, days } of steps) {
          day += days;
          const name = provider === undefined ? pool : `${pool}/${provider}`;
          if (what === 'purge') {
            while (project.do(PURGE, at(day)).writes.length > 0);
            purgeIn(lives, day);
          } else {
            const want = expected(lives, name, provider === undefined ? undefined : pool, what, day);
            const tried = project.try(commandOf(what, pool, provider), at(day));
            expect(tried.ok ? 'ok' : tried.error.tag).toBe(want);
            if (want === 'ok') lives.set(name, what === 'delete' ? { until: day + 30 } : 'live');
          }
          for (const id of POOLS) {
            expect(project.state.pool(id) !== undefined).toBe(lives.get(id) === 'live');
            expect(project.state.deletedPool(id) !== undefined).toBe(typeof lives.get(id) === 'object');
            for (const child of PROVIDERS) {
              const life = lives.get(`${id}/${child}`);
              expect(project.state.provider(id, child) !== undefined).toBe(life === 'live');
              expect(project.state.deletedProvider(id, child) !== undefined).toBe(typeof life === 'object');
            }
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });

  function commandOf(what: 'create' | 'delete' | 'undelete' | 'patch', poolId: string, providerId?: string): Command {
    if (providerId === undefined) {
      return what === 'patch' ? { type: 'pool.patch', poolId, input: {}, mask: ['disabled'] } : poolVerb(what, poolId);
    }
    const id = { poolId, providerId };
    if (what === 'create') return createProvider(id, PROVIDERS.indexOf(providerId) === 0 ? CLUSTER : otherCluster(2));
    return what === 'patch'
      ? { type: 'provider.patch', ...id, input: {}, mask: ['disabled'] }
      : { type: `provider.${what}`, ...id };
  }
});
