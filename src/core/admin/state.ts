/** How `apply` sees one project's configuration, and what it wants written: synchronous reads in, values out. */
import type { OnceMarker } from '../ports.ts';
import type {
  DenyAttachment,
  DenyPolicy,
  Policy,
  Pool,
  Project,
  Provider,
  QuotaPreference,
  Role,
  ServiceAccount,
  Target,
} from '../resources.ts';
import type { Caller } from './caller.ts';
import type { Answer, DenyPolicyId, Page, PolicyResource } from './commands.ts';
import type { DesiredChange } from './configuration/change.ts';
import type { RowThen } from './history/step.ts';
import type { BareJwk } from './jwks.ts';

export interface PolicyOf {
  readonly resource: PolicyResource;
  readonly policy: Policy;
}

/** A change that was answered with an Operation, so that its name can be asked about. */
export interface OperationRow {
  readonly name: string;
  readonly answer: Answer;
}

/** Filled by the Registry's store over SQLite, and by a Map in the tests. Lists are ascending by id. */
export interface ConfigState {
  project(): Project;
  /** Never one that is deleted: whoever does not think of deletion must find nothing. */
  pool(poolId: string): Pool | undefined;
  provider(poolId: string, providerId: string): Provider | undefined;
  /** Deleted and not yet purged. */
  deletedPool(poolId: string): Pool | undefined;
  deletedProvider(poolId: string, providerId: string): Provider | undefined;
  /** Of everything deleted what was deleted first. */
  nextToExpire(): Pool | Provider | undefined;
  target(targetId: string): Target | undefined;
  targetByUri(uri: string): Target | undefined;
  /** As with pools: never one that is deleted. */
  serviceAccount(accountId: string): ServiceAccount | undefined;
  deletedServiceAccount(accountId: string): ServiceAccount | undefined;
  /** Deleted or not. */
  serviceAccountByUniqueId(uniqueId: string): ServiceAccount | undefined;
  /** Deleted or not; whatever its path and in whatever letters. */
  serviceAccountByRoleName(roleName: string): ServiceAccount | undefined;
  /** Deleted ones count. */
  serviceAccountCount(): number;
  nextServiceAccountToExpire(): ServiceAccount | undefined;
  role(roleId: string): Role | undefined;
  roleCount(): number;
  policy(resource: PolicyResource): Policy | undefined;
  /** Was the token that goes by this marker's key taken before? */
  isTokenUsed(key: string): boolean;
  /** Every policy with a binding of this role, ascending by resource. */
  policiesWithRole(role: string): readonly PolicyOf[];
  /** Every policy in which this text stands anywhere, ascending by resource: what it means there is the caller's affair. */
  policiesWithText(text: string): readonly PolicyOf[];
  operation(name: string): OperationRow | undefined;
  denyPolicy(id: DenyPolicyId): DenyPolicy | undefined;
  /** Of the whole project. */
  denyPolicyCount(): number;
  targetsWithDenyPolicies(): readonly string[];
  denyPolicies(attachment: DenyAttachment, page: Page): readonly DenyPolicy[];
  quotaPreference(preferenceId: string): QuotaPreference | undefined;
  /** Pending, or granted and in effect: three a quota at most. */
  openQuotaPreferences(): readonly QuotaPreference[];
  quotaPreferenceCount(): number;
  /** The id of the one that has been over for longest. */
  oldestClosedQuotaPreference(): string | undefined;
  quotaPreferences(page: Page): readonly QuotaPreference[];
  /** At most `page.pageSize` rows with an id greater than `page.after`. */
  pools(page: Page): readonly Pool[];
  providers(poolId: string, page: Page): readonly Provider[];
  targets(page: Page): readonly Target[];
  serviceAccounts(page: Page): readonly ServiceAccount[];
  roles(page: Page): readonly Role[];
  /** Undefined: nobody's. As the history names rows. */
  ownerOf(resource: string): string | undefined;
  /** Ascending by name. */
  ownedBy(owner: string): readonly string[];
  /** The parts that this caller staged under this name, in their order. */
  staged(changeSet: string, actor: string): readonly (readonly DesiredChange[])[];
  /** Every row that was changed after the change of this entry, as it was then. Undefined: the history does not hold the entry. */
  changedSince(sequence: number): readonly RowThen[] | undefined;
  /** Work that sees what it stages, and leaves nothing of it behind. */
  rolledBack<T>(work: (stage: (writes: readonly Write[]) => void) => T): T;
}

export type Write =
  | { readonly put: 'project'; readonly project: Project }
  | { readonly put: 'pool'; readonly pool: Pool }
  | { readonly put: 'provider'; readonly provider: Provider }
  | { readonly put: 'target'; readonly target: Target }
  | { readonly put: 'serviceAccount'; readonly serviceAccount: ServiceAccount }
  | { readonly put: 'role'; readonly role: Role }
  | { readonly put: 'policy'; readonly resource: PolicyResource; readonly policy: Policy }
  /** Kept until the token has expired by itself. */
  | { readonly put: 'usedToken'; readonly marker: OnceMarker }
  | { readonly put: 'denyPolicy'; readonly policy: DenyPolicy }
  | { readonly put: 'quotaPreference'; readonly preference: QuotaPreference }
  | { readonly put: 'operation'; readonly operation: OperationRow }
  | { readonly put: 'owner'; readonly resource: string; readonly owner: string }
  | { readonly remove: 'owner'; readonly resource: string }
  | { readonly remove: 'staged'; readonly changeSet: string }
  /** Whose name begins so. */
  | { readonly remove: 'operations'; readonly prefix: string }
  | { readonly remove: 'pool'; readonly poolId: string }
  | { readonly remove: 'provider'; readonly poolId: string; readonly providerId: string }
  | { readonly remove: 'quotaPreference'; readonly preferenceId: string }
  | { readonly remove: 'target'; readonly targetId: string }
  | ({ readonly remove: 'denyPolicy' } & DenyPolicyId)
  | { readonly remove: 'serviceAccount'; readonly accountId: string }
  | { readonly remove: 'role'; readonly roleId: string };

/** What `apply` needs to know of the moment: time and identifiers are handed in, so that it stays a function. */
export interface ApplyContext {
  /** RFC 3339 with milliseconds. */
  readonly time: string;
  /** The epoch that this write will carry: the project's epoch plus one. */
  readonly epoch: number;
  readonly caller: Caller;
  readonly newUid: () => string;
  /** Loopback `http://` issuers are allowed: development only. */
  readonly loopbackIssuersAllowed: boolean;
  /** Host of PUBLIC_ORIGIN: what would be fetched from ourselves is refused. */
  readonly ownHost: string;
  /** RFC 7638 over the required members, SHA-256, base64url. */
  readonly thumbprintOf: (key: BareJwk) => string;
}
