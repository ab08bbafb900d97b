/**
 * From the caller through his delegates to the account: at every hop whoever is there by then must himself be let on, by the account's own
 * project as it stands at that moment. A chain holds for as long as its shortest hop.
 */
import type { AccessBoundary } from '../access-boundary.ts';
import { type Impersonable, impersonationDenied } from '../admin/authority/impersonation.ts';
import type { AuthenticatedAdmin } from '../admin/authenticated.ts';
import type { Actor, Identity, ServiceAccountIdentity } from '../admin/caller.ts';
import { parseServiceAccountEmail, projectOfUniqueId } from '../names.ts';
import type { AccountPermission } from '../permissions.ts';
import { err, ok, type Result } from '../result.ts';
import type { CredentialDenial } from './denial.ts';
import type { CredentialPorts } from './ports.ts';

export interface Chain {
  readonly account: Impersonable;
  readonly holdsForSeconds: number;
  /** Who acts as the account: the last delegate, or the caller; and for whom. */
  readonly actor: Actor;
  readonly delegateEmails: readonly string[];
  /** Of the token that the caller showed. */
  readonly boundary?: AccessBoundary;
}

export interface Wanted {
  /** By address or unique id, in order; then the account itself. */
  readonly delegates: readonly string[];
  readonly account: string;
  readonly permission: AccountPermission;
}

const HANDS_ON: AccountPermission = 'iam.serviceAccounts.implicitDelegation';

export async function walk(
  caller: AuthenticatedAdmin,
  { delegates, account, permission }: Wanted,
  ports: Pick<CredentialPorts, 'projectNumberOf' | 'impersonation'>,
): Promise<Result<Chain, CredentialDenial>> {
  let identity: Identity = caller.identity;
  const boundary = boundaryOf(caller.identity);
  let actor = actorOf(caller);
  let holdsForSeconds = Infinity;
  const delegateEmails: string[] = [];
  for (const [index, emailOrUniqueId] of [...delegates, account].entries()) {
    const isLast = index === delegates.length;
    const asked = { emailOrUniqueId, permission: isLast ? permission : HANDS_ON };
    const projectNumber = await homeOf(emailOrUniqueId, ports);
    if (!projectNumber.ok) return projectNumber;
    if (projectNumber.value === undefined) return err(impersonationDenied(asked));
    const hop = await ports.impersonation(projectNumber.value, identity, asked);
    if (!hop.ok) return hop;
    holdsForSeconds = Math.min(holdsForSeconds, hop.value.holdsForSeconds);
    if (isLast) {
      const narrowed = boundary === undefined ? {} : { boundary };
      return ok({ account: hop.value, holdsForSeconds, actor, delegateEmails, ...narrowed });
    }
    const { email } = hop.value.serviceAccount;
    delegateEmails.push(email);
    actor = { sub: `serviceAccount:${email}`, act: actor };
    identity = asAccount(hop.value, boundary);
  }
  throw new Error('a chain ends with its account');
}

/** Undefined: no project that could be. */
async function homeOf(
  emailOrUniqueId: string,
  ports: Pick<CredentialPorts, 'projectNumberOf'>,
): Promise<Result<string | undefined, CredentialDenial>> {
  const ofNumber = projectOfUniqueId(emailOrUniqueId);
  if (ofNumber !== undefined) return ok(ofNumber);
  const named = parseServiceAccountEmail(emailOrUniqueId);
  return named === undefined ? ok(undefined) : ports.projectNumberOf(named.projectId);
}

/** A link has no token of its own; the boundary of the first goes along. */
function asAccount(
  { serviceAccount, projectNumber }: Impersonable,
  boundary: AccessBoundary | undefined,
): ServiceAccountIdentity {
  const { accountId, uniqueId, email } = serviceAccount;
  return {
    kind: 'serviceAccount',
    projectNumber,
    accountId,
    uniqueId,
    email,
    ...(boundary === undefined ? {} : { boundary }),
  };
}

function boundaryOf(identity: Identity): AccessBoundary | undefined {
  return identity.kind === 'workload' || identity.kind === 'serviceAccount' ? identity.boundary : undefined;
}

function actorOf({ name, identity }: AuthenticatedAdmin): Actor {
  return identity.kind === 'serviceAccount' && identity.actor !== undefined
    ? { sub: name, act: identity.actor }
    : { sub: name };
}
