/** One wish → the commands that a person would give for it, as things stand now. None: there is nothing to do. */
import type { Provider } from '../../resources.ts';
import type { Command, ProjectInput, ProviderInput } from '../commands.ts';
import type { HistoryResource } from '../history/resource-key.ts';
import { policyResourceExists } from '../policies.ts';
import { RESTORED_PATHS } from '../providers.ts';
import type { ConfigState } from '../state.ts';
import type { DesiredDocument } from './change.ts';

/** `desired` is of the kind of the resource: whoever reads a wish sees to that. */
export function commandsOf(
  state: ConfigState,
  named: HistoryResource,
  desired: DesiredDocument | null,
): readonly Command[] {
  switch (named.kind) {
    case 'project':
      return desired?.kind === 'project' ? [projectCommand(state, desired.input)] : [];
    case 'pool': {
      const { poolId } = named;
      const isLive = state.pool(poolId) !== undefined;
      if (desired?.kind !== 'pool') return isLive ? [{ type: 'pool.delete', poolId }] : [];
      const { input } = desired;
      const isDeleted = state.deletedPool(poolId) !== undefined;
      if (!isLive && !isDeleted) return [{ type: 'pool.create', poolId, input }];
      const undelete: readonly Command[] = isLive ? [] : [{ type: 'pool.undelete', poolId }];
      return [...undelete, { type: 'pool.patch', poolId, input, mask: ['*'] }];
    }
    case 'provider':
      return providerCommands(state, named, desired?.kind === 'provider' ? desired.input : undefined);
    case 'target': {
      const { targetId } = named;
      const isThere = state.target(targetId) !== undefined;
      if (desired?.kind !== 'target') return isThere ? [{ type: 'target.delete', targetId }] : [];
      const { input } = desired;
      return [
        isThere ? { type: 'target.patch', targetId, input, mask: ['*'] } : { type: 'target.create', targetId, input },
      ];
    }
    case 'serviceAccount': {
      const { accountId } = named;
      const isLive = state.serviceAccount(accountId) !== undefined;
      if (desired?.kind !== 'serviceAccount') return isLive ? [{ type: 'serviceAccount.delete', accountId }] : [];
      const { input } = desired;
      const isDeleted = state.deletedServiceAccount(accountId) !== undefined;
      if (!isLive && !isDeleted) return [{ type: 'serviceAccount.create', accountId, input }];
      const undelete: readonly Command[] = isLive ? [] : [{ type: 'serviceAccount.undelete', accountId }];
      return [...undelete, { type: 'serviceAccount.patch', accountId, input, mask: ['*'] }];
    }
    case 'role': {
      const { roleId } = named;
      const isThere = state.role(roleId) !== undefined;
      if (desired?.kind !== 'role') return isThere ? [{ type: 'role.delete', roleId }] : [];
      const { input } = desired;
      return [isThere ? { type: 'role.patch', roleId, input, mask: ['*'] } : { type: 'role.create', roleId, input }];
    }
    case 'policy': {
      const { resource } = named;
      const bindings = desired?.kind === 'policy' ? (desired.input.bindings ?? []) : [];
      const isThere = policyResourceExists(state, resource) && (state.policy(resource)?.bindings ?? []).length > 0;
      // To take a policy from what is not there, or has none, is to do nothing. To wish an empty one is a wish, and needs its right.
      if (desired === null && !isThere) return [];
      return [{ type: 'policy.set', resource, policy: { version: 3, bindings } }];
    }
    case 'denyPolicy': {
      const { attachment, policyId } = named;
      const id = { attachment, policyId };
      const isThere = state.denyPolicy(id) !== undefined;
      if (desired?.kind !== 'denyPolicy') return isThere ? [{ type: 'denyPolicy.delete', ...id }] : [];
      const { input } = desired;
      return [{ type: isThere ? 'denyPolicy.update' : 'denyPolicy.create', ...id, input }];
    }
    case 'quotaPreference':
    case 'owner':
      return [];
  }
}

/**
 * What the document does not name stays: a limit is the organization's to give, and leaving it out is no wish to have it back. One that names
 * nothing says what is there: whoever may not write the project must not become its owner by it.
 */
function projectCommand(state: ConfigState, input: ProjectInput): Command {
  const { displayName } = state.project();
  const said = Object.keys(input).length === 0 ? { displayName } : input;
  return { type: 'project.patch', input: said, mask: Object.keys(said) };
}

function providerCommands(
  state: ConfigState,
  { poolId, providerId }: Pick<Provider, 'poolId' | 'providerId'>,
  input: ProviderInput | undefined,
): readonly Command[] {
  const id = { poolId, providerId };
  const live = state.provider(poolId, providerId);
  if (input === undefined) {
    return live === undefined || state.pool(poolId) === undefined ? [] : [{ type: 'provider.delete', ...id }];
  }
  const current = live ?? state.deletedProvider(poolId, providerId);
  if (current === undefined) return [{ type: 'provider.create', ...id, input }];
  const undelete: readonly Command[] = live === undefined ? [{ type: 'provider.undelete', ...id }] : [];
  return [...undelete, patchOf(id, current, input)];
}

/**
 * Keys that an agent pushed are newer than those in anybody's file, which were the first ones: to upload these again would shut the
 * cluster out, or let in what signs with a key that it has given up.
 */
function patchOf(
  id: { readonly poolId: string; readonly providerId: string },
  current: Provider,
  input: ProviderInput,
): Command {
  const { kind } = current;
  const config = kind === 'aws' ? undefined : input[kind];
  if (!keepsPushedKeys(current) || config === undefined) return { type: 'provider.patch', ...id, input, mask: ['*'] };
  const { jwksJson: _first, ...others } = config;
  const inner = ['issuerUri', 'allowedAudiences', ...(kind === 'kubernetes' ? ['clusterUri'] : [])];
  const mask = [...RESTORED_PATHS, ...inner.map((path) => `${kind}.${path}`)];
  return { type: 'provider.patch', ...id, input: { ...input, [kind]: others }, mask };
}

export function keepsPushedKeys({ keySource }: Provider): boolean {
  return keySource === 'pushed';
}
