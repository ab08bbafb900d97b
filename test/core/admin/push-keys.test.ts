/** Pushed keys: who may push, how often, and which sets go on from keys that are trusted. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Command, ProviderInput } from '../../../src/core/admin/commands.ts';
import type { Binding, Provider, PublicJwk } from '../../../src/core/resources.ts';
import { EC_KEY, jwks, POINTS, RSA_KEY, rsaModulus } from '../../support/admin-samples.ts';
import { Administered, fieldsOf, sentencesOf } from '../../support/administer.ts';

const ID = { poolId: 'my-pool', providerId: 'provider-1' };
const PRINCIPAL = 'principal://iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools/my-pool';
const SUBJECT = `${PRINCIPAL}/subject/ns/kube-system/sa/key-agent`;
const BY_UID = `${PRINCIPAL}/kubernetes.serviceaccount.uid/uid-7`;
const P384 = { kty: 'EC', kid: 'p384', crv: 'P-384', ...POINTS['P-384'] };
const RSA_2 = { kty: 'RSA', kid: 'rsa-2', n: rsaModulus(2_056), e: 'AQAB' };
const CLUSTER: ProviderInput = {
  kubernetes: { clusterUri: 'https://one.example.com', issuerUri: 'https://one.example.com', jwksJson: jwks(RSA_KEY) },
};

type Push = Extract<Command, { type: 'provider.pushKeys' }>;

class World extends Administered {
  #pushes = 0;

  constructor(
    input: ProviderInput = CLUSTER,
    bindings: readonly Binding[] = [{ role: 'roles/owner', members: [SUBJECT] }],
  ) {
    super();
    this.do({ type: 'pool.create', poolId: 'my-pool', input: {} });
    this.do({ type: 'provider.create', ...ID, input });
    this.bind(bindings);
  }

  bind(bindings: readonly Binding[], on: 'pool' | 'project' = 'pool'): void {
    const resource = on === 'pool' ? ({ kind: 'pool', poolId: 'my-pool' } as const) : ({ kind: 'project' } as const);
    this.do({ type: 'policy.set', resource, policy: { version: 3, bindings } });
  }

  /** By a token that was never used, verified by the rows of now. */
  push(keys: readonly unknown[], change: Partial<Push> = {}): Push {
    this.#pushes += 1;
    return {
      type: 'provider.pushKeys',
      ...ID,
      jwksJson: jwks(...keys),
      pusher: { identifier: SUBJECT, memberTexts: [SUBJECT, BY_UID] },
      once: { key: `token-${this.#pushes}`, untilSeconds: 4_000_000_000 },
      verifiedBy: {
        poolUpdateTime: this.state.pool('my-pool')?.updateTime ?? '',
        providerUpdateTime: this.provider().updateTime,
      },
      ...change,
    };
  }

  provider(): Provider {
    const provider = this.state.provider('my-pool', 'provider-1');
    if (provider === undefined) throw new Error('no provider');
    return provider;
  }

  kids(): readonly string[] {
    return this.provider().keys.map((key) => key.kid);
  }

  key(kid: string): PublicJwk {
    const key = this.provider().keys.find((one) => one.kid === kid);
    if (key === undefined) throw new Error(`no key ${kid}`);
    return key;
  }
}

const at = (time: string) => ({ time });

