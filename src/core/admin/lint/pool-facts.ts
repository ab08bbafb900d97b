/** What the pools of a project could make of a token: read as far as it is asked for, and never farther than a bound. */
import type { Provider } from '../../resources.ts';
import type { ConfigState } from '../state.ts';

export interface PoolFacts {
  /** Undefined: there is no provider yet. */
  readonly kind: Provider['kind'] | undefined;
  /** The rest is read when it is asked for; undefined where the pool is larger than may be read. */
  readonly details: () => PoolDetails | undefined;
}

export interface PoolDetails {
  readonly clusterUris: ReadonlySet<string>;
  /** Keys of the attribute mappings. */
  readonly mapped: ReadonlySet<string>;
}

/** Undefined for a pool that does not exist. */
export type PoolReader = (poolId: string) => PoolFacts | undefined;

const PAGE_SIZE = 100;
/** In all pools together: a policy may name hundreds of them, and a pool may hold thousands of clusters. */
const MAX_PROVIDERS_READ = 2_000;

export function createPoolReader(state: ConfigState): PoolReader {
  const known = new Map<string, PoolFacts | undefined>();
  let left = MAX_PROVIDERS_READ;
  return (poolId) => {
    if (!known.has(poolId)) known.set(poolId, state.pool(poolId) === undefined ? undefined : factsOf(poolId));
    return known.get(poolId);
  };

  function factsOf(poolId: string): PoolFacts {
    // A pool holds one kind only, so one row tells it.
    const [first] = state.providers(poolId, { pageSize: 1, after: '' });
    let details: { readonly read: PoolDetails | undefined } | undefined;
    return {
      kind: first?.kind,
      details: () => {
        details ??= { read: detailsOf(poolId) };
        return details.read;
      },
    };
  }

  function detailsOf(poolId: string): PoolDetails | undefined {
    const clusterUris = new Set<string>();
    const mapped = new Set<string>();
    let after = '';
    for (;;) {
      if (left <= 0) return undefined;
      const page = state.providers(poolId, { pageSize: PAGE_SIZE, after });
      left -= Math.max(1, page.length);
      for (const { clusterUri, attributeMapping } of page) {
        if (clusterUri !== undefined) clusterUris.add(clusterUri);
        for (const key of Object.keys(attributeMapping)) mapped.add(key);
      }
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE_SIZE) return { clusterUris, mapped };
      after = last.providerId;
    }
  }
}
