/** Keys that are never trusted again, and workloads that are refused until a time. */
import { describe, expect, it } from 'vitest';
import { bytes, CLUSTER, EC_KEY, jwks, OIDC, RSA_KEY } from '../../support/admin-samples.ts';
import { Administered, fieldsOf, sentencesOf } from '../../support/administer.ts';

const ID = { poolId: 'my-pool', providerId: 'provider-1' };
const distrust = (thumbprint: string) => ({ type: 'provider.distrustKey', ...ID, thumbprint }) as const;
const deny = (uids: readonly string[], until: string, poolId = 'my-pool') =>
  ({ type: 'pool.denyUids', poolId, uids, until }) as const;

function made(input: object = CLUSTER): Administered {
  const project = new Administered();
  project.do({ type: 'pool.create', poolId: 'my-pool', input: {} });
  project.do({ type: 'provider.create', ...ID, input });
  return project;
}

const providerOf = (project: Administered) => project.state.provider('my-pool', 'provider-1');
const thumbprintIn = (project: Administered): string => providerOf(project)?.keys[0]?.thumbprint ?? '';

describe('provider.distrustKey', () => {
  it('writes the thumbprint down, for the shard at the edge and for whoever watches', () => {
    const project = made();
    const thumbprint = thumbprintIn(project);
    const applied = project.do(distrust(thumbprint));
    expect(providerOf(project)?.distrustedThumbprints).toEqual([thumbprint]);
    expect(applied.shards).toEqual(['provider:100000000001/my-pool/provider-1']);
    expect(applied.alert).toMatchObject({ addedThumbprints: [], removedThumbprints: [thumbprint] });
    expect(applied.answer).toMatchObject({ warnings: [expect.stringContaining('No trusted key is left')] });
  });

  it('again is nothing new', () => {
    const project = made();
    project.do(distrust(bytes(32)));
    const again = project.do(distrust(bytes(32)));
    expect(again).toMatchObject({ writes: [], shards: [] });
    expect(again.alert).toBeUndefined();
    expect(providerOf(project)?.distrustedThumbprints).toEqual([bytes(32)]);
  });

  it.each(['', 'abc', bytes(31), bytes(33), `${bytes(32)}=`, `${bytes(32).slice(0, -1)}B`, `${bytes(32).slice(1)}+`])(
    'refuses %j',
    (thumbprint) => {
      expect(fieldsOf(made().refuse(distrust(thumbprint)))).toEqual(['thumbprint']);
    },
  );

  it('refuses what is not there, and the thousand-and-first', () => {
    expect(new Administered().refuse(distrust(bytes(32)))).toMatchObject({ tag: 'not_found' });
    const project = made();
    const provider = providerOf(project);
    if (provider === undefined) throw new Error('no provider');
    const distrustedThumbprints = Array.from({ length: 1_000 }, (_, index) => `t${index}`);
    project.state.commit([{ put: 'provider', provider: { ...provider, distrustedThumbprints } }]);
    expect(project.refuse(distrust(bytes(32)))).toMatchObject({ tag: 'failed_precondition' });
  });

  it('holds for every source of keys, and survives every patch', () => {
    const discovered = {
      oidc: { issuerUri: 'https://issuer.example.com' },
      attributeMapping: OIDC.attributeMapping,
    };
    const project = made(discovered);
    project.do(distrust(bytes(32)));
    const patch = (input: object, ...mask: string[]) => ({ type: 'provider.patch', ...ID, input, mask }) as const;
    project.do(patch({ oidc: { jwksJson: jwks(EC_KEY) } }, 'jwksJson'));
    project.do(patch(discovered, '*'));
    project.do(patch({}, 'displayName'));
    expect(providerOf(project)).toMatchObject({ keySource: 'discovery', distrustedThumbprints: [bytes(32)] });
  });

  it('keeps the key from being uploaded again, under any name', () => {
    const project = made();
    project.do(distrust(thumbprintIn(project)));
    const jwksJson = jwks(EC_KEY, { ...RSA_KEY, kid: 'innocent', use: 'sig' });
    const back = { type: 'provider.patch', ...ID, input: { kubernetes: { jwksJson } }, mask: ['jwksJson'] } as const;
    expect(sentencesOf(project.refuse(back))).toBe(
      'kubernetes.jwksJson: holds the key "innocent", which is distrusted',
    );
    // What is there with the key already can still be changed.
    project.do({ type: 'provider.patch', ...ID, input: { disabled: true }, mask: ['disabled'] });
  });
});