describe('who may push', () => {
  const CUSTOM = 'projects/demo/roles/pusher';
  const withRole = (permissions: readonly string[]): World => {
    const world = new World(CLUSTER, []);
    world.do({ type: 'role.create', roleId: 'pusher', input: { title: 'P', includedPermissions: permissions } });
    return world;
  };

  it.each([SUBJECT, BY_UID])('%s, by a custom role on the pool or on the project', (member) => {
    for (const on of ['pool', 'project'] as const) {
      const world = withRole(['iam.workloadIdentityPoolProviders.pushKeys']);
      world.bind([{ role: CUSTOM, members: [member] }], on);
      world.do(world.push([RSA_KEY]));
    }
  });

  const others: readonly (readonly [string, Binding])[] = [
    [
      'a set of principals',
      { role: 'roles/owner', members: [`${PRINCIPAL.replace('principal:', 'principalSet:')}/*`] },
    ],
    [
      'a namespace',
      { role: 'roles/owner', members: [`${PRINCIPAL.replace('principal:', 'principalSet:')}/namespace/kube-system`] },
    ],
    ['another subject', { role: 'roles/owner', members: [`${PRINCIPAL}/subject/ns/kube-system/sa/key-agent2`] }],
    ['another pool', { role: 'roles/owner', members: [SUBJECT.replace('my-pool', 'your-pool')] }],
    ['a deleted member', { role: 'roles/owner', members: [`deleted:${SUBJECT}?uid=1`] }],
    ['an administrator of pools', { role: 'roles/iam.workloadIdentityPoolAdmin', members: [SUBJECT] }],
    ['a role with another permission', { role: CUSTOM, members: [SUBJECT] }],
    [
      'a condition',
      {
        role: 'projects/demo/roles/real',
        members: [SUBJECT],
        condition: { expression: 'true', title: 'always' },
      },
    ],
  ];

  it.each(others)('not %s', (_name, binding) => {
    const world = withRole(['iam.workloadIdentityPoolProviders.update']);
    const includedPermissions = ['iam.workloadIdentityPoolProviders.pushKeys'];
    world.do({ type: 'role.create', roleId: 'real', input: { title: 'R', includedPermissions } });
    world.bind([binding]);
    world.bind([binding], 'project');
    const refused = world.refuse(world.push([RSA_KEY], { pusher: { identifier: SUBJECT, memberTexts: [SUBJECT] } }));
    expect(refused).toEqual({
      tag: 'permission_denied',
      permission: 'iam.workloadIdentityPoolProviders.pushKeys',
      resource: 'projects/100000000001/locations/global/workloadIdentityPools/my-pool/providers/provider-1',
    });
    expect(world.kids()).toEqual(['rsa-1']);
  });

  it('nobody by texts that name a set, should they ever be handed in', () => {
    const set = `${PRINCIPAL.replace('principal:', 'principalSet:')}/*`;
    const world = new World(CLUSTER, [{ role: 'roles/owner', members: [set] }]);
    const pusher = { identifier: SUBJECT, memberTexts: [SUBJECT, set] };
    expect(world.refuse(world.push([RSA_KEY], { pusher }))).toMatchObject({ tag: 'permission_denied' });
  });

  it('nobody after a deleted role was made again under its name', () => {
    const world = withRole(['iam.workloadIdentityPoolProviders.pushKeys']);
    world.bind([{ role: CUSTOM, members: [SUBJECT] }]);
    world.do({ type: 'role.delete', roleId: 'pusher' });
    expect(world.refuse(world.push([RSA_KEY]))).toMatchObject({ tag: 'permission_denied' });
  });
});

describe('one token, one push', () => {
  it('is not taken again, whatever it brings', () => {
    const world = new World();
    const push = world.push([RSA_KEY, EC_KEY]);
    const applied = world.do(push);
    expect(applied.writes).toContainEqual({ put: 'usedToken', marker: push.once });
    const again = world.push([RSA_KEY], { once: push.once });
    expect(world.refuse(again)).toEqual({ tag: 'bad_credentials' });
    expect(world.kids()).toEqual(['rsa-1', 'ec-1']);
  });

  it('is not used up by a refusal', () => {
    const world = new World();
    const refused = world.push([EC_KEY]);
    world.refuse(refused);
    world.do({ ...refused, jwksJson: jwks(RSA_KEY, EC_KEY) });
  });

  it.each(['pool', 'provider'])('verified by an older row of the %s counts for nothing', (which) => {
    const world = new World();
    const push = world.push([RSA_KEY, EC_KEY]);
    if (which === 'pool')
      world.do({ type: 'pool.patch', poolId: 'my-pool', input: { disabled: true }, mask: ['disabled'] });
    else world.do({ type: 'provider.distrustKey', ...ID, thumbprint: world.key('rsa-1').thumbprint });
    expect(world.refuse(push)).toMatchObject({ tag: 'etag_mismatch' });
    expect(world.kids()).toEqual(['rsa-1']);
  });
});

