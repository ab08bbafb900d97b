/** Does a workload that exchanged its token, or a service account, still stand? Its own project's Registry says; who cannot ask lets nobody in. */
import { type HomedIdentity, homeOf, type Identity } from '../core/admin/caller.ts';
import type { AdminDenial } from '../core/admin/denial.ts';
import { projectRegistryName } from './object-names.ts';
import type { Registry } from './registry/object.ts';
import { within } from './within.ts';

const PATIENCE_MS = 5_000;

export function isHomed(identity: Identity): identity is HomedIdentity {
  return identity.kind === 'workload' || identity.kind === 'serviceAccount';
}

/** Rejects where nobody answers. */
export async function standsAtHome(
  registry: DurableObjectNamespace<Registry>,
  identity: HomedIdentity,
): Promise<boolean> {
  const home = registry.getByName(projectRegistryName(homeOf(identity)));
  return within(PATIENCE_MS, home.stands(identity));
}

export const DIRECTORY_AWAY: AdminDenial = {
  tag: 'unavailable',
  dependency: 'directory',
  description: 'What you may do could not be found out. Nothing was changed; try again.',
};
