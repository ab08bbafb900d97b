/** What a project's configuration tells whoever watches: its epoch, and how old the keys of its providers are. */
import type { ProviderKeys, RegistryFigures } from '../../core/metrics.ts';
import type { Provider } from '../../core/resources.ts';
import type { ProjectStore } from './project-store.ts';

/** Rows that a scrape reads of one project, in which nothing else is answered. */
const MAX_PROVIDERS = 100;
const MAX_POOLS = 1_000;

export function registryFigures(store: ProjectStore): RegistryFigures {
  const found: Provider[] = [];
  for (const { poolId } of store.pools({ pageSize: MAX_POOLS, after: '' })) {
    found.push(...store.providers(poolId, { pageSize: MAX_PROVIDERS + 1 - found.length, after: '' }));
    if (found.length > MAX_PROVIDERS) break;
  }
  return {
    epoch: store.epoch(),
    providers: found.slice(0, MAX_PROVIDERS).map(keysOf),
    isCut: found.length > MAX_PROVIDERS,
  };
}

function keysOf(provider: Provider): ProviderKeys {
  const { poolId, providerId, keySource, keys, keysUpdateTime, keysExpireAtSeconds } = provider;
  return {
    poolId,
    providerId,
    keySource,
    keyCount: keys.length,
    keysUpdateTime,
    ...(keysExpireAtSeconds === undefined ? {} : { keysExpireAtSeconds }),
  };
}
