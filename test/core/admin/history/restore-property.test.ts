/** Random histories: what is compared is what differs, and what is restored is what was, but for what must never come back. The oracle keeps whole states. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { differences } from '../../../../src/core/admin/history/compare.ts';
import type { Command } from '../../../../src/core/admin/commands.ts';
import type { Provider } from '../../../../src/core/resources.ts';
import { thumbprintOf } from '../../../../src/platform/thumbprint.ts';
import { EC_KEY, jwks, POINTS } from '../../../support/admin-samples.ts';
import { Administered } from '../../../support/administer.ts';

const POOLS = ['pool-a', 'pool-b'];
const PROVIDERS = ['prov-1', 'prov-2'];
const TARGETS = ['files', 'mail'];
const ROLES = ['reader', 'writer'];
const KEYS = [
  EC_KEY,
  { ...EC_KEY, kid: 'ec-2', crv: 'P-384', ...POINTS['P-384'] },
  { ...EC_KEY, kid: 'ec-3', crv: 'P-521', ...POINTS['P-521'] },
];
const SETS = [[0], [1], [0, 1], [1, 2], [2]].map((set) => jwks(...set.map((index) => KEYS[index])));
const THUMBPRINTS = KEYS.map((key) => thumbprintOf({ ...key, kty: 'EC' }));
const PAGE = { pageSize: 100, after: '' };

const pool = fc.constantFrom(...POOLS);
const provider = fc.record({ poolId: pool, providerId: fc.constantFrom(...PROVIDERS) });
const targetId = fc.constantFrom(...TARGETS);
const roleId = fc.constantFrom(...ROLES);
const word = fc.constantFrom('', 'one', 'two', 'three');
const uri = fc.constantFrom('https://a.example.com', 'https://b.example.com', 'https://c.example.com');
const permissions = fc.subarray(['files.read', 'files.write', 'mail.send']);
const attachment = fc.oneof(
  fc.constant({ kind: 'project' } as const),
  targetId.map((id) => ({ kind: 'target', targetId: id }) as const),
);
const resource = fc.oneof(
  attachment,
  pool.map((poolId) => ({ kind: 'pool', poolId }) as const),
);
const binding = fc.record({
  role: fc.oneof(
    roleId.map((id) => `projects/demo/roles/${id}`),
    fc.constant('roles/iam.securityReviewer'),
  ),
  members: fc.subarray(['user:ada@example.com', 'user:bob@example.com'], { minLength: 1 }),
});
const rules = fc
  .subarray(['files.read', 'mail.send'], { minLength: 1 })
  .map((deniedPermissions) => [
    { denyRule: { deniedPrincipals: ['principalSet://goog/public:all'], deniedPermissions } },
  ]);

const fieldsOfProvider = fc
  .record({ set: fc.constantFrom(...SETS), condition: fc.constantFrom('', 'true', '1 < 2'), displayName: word })
  .map(({ set, condition, displayName }) => ({
    oidc: { issuerUri: 'https://issuer.example.com', jwksJson: set },
    attributeMapping: { 'google.subject': 'assertion.sub' },
    attributeCondition: condition,
    displayName,
    allowedAlgorithms: ['ES256', 'ES384', 'ES512'],
  }));

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('pool.create'), poolId: pool, input: fc.record({ displayName: word }) }),
  },
  fc.record({ type: fc.constantFrom('pool.delete', 'pool.undelete'), poolId: pool }),
  fc.record({
    type: fc.constant('pool.patch'),
    poolId: pool,
    input: fc.record({ displayName: word, disabled: fc.boolean() }),
    mask: fc.constant(['displayName', 'disabled']),
  }),
  fc.record({
    type: fc.constant('pool.denyUids'),
    poolId: pool,
    uids: fc.subarray(['u-1', 'u-2'], { minLength: 1 }),
    until: fc.constant('2026-01-20T00:00:00Z'),
  }),
  {
    weight: 3,
    arbitrary: fc.tuple(provider, fieldsOfProvider).map(([id, input]) => ({ type: 'provider.create', ...id, input })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(provider, fieldsOfProvider)
      .map(([id, input]) => ({ type: 'provider.patch', ...id, input, mask: ['*'] })),
  },
  fc.tuple(provider, fc.constantFrom('provider.delete', 'provider.undelete')).map(([id, type]) => ({ type, ...id })),
  fc
    .tuple(provider, fc.constantFrom(...THUMBPRINTS))
    .map(([id, thumbprint]) => ({ type: 'provider.distrustKey', ...id, thumbprint })),
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('target.create'),
      targetId,
      input: fc.record({ uri, displayName: word }),
    }),
  },
  fc.record({
    type: fc.constant('target.patch'),
    targetId,
    input: fc.record({ uri, displayName: word, tags: fc.constantFrom({}, { env: 'prod' }) }),
    mask: fc.subarray(['uri', 'displayName', 'tags']),
  }),
  fc.record({ type: fc.constant('target.delete'), targetId }),
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('role.create'),
      roleId,
      input: fc.record({ title: word, includedPermissions: permissions }),
    }),
  },
  fc.record({
    type: fc.constant('role.patch'),
    roleId,
    input: fc.record({ title: word, includedPermissions: permissions }),
    mask: fc.constant(['*']),
  }),
  fc.record({ type: fc.constant('role.delete'), roleId }),
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('policy.set'),
      resource,
      policy: fc.record({ bindings: fc.array(binding, { maxLength: 2 }) }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constantFrom('denyPolicy.create', 'denyPolicy.update'),
      attachment,
      policyId: fc.constantFrom('no-files', 'no-mail'),
      input: fc.record({ displayName: word, rules }),
    }),
  },
  fc.record({ type: fc.constant('denyPolicy.delete'), attachment, policyId: fc.constantFrom('no-files', 'no-mail') }),
  fc.record({
    type: fc.constant('project.patch'),
    input: fc.record({
      displayName: word,
      tokenExchangesPerMinute: fc.constantFrom(100, 5_000, 9_000),
      recentExchangesRetention: fc.constantFrom('0s', '3600s'),
    }),
    mask: fc.subarray(['displayName', 'tokenExchangesPerMinute', 'recentExchangesRetention']),
  }),
) as fc.Arbitrary<Command>;

/** Everything that can be seen, without names, numbers and times that only the moment of a write decides. */
function seen({ state }: Administered): Record<string, unknown> {
  const all: Record<string, unknown> = {};
  const { displayName, recentExchangesRetentionSeconds } = state.project();
  all['project'] = { displayName, recentExchangesRetentionSeconds };
  const places = [{ kind: 'project' } as const, ...TARGETS.map((id) => ({ kind: 'target', targetId: id }) as const)];
  for (const one of state.pools(PAGE)) {
    all[`pool ${one.poolId}`] = { displayName: one.displayName, disabled: one.disabled };
    all[`policy of ${one.poolId}`] = state.policy({ kind: 'pool', poolId: one.poolId })?.bindings ?? [];
    for (const { uid: _uid, createTime: _c, updateTime: _u, keys: _k, keysUpdateTime: _t, ...row } of state.providers(
      one.poolId,
      PAGE,
    ))
      all[`provider ${one.poolId}/${row.providerId}`] = row;
  }
  for (const { uid: _uid, createTime: _c, updateTime: _u, version: _v, ...row } of state.targets(PAGE)) {
    all[`target ${row.targetId}`] = row;
    all[`policy of ${row.targetId}`] = state.policy({ kind: 'target', targetId: row.targetId })?.bindings ?? [];
  }
  for (const { createTime: _c, updateTime: _u, version: _v, ...row } of state.roles(PAGE))
    all[`role ${row.roleId}`] = row;
  for (const place of places)
    for (const { uid: _uid, createTime: _c, updateTime: _u, version: _v, ...row } of state.denyPolicies(place, PAGE))
      all[`denial ${JSON.stringify(place)} ${row.policyId}`] = row;
  all['policy'] = state.policy({ kind: 'project' })?.bindings ?? [];
  return all;
}

