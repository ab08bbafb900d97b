/** How the history names a row: `pool/POOL`, `provider/POOL/PROVIDER`, `policy/target/T` and so on. Read back for restoring and for showing. */
import type { DenyPolicyId, PolicyResource } from '../commands.ts';

export type HistoryResource =
  | { readonly kind: 'project' }
  | { readonly kind: 'pool'; readonly poolId: string }
  | { readonly kind: 'provider'; readonly poolId: string; readonly providerId: string }
  | { readonly kind: 'target'; readonly targetId: string }
  | { readonly kind: 'role'; readonly roleId: string }
  | { readonly kind: 'serviceAccount'; readonly accountId: string }
  | { readonly kind: 'policy'; readonly resource: PolicyResource }
  | ({ readonly kind: 'denyPolicy' } & DenyPolicyId)
  | { readonly kind: 'quotaPreference'; readonly preferenceId: string }
  /** Who owns another row. */
  | { readonly kind: 'owner'; readonly resource: string };

const OWNER_PREFIX = 'owner/';

/** Undefined for what is no row of a project. */
export function readResourceKey(key: string): HistoryResource | undefined {
  if (key.startsWith(OWNER_PREFIX)) return ownerOf(key.slice(OWNER_PREFIX.length));
  const [kind, first, second, third, ...more] = key.split('/');
  if (kind === 'project') return first === undefined ? { kind } : undefined;
  if (first === undefined || first === '' || more.length > 0) return undefined;
  if (kind === 'policy') return third === undefined ? policyOf(first, second) : undefined;
  if (kind === 'denyPolicy') return denyPolicyOf(first, second, third);
  if (kind === 'provider') {
    return second === undefined || third !== undefined ? undefined : { kind, poolId: first, providerId: second };
  }
  if (second !== undefined) return undefined;
  switch (kind) {
    case 'pool':
      return { kind, poolId: first };
    case 'target':
      return { kind, targetId: first };
    case 'serviceAccount':
      return { kind, accountId: first };
    case 'role':
      return { kind, roleId: first };
    case 'quotaPreference':
      return { kind, preferenceId: first };
    default:
      return undefined;
  }
}

function ownerOf(resource: string): HistoryResource | undefined {
  const kind = readResourceKey(resource)?.kind;
  return kind === undefined || kind === 'owner' || kind === 'quotaPreference' ? undefined : { kind: 'owner', resource };
}

export function ownerRowName(resource: string): string {
  return `${OWNER_PREFIX}${resource}`;
}

export function policyRowName(resource: PolicyResource): string {
  switch (resource.kind) {
    case 'project':
      return 'policy/project';
    case 'pool':
      return `policy/pool/${resource.poolId}`;
    case 'target':
      return `policy/target/${resource.targetId}`;
    case 'serviceAccount':
      return `policy/serviceAccount/${resource.accountId}`;
  }
}

export function denyPolicyRowName({ attachment, policyId }: DenyPolicyId): string {
  const on = attachment.kind === 'project' ? 'project' : `target/${attachment.targetId}`;
  return `denyPolicy/${on}/${policyId}`;
}

function policyOf(on: string, id: string | undefined): HistoryResource | undefined {
  if (on === 'project' && id === undefined) return { kind: 'policy', resource: { kind: 'project' } };
  if (id === undefined) return undefined;
  if (on === 'pool') return { kind: 'policy', resource: { kind: 'pool', poolId: id } };
  if (on === 'serviceAccount') return { kind: 'policy', resource: { kind: on, accountId: id } };
  return on === 'target' ? { kind: 'policy', resource: { kind: 'target', targetId: id } } : undefined;
}

function denyPolicyOf(on: string, first = '', second?: string): HistoryResource | undefined {
  if (on === 'project' && second === undefined) {
    return { kind: 'denyPolicy', attachment: { kind: 'project' }, policyId: first };
  }
  if (on !== 'target' || second === undefined) return undefined;
  return { kind: 'denyPolicy', attachment: { kind: 'target', targetId: first }, policyId: second };
}
