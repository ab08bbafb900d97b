/** IssuerKeys object, one a provider (its name is `PROJECT_NUMBER/POOL/PROVIDER`): the only place in the broker that asks anybody for keys. */
import { DurableObject } from 'cloudflare:workers';
import { shardKey } from '../../core/resources.ts';
import { ok } from '../../core/result.ts';
import { projectRegistryName } from '../object-names.ts';
import { readKeks, readSettings } from '../settings.ts';
import type { Fetch } from '../bounded-fetch.ts';
import { copyKey, sealCopy } from './copy.ts';
import type { DiscoveredKeys, IssuerKeysStatus, KeySetEvent } from './discovered.ts';
import { IssuerKeysKeeper } from './keeper.ts';
import { IssuerKeysStore } from './store.ts';

const ALARM_AFTER_FAULT_MS = 60_000;

export class IssuerKeys extends DurableObject<Env> {
  /** Properties of the instance, which RPC does not reach: no caller can tell this object the time, or where to fetch. */
  clock: () => number = () => Date.now();
  fetcher: Fetch = (url, init) => fetch(url, init);
  readonly #keeper: IssuerKeysKeeper;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#keeper = new IssuerKeysKeeper(new IssuerKeysStore(ctx.storage), {
      name: ctx.id.name ?? '',
      nowMs: () => this.clock(),
      random: () => Math.random(),
      fetch: (url, init) => this.fetcher(url, init),
      rules: () => {
        const settings = readSettings(this.env);
        if (!settings.ok) return settings;
        const { loopbackIssuersAllowed: loopbackAllowed, publicOrigin } = settings.value;
        return ok({ loopbackAllowed, ownHost: new URL(publicOrigin).host });
      },
      findProvider: async ({ projectNumber, poolId, providerId }) => {
        const registry = this.env.REGISTRY.getByName(projectRegistryName(projectNumber));
        const [pool, provider] = await Promise.all([
          registry.shard(shardKey.pool(projectNumber, poolId)),
          registry.shard(shardKey.provider(projectNumber, poolId, providerId)),
        ]);
        // Nobody is let in by a provider whose pool is deleted, so nobody's issuer is asked for its sake.
        if (pool.value === null || provider.value === null) return undefined;
        return 'provider' in provider.value ? provider.value.provider : undefined;
      },
      putCopy: (objectName, found) => this.#putCopy(objectName, found),
      deleteCopy: (objectName) => this.env.CACHE.delete(copyKey(objectName)),
      setAlarm: (atMs) => ctx.storage.setAlarm(atMs),
      deleteAlarm: () => ctx.storage.deleteAlarm(),
      inBackground: (work) => ctx.waitUntil(work),
    });
  }

  /** `issuerUri`, where it is given, is the provider's as the caller knows it: keys of another one are looked for anew. */
  async keys(issuerUri?: string): Promise<DiscoveredKeys | undefined> {
    return this.#keeper.keys(issuerUri);
  }

  async keysAfterUnknownKid(kid: string, issuerUri?: string): Promise<DiscoveredKeys | undefined> {
    return this.#keeper.keysAfterUnknownKid(kid, issuerUri);
  }

  async refresh(): Promise<IssuerKeysStatus | undefined> {
    return this.#keeper.refresh();
  }

  async status(): Promise<IssuerKeysStatus | undefined> {
    return this.#keeper.status();
  }

  /** Newest first. */
  async events(): Promise<readonly KeySetEvent[]> {
    return this.#keeper.events();
  }

  /** The project is gone for good: nobody's keys, nobody's events, and no copy. */
  async destroy(): Promise<void> {
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    await this.env.CACHE.delete(copyKey(this.ctx.id.name ?? ''));
  }

  async ping(): Promise<'pong'> {
    return 'pong';
  }

  /** Never throws: after a few throws the runtime would give up, and the keys would grow stale unseen. */
  override async alarm(): Promise<void> {
    try {
      await this.#keeper.wake();
    } catch {
      // Storage itself failed, so nothing could be written down.
      await this.ctx.storage.setAlarm(Date.now() + ALARM_AFTER_FAULT_MS).catch(() => undefined);
    }
  }

  async #putCopy(objectName: string, found: DiscoveredKeys): Promise<void> {
    const keks = readKeks(this.env);
    if (!keks.ok) throw new Error(keks.error);
    const { text, expirationTtl } = await sealCopy(keks.value, objectName, found, this.clock());
    await this.env.CACHE.put(copyKey(objectName), text, { expirationTtl });
  }
}