type Keys = Pick<Provider, 'jwksJson' | 'distrustedThumbprints'>;

/** What is distrusted now stays so, and its key does not come back; where no other is left, the keys of now stay. */
function withoutDistrusted(then: Keys, now: Keys): Keys {
  const { distrustedThumbprints } = now;
  if (now.jwksJson === then.jwksJson) return { ...then, distrustedThumbprints };
  const { keys }: { keys: { crv: string }[] } = JSON.parse(then.jwksJson);
  const left = keys.filter((key) => {
    const index = KEYS.findIndex(({ crv }) => crv === key.crv);
    return !distrustedThumbprints.includes(THUMBPRINTS[index] ?? '');
  });
  const jwksJson = left.length === 0 ? now.jwksJson : JSON.stringify({ keys: left });
  return { ...then, jwksJson, distrustedThumbprints };
}

function wanted(then: Record<string, unknown>, project: Administered): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(then).map(([name, value]) => {
      if (!name.startsWith('provider ')) return [name, value];
      const [poolId = '', providerId = ''] = name.slice('provider '.length).split('/');
      const now = project.state.provider(poolId, providerId) ?? project.state.deletedProvider(poolId, providerId);
      return [name, now === undefined ? value : withoutDistrusted(value as Keys, now)];
    }),
  );
}

