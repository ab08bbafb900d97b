/** Does a workload that exchanged its token still stand? Asked of the rows of its own project at every request: what is shut out there is out here at once. */
import { EXCHANGE_PERMISSION } from '../../deny.ts';
import { deniedUidOf } from '../../kubernetes.ts';
import type { PolicyCompiler } from '../../policy/cache.ts';
import { longestRunSeconds, newRunBudget } from '../../policy/run.ts';
import { bindingActivations } from '../../policy/variables.ts';
import type { ServiceAccountIdentity, WorkloadIdentity } from '../caller.ts';
import { rulesDenying } from '../deny-resolution.ts';
import type { ConfigState } from '../state.ts';
import { membershipOf } from './membership.ts';

const NO_RESOURCE = { tags: {}, tagIds: {} };

export function stands(
  state: ConfigState,
  identity: WorkloadIdentity,
  nowSeconds: number,
  compiler: PolicyCompiler,
): boolean {
  const { provider: name, kubernetes, keyThumbprint } = identity.principal;
  const pool = state.pool(name.poolId);
  const provider = state.provider(name.poolId, name.providerId);
  // As at Google: a provider that is disabled lets nobody new in, and who is in stays in; a pool that is disabled ends both. Against a stolen key
  // there is `:distrustKey`, which takes along whoever came in by it.
  if (pool === undefined || provider === undefined || pool.disabled) return false;
  // A provider of another kind, or another cluster, cannot have vouched for this one.
  if ((provider.kind === 'kubernetes') !== (kubernetes !== undefined)) return false;
  if (kubernetes !== undefined && kubernetes.cluster !== provider.clusterUri) return false;
  if (kubernetes !== undefined && deniedUidOf(kubernetes, pool.deniedUids, nowSeconds) !== undefined) return false;
  if (keyThumbprint !== undefined && provider.distrustedThumbprints.includes(keyThumbprint)) return false;
  return !isDeniedExchange(state, identity, nowSeconds, compiler);
}

/** The account that it was made for is there and not disabled; one of its name that was made since is another. */
export function accountStands(state: ConfigState, { accountId, uniqueId }: ServiceAccountIdentity): boolean {
  const account = state.serviceAccount(accountId);
  return account !== undefined && !account.disabled && account.uniqueId === uniqueId;
}

/** Who may not exchange any more may not go on with what he exchanged before. */
function isDeniedExchange(
  state: ConfigState,
  identity: WorkloadIdentity,
  nowSeconds: number,
  compiler: PolicyCompiler,
): boolean {
  const { texts, mayBe, workload } = membershipOf(identity);
  const deny = rulesDenying(state, { kind: 'project' }, EXCHANGE_PERMISSION)
    .filter((rule) => rule.deniedPrincipals.some(mayBe) && !rule.exceptionPrincipals.some((one) => texts.has(one)))
    .map(({ condition }) => {
      if (condition === undefined) return undefined;
      const compiled = compiler.condition(condition.expression, 'binding');
      return compiled.ok ? compiled.value : undefined;
    });
  const activationAt = bindingActivations(NO_RESOURCE, workload);
  return longestRunSeconds({ allow: [undefined], deny }, activationAt, nowSeconds, 1, newRunBudget()) === 0;
}
