/** Allow policies: set as a whole, checked as a whole, in the normal form in which they are kept. */
import { poolName, projectName, targetName } from '../names.ts';
import { EMPTY_POLICY, type Policy } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import { predefinedRole } from '../roles.ts';
import type { Applied } from './applied.ts';
import { checkBindings, isConditional, type RoleResolver } from './bindings.ts';
import type { PolicyInput, PolicyResource } from './commands.ts';
import { invalid, type AdminDenial } from './denial.ts';
import { etagOf, isEtag } from './etag.ts';
import { lintPolicy } from './lint/policy.ts';
import { policyShards } from './policy-shards.ts';
import { roleName } from './roles.ts';
import { noSuchAccount, serviceAccountNameIn } from './service-accounts.ts';
import { noSuchPool } from './soft-delete.ts';
import type { ApplyContext, ConfigState } from './state.ts';

export function setPolicy(
  state: ConfigState,
  resource: PolicyResource,
  input: PolicyInput,
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const name = policyResourceName(state, resource);
  if (!policyResourceExists(state, resource)) {
    if (resource.kind === 'pool') return err(noSuchPool(state, resource.poolId));
    if (resource.kind === 'serviceAccount') return err(noSuchAccount(state, resource.accountId));
    return err({ tag: 'not_found', resource: name });
  }
  const policy = nextPolicy(state.policy(resource) ?? EMPTY_POLICY, input, projectRoles(state), name, context);
  if (!policy.ok) return policy;
  const warnings = lintPolicy(state, resource, input.bindings ?? [], Math.floor(Date.parse(context.time) / 1_000));
  return ok({
    answer: { kind: 'policy', policy: policy.value, ...(warnings.length > 0 ? { warnings } : {}) },
    writes: [{ put: 'policy', resource, policy: policy.value }],
    shards: policyShards(state, resource),
  });
}

/** The organization belongs to no project, so no custom role can be meant. */
export function setOrganizationPolicy(
  current: Policy | undefined,
  input: PolicyInput,
  context: ApplyContext,
): Result<Policy, AdminDenial> {
  return nextPolicy(current ?? EMPTY_POLICY, input, onlyPredefined, 'organizations/1', context);
}

export function policyEtag(policy: Policy): string {
  return etagOf(policy.revision);
}

export function policyResourceName(state: ConfigState, resource: PolicyResource): string {
  const { projectNumber } = state.project();
  switch (resource.kind) {
    case 'project':
      return projectName(projectNumber);
    case 'pool':
      return poolName(projectNumber, resource.poolId);
    case 'target':
      return targetName(projectNumber, resource.targetId);
    case 'serviceAccount':
      return serviceAccountNameIn(state, resource.accountId);
  }
}

export function policyResourceExists(state: ConfigState, resource: PolicyResource): boolean {
  switch (resource.kind) {
    case 'project':
      return true;
    case 'pool':
      return state.pool(resource.poolId) !== undefined;
    case 'target':
      return state.target(resource.targetId) !== undefined;
    case 'serviceAccount':
      return state.serviceAccount(resource.accountId) !== undefined;
  }
}

const VERSIONS = [0, 1, 3];
const VERSION_WITH_CONDITIONS = 3;

function nextPolicy(
  current: Policy,
  input: PolicyInput,
  resolveRole: RoleResolver,
  resource: string,
  context: ApplyContext,
): Result<Policy, AdminDenial> {
  const version = input.version ?? 0;
  if (!VERSIONS.includes(version)) return err(invalid('policy.version', 'must be 0, 1 or 3'));
  const etag = input.etag ?? '';
  if (etag !== '' && !isEtag(etag)) return err(invalid('policy.etag', 'is not an etag that was given out here'));
  const bindings = checkBindings('policy.bindings', input.bindings ?? [], resolveRole);
  if (!bindings.ok) return err({ tag: 'invalid_argument', violations: bindings.error });
  if (version !== VERSION_WITH_CONDITIONS) {
    if (bindings.value.some(isConditional)) {
      return err(invalid('policy.version', 'must be 3 where a binding has a condition'));
    }
    // Who read the policy without its conditions and writes it back must not turn them into unconditional grants.
    if (etag !== '' && current.version === VERSION_WITH_CONDITIONS) {
      return err(
        invalid('policy.version', 'must be 3: the policy has conditions; read it with requestedPolicyVersion 3'),
      );
    }
  }
  if (etag !== '' && etag !== policyEtag(current)) return err({ tag: 'etag_mismatch', resource });
  const conditional = bindings.value.some(isConditional);
  return ok({ version: conditional ? 3 : 1, revision: context.epoch, bindings: bindings.value });
}

const onlyPredefined: RoleResolver = (name) =>
  predefinedRole(name) === undefined
    ? err('is not a predefined role; no other can be bound on the organization')
    : ok(name);

const CUSTOM_ROLE = /^projects\/([^/]+)\/roles\/([^/]+)$/;

/** A custom role is this project's own; it may be spelled with the number and is kept with the id. */
function projectRoles(state: ConfigState): RoleResolver {
  const { projectId, projectNumber } = state.project();
  return (name) => {
    if (predefinedRole(name) !== undefined) return ok(name);
    const [, project, roleId] = CUSTOM_ROLE.exec(name) ?? [];
    if (project === undefined || roleId === undefined) {
      return err(`is neither a predefined role nor projects/${projectId}/roles/ROLE`);
    }
    if (project !== projectId && project !== projectNumber) return err('is a role of another project');
    return state.role(roleId) === undefined ? err('does not exist') : ok(roleName(projectId, roleId));
  };
}