/** Two targets that took each other's place: neither uri is free for the other. */
function exchangedUris(then: Record<string, unknown>, now: Record<string, unknown>): boolean {
  const uriOf = (all: Record<string, unknown>, id: string) => (all[`target ${id}`] as { uri: string } | undefined)?.uri;
  return uriOf(then, 'files') === uriOf(now, 'mail') && uriOf(then, 'mail') === uriOf(now, 'files');
}

function sorted(all: Record<string, unknown>): string {
  return JSON.stringify(
    Object.entries(all).toSorted(([one], [other]) => (one < other ? -1 : 1)),
    null,
    1,
  );
}

const many = { numRuns: 300 };

describe('a random history', () => {
  it('restored to any of its states is that state, but for what must never come back', () => {
    let restored = 0;
    fc.assert(
      fc.property(fc.array(command, { minLength: 5, maxLength: 40 }), fc.nat(), (commands, pick) => {
        const project = new Administered();
        const states = [{ sequence: project.state.entries.length, was: seen(project) }];
        for (const one of commands) {
          if (!project.try(one).ok) continue;
          states.push({ sequence: project.state.entries.length, was: seen(project) });
        }
        const { sequence, was } = states[pick % states.length] ?? { sequence: 0, was: {} };
        const expected = wanted(was, project);
        const [limit, denied, now] = [project.state.project().tokenExchangesPerMinute, denials(project), seen(project)];
        const answer = project.try({ type: 'history.restore', sequence, validateOnly: false });
        if (!answer.ok) {
          expect(answer.error.tag).toBe('already_exists');
          expect(exchangedUris(was, now)).toBe(true);
          return;
        }
        restored += 1;
        expect(seen(project)).toEqual(expected);
        expect(project.state.project().tokenExchangesPerMinute).toBe(limit);
        expect(denials(project)).toBe(denied);
      }),
      many,
    );
    expect(restored).toBeGreaterThan(250);
  });

  it('tells between any two of its states exactly the rows that differ', () => {
    fc.assert(
      fc.property(fc.array(command, { minLength: 5, maxLength: 40 }), fc.nat(), fc.nat(), (commands, one, other) => {
        const project = new Administered();
        const epochs: { epoch: number; rows: ReadonlyMap<string, string | null> }[] = [];
        const note = (): void => {
          const rows = new Map(NAMES.map((name) => [name, project.state.bodyOf(name)] as const));
          epochs.push({ epoch: project.state.entries.at(-1)?.epoch ?? 0, rows });
        };
        note();
        for (const each of commands) if (project.try(each).ok) note();
        const [from, to] = [one % epochs.length, other % epochs.length].toSorted((a, b) => a - b);
        const [a, b] = [epochs[from ?? 0], epochs[to ?? 0]];
        if (a === undefined || b === undefined) throw new Error('no states');
        const between = project.state.entries.filter(({ epoch }) => epoch > a.epoch && epoch <= b.epoch);
        const told = new Map(differences(between).map((difference) => [difference.resource, difference]));
        for (const name of NAMES) {
          const [before, after] = [a.rows.get(name) ?? null, b.rows.get(name) ?? null];
          if (before === after) expect(told.has(name)).toBe(false);
          else expect(told.get(name)).toEqual({ resource: name, before, after });
        }
      }),
      many,
    );
  });

  it('tried only is not changed', () => {
    fc.assert(
      fc.property(fc.array(command, { minLength: 5, maxLength: 30 }), fc.nat(), (commands, pick) => {
        const project = new Administered();
        for (const one of commands) project.try(one);
        const { entries } = project.state;
        const [before, length] = [sorted(seen(project)), entries.length];
        project.try({ type: 'history.restore', sequence: 1 + (pick % length), validateOnly: true });
        expect(sorted(seen(project))).toBe(before);
        expect(entries).toHaveLength(length);
      }),
      { numRuns: 100 },
    );
  });
});

const NAMES = [
  'project',
  'policy/project',
  'denyPolicy/project/no-files',
  'denyPolicy/project/no-mail',
  ...POOLS.flatMap((id) => [`pool/${id}`, `policy/pool/${id}`, ...PROVIDERS.map((one) => `provider/${id}/${one}`)]),
  ...ROLES.map((id) => `role/${id}`),
  ...TARGETS.flatMap((id) => [
    `target/${id}`,
    `policy/target/${id}`,
    `denyPolicy/target/${id}/no-files`,
    `denyPolicy/target/${id}/no-mail`,
  ]),
];

function denials({ state }: Administered): string {
  return JSON.stringify(POOLS.map((id) => (state.pool(id) ?? state.deletedPool(id))?.deniedUids ?? []));
}
