/** Several clusters in one pool: bindings under which it does not matter which of them a workload runs in. */
import { isResource, type Resource } from '../../client/administration.ts';
import { mixesClusters, type PoolOfProject } from '../../core/admin/lint/clusters-apart.ts';
import { shortName } from '../references.ts';
import { good, type Finding } from './finding.ts';

export interface PolicyOf {
  readonly resource: string;
  readonly policy: Resource;
}

/** One cluster alone mixes nothing; the second one inherits whatever the first was granted by names that both have. */
export function clusterFindings(
  pool: PoolOfProject,
  providers: readonly Resource[],
  policies: readonly PolicyOf[],
): readonly Finding[] {
  const clusters = providers.filter(({ kubernetes, state }) => kubernetes !== undefined && state !== 'DELETED');
  if (clusters.length < 2) return [];
  const names = clusters.map(({ name }) => shortName(name)).join(', ');
  const mixing = policies.flatMap(({ resource, policy }) => {
    const { bindings } = policy;
    return (Array.isArray(bindings) ? bindings : []).flatMap((binding: unknown, index) =>
      isBinding(binding) && mixesClusters(binding, pool) ? [`${resource} bindings[${index}] (${binding.role})`] : [],
    );
  });
  if (mixing.length === 0) return [good('clusters-apart', `${pool.poolId}: bindings tell ${names} apart`)];
  return mixing.map((place) => ({
    check: 'clusters-not-apart',
    status: 'warning',
    on: pool.poolId,
    message: `${place} lets a ServiceAccount in by its name, whichever of ${names} it runs in`,
    fix: [
      'Bind principalSet://…/kubernetes.cluster/CLUSTER_URI instead, or add the condition request.workload.cluster == "CLUSTER_URI"',
      'If the clusters are meant to be one (sameness), leave it',
    ],
  }));
}

function isBinding(value: unknown): value is {
  readonly role: string;
  readonly members: readonly string[];
  readonly condition?: { expression: string };
} {
  if (!isResource(value)) return false;
  const { role, members, condition } = value;
  const isConditional =
    condition === undefined || (isResource(condition) && typeof condition['expression'] === 'string');
  return typeof role === 'string' && Array.isArray(members) && isConditional;
}
