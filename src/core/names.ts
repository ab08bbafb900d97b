/** Resource names as Google spells them (WIRE.md A.3, B.6): formatted and parsed in one place. */
import { inOnePiece, ownCopy } from './in-one-piece.ts';
import type { DenyAttachment } from './resources.ts';

export const IAM_PREFIX = '//iam.googleapis.com/';

const POOL_ID = /^(?!gcp-)[a-z0-9-]{4,32}$/;
const BUILT_IN_POOL_SUFFIX = '.svc.id.goog';
const PROJECT_ID = /^[a-z][a-z0-9-]{2,28}[a-z0-9]$/;
const PROJECT_NUMBER = /^[1-9][0-9]{5,18}$/;

export interface ProviderName {
  readonly projectNumber: string;
  readonly poolId: string;
  readonly providerId: string;
}

export function isProjectId(text: string): boolean {
  return PROJECT_ID.test(text);
}

export function isProjectNumber(text: string): boolean {
  return PROJECT_NUMBER.test(text);
}

/** The id that a caller may give to a pool or a provider of his own. */
export function isPoolOrProviderId(text: string): boolean {
  return POOL_ID.test(text);
}

export function builtInPoolId(projectId: string): string {
  return `${projectId}${BUILT_IN_POOL_SUFFIX}`;
}

/** Of some project; ids of other pools hold no dot. */
export function isBuiltInPoolId(poolId: string): boolean {
  return poolId.endsWith(BUILT_IN_POOL_SUFFIX);
}

/** A pool id as it may stand in a name: one that a caller gave, or the built-in one of some project. */
export function isAnyPoolId(text: string): boolean {
  return (
    POOL_ID.test(text) ||
    (text.endsWith(BUILT_IN_POOL_SUFFIX) && PROJECT_ID.test(text.slice(0, -BUILT_IN_POOL_SUFFIX.length)))
  );
}

export function projectName(projectNumber: string): string {
  return `projects/${projectNumber}`;
}

export function poolName(projectNumber: string, poolId: string): string {
  return `projects/${projectNumber}/locations/global/workloadIdentityPools/${poolId}`;
}

/** The audience that names a provider is read once (`google-sts/request.ts`), so its name is written once as well. */
const providerNames = new WeakMap<ProviderName, string>();

export function providerName(name: ProviderName): string {
  const known = providerNames.get(name);
  if (known !== undefined) return known;
  const fresh = `${poolName(name.projectNumber, name.poolId)}/providers/${name.providerId}`;
  providerNames.set(name, fresh);
  return fresh;
}

export function targetName(projectNumber: string, targetId: string): string {
  return inOnePiece('projects/', projectNumber, '/targets/', targetId);
}

/** What a deny policy is attached to, as a full resource name; the number, never the id. A target is ours, so the form is too. */
function attachmentName(projectNumber: string, attachment: DenyAttachment): string {
  return attachment.kind === 'project'
    ? `cloudresourcemanager.googleapis.com/${projectName(projectNumber)}`
    : `sts.googleapis.com/${targetName(projectNumber, attachment.targetId)}`;
}

export function denyPolicyName(projectNumber: string, attachment: DenyAttachment, policyId: string): string {
  return `policies/${encodeURIComponent(attachmentName(projectNumber, attachment))}/denypolicies/${policyId}`;
}

export function quotaPreferenceName(projectNumber: string, preferenceId: string): string {
  return `projects/${projectNumber}/locations/global/quotaPreferences/${preferenceId}`;
}

export function serviceAccountName(projectNumber: string, email: string): string {
  return `projects/${projectNumber}/serviceAccounts/${email}`;
}

const ACCOUNT_ID = /^[a-z]([-a-z0-9]{1,28}[a-z0-9])$/;

export function isAccountId(text: string): boolean {
  return ACCOUNT_ID.test(text);
}

/** Digits, and nothing that an account id could be. */
export function isUniqueId(text: string): boolean {
  return /^[1-9][0-9]{9,39}$/.test(text);
}

/** `host`: of PUBLIC_ORIGIN. A port, or the brackets of an IPv6 address, are no part of a mail address. */
export function serviceAccountEmail(accountId: string, projectId: string, host: string): string {
  const domain = host.startsWith('[') ? 'localhost' : host.replace(/:\d+$/, '');
  return `${accountId}@${projectId}.iam.${domain}`;
}

/** What an address says of its account: only shape, there may be none. */
export function parseServiceAccountEmail(
  email: string,
): { readonly accountId: string; readonly projectId: string } | undefined {
  const [, accountId = '', projectId = ''] = /^([^@]{1,64})@([^.@]{1,64})\.iam\.[^@]{1,253}$/.exec(email) ?? [];
  return isAccountId(accountId) && isProjectId(projectId) ? { accountId, projectId } : undefined;
}

/** The project's number stands in it, so that one digit string leads to its account; the epoch of the write makes it unique there. */
export function makeUniqueId(projectNumber: string, epoch: number): string {
  return `1${String(projectNumber.length).padStart(2, '0')}${projectNumber}${String(epoch).padStart(6, '0')}`;
}

export function projectOfUniqueId(uniqueId: string): string | undefined {
  if (!isUniqueId(uniqueId)) return undefined;
  const number = uniqueId.slice(3, 3 + Number(uniqueId.slice(1, 3)));
  return isProjectNumber(number) ? number : undefined;
}

const PROVIDER_NAME = /^projects\/([^/]+)\/locations\/global\/workloadIdentityPools\/([^/]+)\/providers\/([^/]+)$/;

/** What no resource name can hold: a control character here would stand in a log line. */
const NAME_PART = /^[A-Za-z0-9._-]{1,64}$/;

/** The provider that `name` means, or undefined where the text has not that shape. Only shape: it may not exist. */
export function parseProviderName(name: string): ProviderName | undefined {
  const match = PROVIDER_NAME.exec(name);
  const [, projectNumber, poolId, providerId] = match ?? [];
  if (projectNumber === undefined || poolId === undefined || providerId === undefined) return undefined;
  if (![projectNumber, poolId, providerId].every((part) => NAME_PART.test(part))) return undefined;
  // A name that came with a request is kept for long.
  return { projectNumber: ownCopy(projectNumber), poolId: ownCopy(poolId), providerId: ownCopy(providerId) };
}

/** Could this provider exist? What could not is not looked up: a project id, say, where only the number serves. */
export function mayExist({ projectNumber, poolId, providerId }: ProviderName): boolean {
  return PROJECT_NUMBER.test(projectNumber) && isAnyPoolId(poolId) && POOL_ID.test(providerId);
}
