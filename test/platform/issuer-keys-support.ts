/** An issuer on a wire of ours, with real keys and every bad habit that the tests give it; and an IssuerKeys object that asks it. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import type { ProviderName } from '../../src/core/names.ts';
import type { Provider } from '../../src/core/resources.ts';
import type { Fetch } from '../../src/platform/bounded-fetch.ts';
import { issuerKeysName } from '../../src/platform/issuer-keys/discovered.ts';
import type { IssuerKeys } from '../../src/platform/issuer-keys/object.ts';
import { createIssuer, type Issuer } from '../support/issuer.ts';

export type IssuerKeysStub = DurableObjectStub<IssuerKeys>;

type Answer = () => Response | Promise<Response>;

export interface FakeIssuer {
  readonly issuerUri: string;
  /** Every request that left, whatever became of it. */
  readonly requests: { readonly url: string; readonly atMs: number }[];
  /** Published at `jwksUri`; may be replaced, as may the answers themselves. */
  jwks: unknown;
  jwksUri: string;
  cacheControl: string;
  discovery: Answer;
  keys: Answer;
  readonly fetch: Fetch;
  /** What it has until the test says otherwise. */
  readonly behave: () => void;
}

function fakeIssuer(issuerUri: string, jwks: unknown, nowMs: () => number): FakeIssuer {
  const base = issuerUri.replace(/\/$/, '');
  const issuer: FakeIssuer = {
    issuerUri,
    requests: [],
    jwks,
    jwksUri: `${base}/keys`,
    cacheControl: 'public, max-age=3600',
    discovery: answerDiscovery,
    keys: answerKeys,
    behave() {
      issuer.discovery = answerDiscovery;
      issuer.keys = answerKeys;
    },
    async fetch(url, init) {
      issuer.requests.push({ url, atMs: nowMs() });
      // The runtime's own judge of what it would be asked to send.
      const request = new Request(url, init);
      const sent = Object.fromEntries(request.headers);
      delete sent['cache-control'];
      delete sent['pragma'];
      if (JSON.stringify(sent) !== '{"accept":"application/json"}' || request.redirect !== 'manual') {
        throw new Error(`an issuer is not to be sent ${JSON.stringify(sent)}, or to redirect`);
      }
      if (url === `${base}/.well-known/openid-configuration`) return issuer.discovery();
      return url === issuer.jwksUri ? issuer.keys() : new Response('not found', { status: 404 });
    },
  };
  return issuer;

  function answerDiscovery(): Response {
    return Response.json({ issuer: issuerUri, jwks_uri: issuer.jwksUri, response_types_supported: ['id_token'] });
  }

  function answerKeys(): Response {
    const headers = { 'content-type': 'application/jwk-set+json', 'cache-control': issuer.cacheControl };
    return new Response(JSON.stringify(issuer.jwks), { headers });
  }
}

export interface World {
  readonly clock: { nowMs: number };
  readonly name: ProviderName;
  readonly objectName: string;
  readonly object: IssuerKeysStub;
  readonly issuer: FakeIssuer;
  /** The first key that the issuer publishes. */
  readonly key: Issuer;
  /** What the Registry answers; it may be taken away, or throw. */
  registry: { provider: Provider | undefined; isPoolGone: boolean; isAway: boolean };
  /** Clock, issuer and Registry again, for an instance that came anew. */
  readonly connect: () => Promise<void>;
}

let lastNumber = 800_000;

export async function discoveryWorld(change: Partial<Provider> = {}): Promise<World> {
  const name = { projectNumber: String((lastNumber += 1)), poolId: 'pool-one', providerId: 'cluster-one' };
  const clock = { nowMs: Date.now() };
  const key = await createIssuer();
  const issuerUri = change.issuerUri ?? 'https://issuer.example/id/1';
  const issuer = fakeIssuer(issuerUri, { keys: [key.publicJwk] }, () => clock.nowMs);
  const registry: World['registry'] = {
    provider: aProvider({ issuerUri, ...change }),
    isPoolGone: false,
    isAway: false,
  };
  const objectName = issuerKeysName(name);
  const object = env.ISSUER_KEYS.getByName(objectName);
  await connect();
  return { clock, name, objectName, object, issuer, key, registry, connect };

  async function connect(): Promise<void> {
    await runInDurableObject(object, (instance: IssuerKeys) => {
      instance.clock = () => clock.nowMs;
      instance.fetcher = issuer.fetch;
    });
    await withEnv(object, { REGISTRY: { getByName: () => ({ shard }) } });
  }

  async function shard(shardKey: string) {
    if (registry.isAway) throw new Error('the Registry is away');
    const { projectNumber, poolId, providerId } = name;
    if (shardKey === `pool:${projectNumber}/${poolId}`)
      return { epoch: 1, value: registry.isPoolGone ? null : { pool: {} } };
    const isThere = shardKey === `provider:${projectNumber}/${poolId}/${providerId}` && registry.provider !== undefined;
    return { epoch: 1, value: isThere ? { provider: registry.provider } : null };
  }
}

/** A world whose object has fetched once, and whose cool-down is over. */
export async function settled(change: Partial<Provider> = {}): Promise<World> {
  const world = await discoveryWorld(change);
  expect(await kids(world.object)).toBeUndefined();
  await world.object.keys();
  expect(await kids(world.object)).toEqual([world.key.kid]);
  world.clock.nowMs += 31_000;
  world.issuer.requests.length = 0;
  return world;
}

export async function withEnv(object: IssuerKeysStub, changes: object): Promise<void> {
  await runInDurableObject(object, (instance) => {
    Reflect.set(instance, 'env', { ...Reflect.get(instance, 'env'), ...changes });
  });
}

export function aProvider(change: Partial<Provider>): Provider {
  return {
    poolId: 'pool-one',
    providerId: 'cluster-one',
    uid: 'uid-1',
    kind: 'oidc',
    issuerUri: 'https://issuer.example/id/1',
    allowedAudiences: [],
    keySource: 'discovery',
    jwksJson: '',
    keys: [],
    keysUpdateTime: '',
    distrustedThumbprints: [],
    allowedJwksHosts: [],
    maxStaleSeconds: 86_400,
    pushedKeysMaxAgeSeconds: 604_800,
    newKeyHoldSeconds: 0,
    singleUse: false,
    attributeMapping: { 'google.subject': 'assertion.sub' },
    attributeCondition: '',
    allowedAlgorithms: ['RS256', 'ES256'],
    maxTokenLifetimeSeconds: 86_400,
    disabled: false,
    displayName: '',
    description: '',
    createTime: '2026-01-01T00:00:00.000Z',
    updateTime: '2026-01-01T00:00:00.000Z',
    ...change,
  };
}

/** The kids that the object holds now. */
export async function kids(object: IssuerKeysStub): Promise<readonly string[] | undefined> {
  return (await object.status())?.keys.map((key) => key.kid);
}

export async function alarmAtMs(object: IssuerKeysStub): Promise<number | null> {
  return runInDurableObject(object, (_instance, state) => state.storage.getAlarm());
}

export async function tables(object: IssuerKeysStub): Promise<readonly unknown[]> {
  return runInDurableObject(object, (_instance, state) =>
    state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_%' ESCAPE '\\'").toArray(),
  );
}

/** The most requests that any span of 30 s saw. */
export function mostIn30Seconds(requests: readonly { readonly atMs: number }[]): number {
  const counts = requests.map(({ atMs }) => requests.filter((r) => r.atMs >= atMs && r.atMs < atMs + 30_000).length);
  return Math.max(0, ...counts);
}