describe('a pushed set', () => {
  it('replaces the one before, lives for its time, and is told to whoever watches', () => {
    const world = new World({ ...CLUSTER, pushedKeysMaxAge: '3600s' });
    const [old] = world.provider().keys;
    const { alert, answer } = world.do(world.push([RSA_KEY, EC_KEY]), at('2026-02-01T00:00:00.500Z'));
    expect(world.provider()).toMatchObject({
      keySource: 'pushed',
      keysUpdateTime: '2026-02-01T00:00:00.500Z',
      keysExpireAtSeconds: Date.UTC(2026, 1, 1, 1) / 1_000,
      jwksJson: jwks(RSA_KEY, EC_KEY),
    });
    expect(answer).toMatchObject({ kind: 'provider', warnings: [] });
    expect(alert).toEqual({
      provider: { projectNumber: '100000000001', ...ID },
      source: 'pushed',
      addedThumbprints: [world.key('ec-1').thumbprint],
      removedThumbprints: [],
    });
    const dropped = world.do(world.push([EC_KEY]), at('2026-02-01T00:30:00.000Z'));
    expect(world.kids()).toEqual(['ec-1']);
    expect(dropped.alert).toMatchObject({ addedThumbprints: [], removedThumbprints: [old?.thumbprint] });
  });

  it('that is the same only renews', () => {
    const world = new World();
    world.do(world.push([RSA_KEY, EC_KEY]), at('2026-02-01T00:00:00.000Z'));
    const before = world.provider();
    const again = world.do(world.push([RSA_KEY, EC_KEY]), at('2026-02-02T00:00:00.000Z'));
    expect(again.alert).toBeUndefined();
    expect(world.provider()).toEqual({
      ...before,
      keysExpireAtSeconds: (before.keysExpireAtSeconds ?? 0) + 86_400,
      updateTime: '2026-02-02T00:00:00.000Z',
    });
  });

  it('goes on from a key that is trusted now, by thumbprint', () => {
    const world = new World();
    expect(fieldsOf(world.refuse(world.push([EC_KEY])))).toEqual(['jwksJson']);
    expect(fieldsOf(world.refuse(world.push([{ ...RSA_2, kid: 'rsa-1' }])))).toEqual(['jwksJson']);
    world.do(world.push([{ ...RSA_KEY, kid: 'renamed' }, EC_KEY]));
    expect(world.kids()).toEqual(['renamed', 'ec-1']);
  });

  it('does not go on from a key that no algorithm uses', () => {
    const world = new World();
    world.do(world.push([RSA_KEY, P384]));
    expect(fieldsOf(world.refuse(world.push([P384, EC_KEY])))).toEqual(['jwksJson']);
  });

  it('does not go on from a set that is too old', () => {
    const world = new World({ ...CLUSTER, pushedKeysMaxAge: '3600s' });
    world.do(world.push([RSA_KEY]), at('2026-02-01T00:00:00.000Z'));
    expect(fieldsOf(world.refuse(world.push([RSA_KEY]), at('2026-02-01T01:00:00.000Z')))).toEqual(['jwksJson']);
    world.do(world.push([RSA_KEY]), at('2026-02-01T00:59:59.000Z'));
  });

  it('holds no distrusted key, nor goes on from one', () => {
    const world = new World();
    world.do(world.push([RSA_KEY, EC_KEY]));
    world.do({ type: 'provider.distrustKey', ...ID, thumbprint: world.key('rsa-1').thumbprint });
    expect(sentencesOf(world.refuse(world.push([EC_KEY, { ...RSA_KEY, kid: 'new' }])))).toContain('distrusted');
    world.do(world.push([EC_KEY, RSA_2]));
    world.do({ type: 'provider.distrustKey', ...ID, thumbprint: world.key('rsa-2').thumbprint });
    world.do({ type: 'provider.distrustKey', ...ID, thumbprint: world.key('ec-1').thumbprint });
    expect(fieldsOf(world.refuse(world.push([P384])))).toEqual(['jwksJson']);
  });

  it('is judged like an uploaded one', () => {
    const world = new World();
    const nine = Array.from({ length: 9 }, (_, index) => ({ ...RSA_KEY, kid: `k${index}` }));
    for (const keys of [[], [{ ...RSA_KEY, d: 'AQAB' }], [RSA_KEY, { ...EC_KEY, kid: 'rsa-1' }], nine]) {
      expect(fieldsOf(world.refuse(world.push(keys)))).toContain('jwksJson');
    }
    expect(world.do(world.push([RSA_KEY, { kty: 'OKP', kid: 'o' }])).answer).toMatchObject({
      warnings: [expect.stringContaining('OKP')],
    });
  });

  it('is nothing to a provider with discovery', () => {
    const world = new World({
      kubernetes: { clusterUri: 'https://one.example.com', issuerUri: 'https://one.example.com' },
    });
    expect(world.refuse(world.push([RSA_KEY]))).toMatchObject({ tag: 'failed_precondition' });
  });

  it('ends when an administrator uploads, and stays when he changes something else', () => {
    const world = new World();
    world.do(world.push([RSA_KEY, EC_KEY]));
    const { keys, keysExpireAtSeconds } = world.provider();
    world.do({ type: 'provider.patch', ...ID, input: {}, mask: ['description'] });
    expect(world.provider()).toMatchObject({ keySource: 'pushed', keys, keysExpireAtSeconds });
    const input = { kubernetes: { jwksJson: jwks(EC_KEY) } };
    world.do({ type: 'provider.patch', ...ID, input, mask: ['jwksJson'] });
    expect(world.provider().keySource).toBe('uploaded');
    expect(world.provider()).not.toHaveProperty('keysExpireAtSeconds');
  });
});

