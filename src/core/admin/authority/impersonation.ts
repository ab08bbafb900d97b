/** One hop on the way to a service account's credentials: may this identity do that with that account, and for how long does what lets it do so hold? */
import { serviceAccountName } from '../../names.ts';
import type { AccountPermission } from '../../permissions.ts';
import type { ServiceAccount } from '../../resources.ts';
import { err, ok, type Result } from '../../result.ts';
import { maxTokenLifetimeSeconds, SERVICE_ACCOUNT_TOKEN_LIFETIME } from '../../service-account.ts';
import type { Identity } from '../caller.ts';
import type { AdminDenial } from '../denial.ts';
import { limitInForce, CREDENTIAL_GENERATIONS } from '../quotas.ts';
import { findServiceAccount } from '../service-accounts.ts';
import type { ConfigState } from '../state.ts';
import { rightsOf, type World } from './rights.ts';

export interface ImpersonationAsked {
  /** As the caller spelled it. */
  readonly emailOrUniqueId: string;
  readonly permission: AccountPermission;
}

export interface Impersonable {
  readonly serviceAccount: ServiceAccount;
  readonly projectNumber: string;
  /** Whole seconds from now in which the way here holds. */
  readonly holdsForSeconds: number;
  /** Of an access token, by the account and by its project. */
  readonly maxLifetimeSeconds: number;
  readonly generationsPerMinute: number;
}

/** Signing comes after the quota's answer: conditions are looked at this much further, so that waiting does not shorten the token. */
const UNTIL_MINTED_SECONDS = 10;
const LOOKED_AT_SECONDS = SERVICE_ACCOUNT_TOKEN_LIFETIME.max + UNTIL_MINTED_SECONDS;

export function impersonation(
  state: ConfigState,
  identity: Identity,
  asked: ImpersonationAsked,
  world: World,
): Result<Impersonable, AdminDenial> {
  // Who is not named by policies holds everything, and nobody could take it from him: he is no bearer of credentials.
  if (identity.kind === 'bootstrap' || identity.kind === 'broker') return err(impersonationDenied(asked));
  const rights = rightsOf(identity, state, world);
  const serviceAccount = findServiceAccount(state, asked.emailOrUniqueId);
  const live = serviceAccount && state.serviceAccount(serviceAccount.accountId);
  if (live === undefined) {
    // Who may do it with every account of the project may know which there are.
    const mayKnow = rights.may(asked.permission, { kind: 'project' });
    const resource = serviceAccountName(state.project().projectNumber, asked.emailOrUniqueId);
    return err(mayKnow ? { tag: 'not_found', resource } : impersonationDenied(asked));
  }
  const where = { kind: 'serviceAccount', accountId: live.accountId } as const;
  const holdsForSeconds = rights.mayForSeconds(asked.permission, where, LOOKED_AT_SECONDS);
  if (holdsForSeconds === 0) return err(impersonationDenied(asked));
  if (live.disabled) {
    return err({ tag: 'failed_precondition', description: `Service account ${live.email} is disabled.` });
  }
  const project = state.project();
  return ok({
    serviceAccount: live,
    projectNumber: project.projectNumber,
    holdsForSeconds,
    maxLifetimeSeconds: maxTokenLifetimeSeconds(project, live),
    generationsPerMinute: limitInForce(project, CREDENTIAL_GENERATIONS),
  });
}

/** The same whether there is no such account, no such project or no right: nothing but what the caller sent stands in it. */
export function impersonationDenied({ emailOrUniqueId, permission }: ImpersonationAsked): AdminDenial {
  return { tag: 'permission_denied', permission, resource: `projects/-/serviceAccounts/${emailOrUniqueId}` };
}
