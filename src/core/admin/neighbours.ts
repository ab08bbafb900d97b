/** Who may be in a pool together: providers of one kind, and each cluster once. */
import { providerName } from '../names.ts';
import type { Pool, Provider } from '../resources.ts';
import { invalid, type AdminDenial } from './denial.ts';
import type { ConfigState } from './state.ts';

export type Neighbour = Pick<Provider, 'poolId' | 'providerId' | 'kind' | 'clusterUri'>;

const SCAN_PAGE_SIZE = 100;

/** The others in the pool, but none that is deleted, page by page and without their keys: a pool may hold thousands of clusters. */
export function neighboursIn(state: ConfigState, poolId: string): readonly Neighbour[] {
  const neighbours: Neighbour[] = [];
  let after = '';
  for (;;) {
    const page = state.providers(poolId, { pageSize: SCAN_PAGE_SIZE, after });
    for (const { providerId, kind, clusterUri } of page) {
      neighbours.push({ poolId, providerId, kind, ...(clusterUri === undefined ? {} : { clusterUri }) });
    }
    const last = page.at(-1);
    if (last === undefined || page.length < SCAN_PAGE_SIZE) return neighbours;
    after = last.providerId;
  }
}

export function misfitIn(
  pool: Pool,
  neighbours: readonly Neighbour[],
  provider: Provider,
  projectNumber: string,
): AdminDenial | undefined {
  if (pool.builtIn && provider.kind !== 'kubernetes') {
    return invalid(provider.kind, `the built-in pool ${pool.poolId} takes only kubernetes providers`);
  }
  // A mapping could spell a cluster's subject, were both kinds in one pool.
  if (neighbours.some((neighbour) => (neighbour.kind === 'kubernetes') !== (provider.kind === 'kubernetes'))) {
    const description = `The pool ${pool.poolId} holds providers of another kind: a pool has either kubernetes providers or others, never both.`;
    return { tag: 'failed_precondition', description };
  }
  const same = neighbours.find(({ clusterUri }) => clusterUri !== undefined && clusterUri === provider.clusterUri);
  if (same === undefined) return undefined;
  const { poolId, providerId } = same;
  return {
    tag: 'already_exists',
    resource: `${providerName({ projectNumber, poolId, providerId })} with the same kubernetes.clusterUri`,
  };
}
