/** Does a workload that exchanged its token still stand? Its own project's Registry says; who cannot ask lets nobody in. */
import type { WorkloadIdentity } from '../core/admin/caller.ts';
import type { AdminDenial } from '../core/admin/denial.ts';
import { projectRegistryName } from './object-names.ts';
import type { Registry } from './registry/object.ts';
import { within } from './within.ts';

const PATIENCE_MS = 5_000;

/** Rejects where nobody answers. */
export async function standsAtHome(
  registry: DurableObjectNamespace<Registry>,
  identity: WorkloadIdentity,
): Promise<boolean> {
  const home = registry.getByName(projectRegistryName(identity.principal.provider.projectNumber));
  return within(PATIENCE_MS, home.stands(identity));
}

export const DIRECTORY_AWAY: AdminDenial = {
  tag: 'unavailable',
  dependency: 'directory',
  description: 'What you may do could not be found out. Nothing was changed; try again.',
};