describe('pool.denyUids', () => {
  const seconds = (time: string): number => Date.parse(time) / 1_000;
  const deniedIn = (project: Administered) => project.state.pool('my-pool')?.deniedUids;

  it('denies until the time, which a second call moves and a past one lifts', () => {
    const project = made();
    const applied = project.do(deny(['uid-a', 'uid-b', 'uid-a'], '2026-01-02T00:00:00Z'));
    expect(applied.shards).toEqual(['pool:100000000001/my-pool']);
    const until = seconds('2026-01-02T00:00:00Z');
    expect(deniedIn(project)).toEqual([
      { uid: 'uid-a', untilSeconds: until },
      { uid: 'uid-b', untilSeconds: until },
    ]);
    project.do(deny(['uid-a'], '2026-01-01T12:00:00.5+02:00'));
    expect(deniedIn(project)).toEqual([
      { uid: 'uid-b', untilSeconds: until },
      { uid: 'uid-a', untilSeconds: seconds('2026-01-01T10:00:01Z') },
    ]);
    project.do(deny(['uid-b', 'unknown'], '2025-12-31T00:00:00Z'));
    expect(deniedIn(project)).toEqual([{ uid: 'uid-a', untilSeconds: seconds('2026-01-01T10:00:01Z') }]);
  });

  it('forgets what has run out when it is written', () => {
    const project = made();
    project.do(deny(['uid-a'], '2026-01-02T00:00:00Z'));
    project.do(deny(['uid-b'], '2026-01-03T00:00:00Z'), { time: '2026-01-02T00:00:00.000Z' });
    expect(deniedIn(project)?.map(({ uid }) => uid)).toEqual(['uid-b']);
  });

  it('survives a patch of the pool', () => {
    const project = made();
    project.do(deny(['uid-a'], '2026-01-02T00:00:00Z'));
    project.do({ type: 'pool.patch', poolId: 'my-pool', input: {}, mask: ['*'] });
    expect(deniedIn(project)).toHaveLength(1);
  });

  it.each([
    [[], '2026-01-02T00:00:00Z', 'uids'],
    [Array.from({ length: 101 }, (_, index) => `uid-${index}`), '2026-01-02T00:00:00Z', 'uids'],
    [['ok', ''], '2026-01-02T00:00:00Z', 'uids[1]'],
    [['a b'], '2026-01-02T00:00:00Z', 'uids[0]'],
    [['x'.repeat(129)], '2026-01-02T00:00:00Z', 'uids[0]'],
    [['ok'], '', 'until'],
    [['ok'], 'tomorrow', 'until'],
    [['ok'], '2026-01-02', 'until'],
    [['ok'], '2026-01-02 00:00:00Z', 'until'],
    [['ok'], '2026-01-02T00:00:00', 'until'],
    [['ok'], '2026-02-30T00:00:00Z', 'until'],
    [['ok'], '2026-01-02T25:00:00Z', 'until'],
    [['ok'], '2026-02-01T00:00:00Z', 'until'],
    [['ok'], '9999-12-31T23:59:59Z', 'until'],
  ])('refuses %j until %j', (uids, until, field) => {
    expect(fieldsOf(made().refuse(deny(uids, until)))).toEqual([field]);
  });

  it('takes no more than a thousand that are alive', () => {
    const project = made();
    const hundred = (first: number) => Array.from({ length: 100 }, (_, index) => `uid-${first + index}`);
    for (let first = 0; first < 1_000; first += 100) project.do(deny(hundred(first), '2026-01-02T00:00:00Z'));
    expect(project.refuse(deny(['one-more'], '2026-01-02T00:00:00Z'))).toMatchObject({ tag: 'failed_precondition' });
    project.do(deny(['uid-7'], '2026-01-03T00:00:00Z'));
    project.do(deny(['one-more'], '2026-01-03T00:00:00Z'), { time: '2026-01-02T00:00:00.000Z' });
    expect(deniedIn(project)).toHaveLength(2);
    expect(new Administered().refuse(deny(['a'], '2026-01-02T00:00:00Z'))).toMatchObject({ tag: 'not_found' });
  });
});