describe('a new key is on hold', () => {
  const HELD: ProviderInput = { ...CLUSTER, newKeyHold: '600s' };
  const first = Date.UTC(2026, 1, 1) / 1_000;

  it('from its first push on, whatever is pushed meanwhile; the keys before it are not', () => {
    const world = new World(HELD);
    world.do(world.push([RSA_KEY, EC_KEY]), at('2026-02-01T00:00:00.000Z'));
    world.do(world.push([RSA_KEY, { ...EC_KEY, kid: 'renamed' }]), at('2026-02-01T00:05:00.000Z'));
    expect(world.key('renamed').trustedFromSeconds).toBe(first + 600);
    expect(world.key('rsa-1')).not.toHaveProperty('trustedFromSeconds');
  });

  it('and is none to go on from until then', () => {
    const world = new World(HELD);
    world.do(world.push([RSA_KEY, EC_KEY]), at('2026-02-01T00:00:00.000Z'));
    expect(fieldsOf(world.refuse(world.push([EC_KEY]), at('2026-02-01T00:09:59.000Z')))).toEqual(['jwksJson']);
    world.do(world.push([EC_KEY]), at('2026-02-01T00:10:00.000Z'));
    expect(world.kids()).toEqual(['ec-1']);
  });

  it('anew when it was taken away and comes again', () => {
    const world = new World(HELD);
    world.do(world.push([RSA_KEY, EC_KEY]), at('2026-02-01T00:00:00.000Z'));
    world.do(world.push([RSA_KEY]), at('2026-02-01T00:05:00.000Z'));
    world.do(world.push([RSA_KEY, EC_KEY]), at('2026-02-01T00:20:00.000Z'));
    expect(world.key('ec-1').trustedFromSeconds).toBe(first + 1_200 + 600);
  });
});

describe('whatever is pushed, distrusted and patched in whatever order', () => {
  const KEYS = [RSA_KEY, EC_KEY, RSA_2, { ...EC_KEY, kid: 'ec-2' }];
  const step = fc.oneof(
    fc.record({
      what: fc.constant('push' as const),
      of: fc.subarray(KEYS),
      seconds: fc.integer({ min: 0, max: 2_000 }),
    }),
    fc.record({
      what: fc.constant('distrust' as const),
      of: fc.subarray(KEYS, { maxLength: 1 }),
      seconds: fc.constant(0),
    }),
    fc.record({ what: fc.constant('upload' as const), of: fc.subarray(KEYS), seconds: fc.constant(0) }),
  );

  it('an accepted push keeps a key that verified before it, and no distrusted one ever comes in', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const world = new World({ ...CLUSTER, newKeyHold: '600s', pushedKeysMaxAge: '3600s' });
        let now = Date.UTC(2026, 1, 1) / 1_000;
        for (const { what, of, seconds } of steps) {
          now += seconds;
          const context = at(new Date(now * 1_000).toISOString());
          const before = world.provider();
          const verifying = before.keys.filter(
            (key) =>
              !before.distrustedThumbprints.includes(key.thumbprint) &&
              (key.trustedFromSeconds ?? 0) <= now &&
              (before.keysExpireAtSeconds ?? now + 1) > now,
          );
          if (what === 'push' && world.try(world.push(of), context).ok) {
            const after = world.provider().keys.map((key) => key.thumbprint);
            expect(verifying.some((key) => after.includes(key.thumbprint))).toBe(true);
            expect(after.some((thumbprint) => before.distrustedThumbprints.includes(thumbprint))).toBe(false);
            for (const key of world.provider().keys) {
              const isOld = before.keys.some(({ thumbprint }) => thumbprint === key.thumbprint);
              if (!isOld) expect(key.trustedFromSeconds).toBe(now + 600);
            }
          } else if (what === 'upload') {
            const input = { kubernetes: { jwksJson: jwks(...of) } };
            world.try({ type: 'provider.patch', ...ID, input, mask: ['jwksJson'] }, context);
          } else if (what === 'distrust') {
            const known = before.keys.find((key) => key.kid === of[0]?.kid);
            if (known !== undefined)
              world.do({ type: 'provider.distrustKey', ...ID, thumbprint: known.thumbprint }, context);
          }
          expect(world.provider().distrustedThumbprints).toEqual(
            expect.arrayContaining([...before.distrustedThumbprints]),
          );
        }
      }),
      { numRuns: 150 },
    );
  });
});
