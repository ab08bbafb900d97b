/** Service accounts: identities that a project itself owns. Create, patch, delete and back, disable and back. */
import {
  isAccountId,
  isUniqueId,
  makeUniqueId,
  parseServiceAccountEmail,
  serviceAccountEmail,
  serviceAccountName,
} from '../names.ts';
import { EMPTY_POLICY, shardKey, type ServiceAccount } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import { SERVICE_ACCOUNT_TOKEN_LIFETIME } from '../service-account.ts';
import type { Applied } from './applied.ts';
import { awsRoleInputOf, checkAwsRole, roleShards } from './aws-roles.ts';
import type { Command, ServiceAccountInput } from './commands.ts';
import { invalid, type AdminDenial } from './denial.ts';
import { checkEtag } from './etag.ts';
import { checkDescription, checkLength, checkNoControl, ID_FORM, readSeconds } from './fields.ts';
import { overlay } from './mask.ts';
import type { ApplyContext, ConfigState, Write } from './state.ts';

const KEPT_MS = 30 * 86_400_000;
const MAX_ACCOUNTS = 1_000;
/** Google's, and not those of pools: Terraform's configurations fill them. */
const MAX_DISPLAY_NAME = 100;

type CommandOf<Type extends Command['type']> = Extract<Command, { readonly type: Type }>;

export function createServiceAccount(
  state: ConfigState,
  { accountId, input }: CommandOf<'serviceAccount.create'>,
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const { projectNumber, projectId } = state.project();
  if (!isAccountId(accountId)) return err(invalid('accountId', `must be 3 to 30 characters of ${ID_FORM}`));
  const email = serviceAccountEmail(accountId, projectId, context.ownHost);
  // Bindings still name the deleted one: nobody gets its address before it is purged.
  if (state.serviceAccount(accountId) !== undefined || state.deletedServiceAccount(accountId) !== undefined) {
    return err({ tag: 'already_exists', resource: serviceAccountName(projectNumber, email) });
  }
  if (state.serviceAccountCount() >= MAX_ACCOUNTS) {
    return err({ tag: 'limit_reached', description: `A project has at most ${MAX_ACCOUNTS} service accounts.` });
  }
  const fields = checkFields(state, accountId, input);
  if (!fields.ok) return fields;
  const { time, epoch } = context;
  const identity = { accountId, email, uniqueId: makeUniqueId(projectNumber, epoch), disabled: false };
  const times = { createTime: time, updateTime: time, version: epoch };
  const applied = written(state, { ...identity, ...fields.value, ...times });
  const own = { kind: 'serviceAccount', accountId } as const;
  // As with targets: an etag of an account of that name that is gone must not be good for this one's policy.
  const cleared: readonly Write[] =
    state.policy(own) === undefined
      ? []
      : [{ put: 'policy', resource: own, policy: { ...EMPTY_POLICY, revision: epoch } }];
  return ok({ ...applied, writes: [...applied.writes, ...cleared] });
}

const PATHS: ReadonlySet<string> = new Set(['displayName', 'description', 'maxTokenLifetime', 'awsRole']);

export function patchServiceAccount(
  state: ConfigState,
  { accountId, input, mask, etag }: CommandOf<'serviceAccount.patch'>,
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const current = state.serviceAccount(accountId);
  if (current === undefined) return err(noSuchAccount(state, accountId));
  const stale = checkEtag(etag, current.version, nameOf(state, current));
  if (stale !== undefined) return err(stale);
  const patched = overlay(serviceAccountInputOf(current), input, mask, PATHS);
  if (!patched.ok) return patched;
  const fields = checkFields(state, accountId, patched.value);
  if (!fields.ok) return fields;
  const { awsRole: before, ...others } = current;
  const change = changed(state, { ...others, ...fields.value }, context);
  const { projectNumber } = state.project();
  // Under the name that it had it must not be found any more.
  return ok({ ...change, shards: [...new Set([...change.shards, ...roleShards(projectNumber, before)])] });
}

export function setServiceAccountDisabled(
  state: ConfigState,
  accountId: string,
  disabled: boolean,
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const current = state.serviceAccount(accountId);
  if (current === undefined) return err(noSuchAccount(state, accountId));
  if (current.disabled === disabled) return ok({ answer: answerOf(current), writes: [], shards: [] });
  return ok(changed(state, { ...current, disabled }, context));
}

export function deleteServiceAccount(
  state: ConfigState,
  accountId: string,
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const current = state.serviceAccount(accountId);
  if (current === undefined) return err(noSuchAccount(state, accountId));
  const expireTime = new Date(Date.parse(context.time) + KEPT_MS).toISOString();
  return ok({ ...changed(state, { ...current, expireTime }, context), answer: { kind: 'deleted' } });
}

/** As it was: a disabled one comes back disabled. */
export function undeleteServiceAccount(
  state: ConfigState,
  accountId: string,
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const live = state.serviceAccount(accountId);
  if (live !== undefined) {
    return err({ tag: 'failed_precondition', description: `${nameOf(state, live)} is not deleted.` });
  }
  const gone = state.deletedServiceAccount(accountId);
  if (gone === undefined || isOver(gone, context)) return err(notFound(state, accountId));
  const { expireTime: _over, ...account } = gone;
  return ok(changed(state, account, context));
}

export function isOver({ expireTime }: ServiceAccount, { time }: Pick<ApplyContext, 'time'>): boolean {
  return expireTime !== undefined && Date.parse(expireTime) <= Date.parse(time);
}

/** Why one cannot be changed: it was never there, or it is deleted. */
export function noSuchAccount(state: ConfigState, accountId: string): AdminDenial {
  const gone = state.deletedServiceAccount(accountId);
  if (gone === undefined) return notFound(state, accountId);
  return { tag: 'failed_precondition', description: `${nameOf(state, gone)} is deleted. Undelete it first.` };
}

/** Deleted or not. The whole address counts: another domain's is nobody's here. */
export function findServiceAccount(state: ConfigState, emailOrUniqueId: string): ServiceAccount | undefined {
  if (isUniqueId(emailOrUniqueId)) return state.serviceAccountByUniqueId(emailOrUniqueId);
  const { accountId = '' } = parseServiceAccountEmail(emailOrUniqueId) ?? {};
  const found = state.serviceAccount(accountId) ?? state.deletedServiceAccount(accountId);
  return found?.email === emailOrUniqueId ? found : undefined;
}

/** By what is known of it; where there is none, by its id alone. */
export function serviceAccountNameIn(state: ConfigState, accountId: string): string {
  const account = state.serviceAccount(accountId) ?? state.deletedServiceAccount(accountId);
  return serviceAccountName(state.project().projectNumber, account?.email ?? accountId);
}

/** The address, the number and the role's name lead to it. */
export function serviceAccountShards(
  projectNumber: string,
  { accountId, uniqueId, awsRole }: Pick<ServiceAccount, 'accountId' | 'uniqueId' | 'awsRole'>,
): readonly string[] {
  const ids = [accountId, uniqueId].map((id) => shardKey.serviceAccount(projectNumber, id));
  return [...ids, ...roleShards(projectNumber, awsRole)];
}

/** What a patch is laid over, and what would make the account again. */
export function serviceAccountInputOf(account: ServiceAccount): ServiceAccountInput {
  const { displayName, description, maxTokenLifetimeSeconds: seconds, awsRole } = account;
  const role = awsRole === undefined ? {} : { awsRole: awsRoleInputOf(awsRole) };
  return { displayName, description, maxTokenLifetime: `${seconds}s`, ...role };
}

type Fields = Pick<ServiceAccount, 'displayName' | 'description' | 'maxTokenLifetimeSeconds' | 'awsRole'>;

function checkFields(state: ConfigState, accountId: string, input: ServiceAccountInput): Result<Fields, AdminDenial> {
  const { displayName = '', description = '' } = input;
  const lifetime = readSeconds('maxTokenLifetime', input.maxTokenLifetime, SERVICE_ACCOUNT_TOKEN_LIFETIME);
  const role = input.awsRole === undefined ? undefined : checkAwsRole(state, accountId, input.awsRole);
  const violations = [
    ...checkLength('displayName', displayName, MAX_DISPLAY_NAME),
    ...checkNoControl('displayName', displayName),
    ...checkDescription('description', description),
    ...(lifetime.ok ? [] : lifetime.error),
    ...(role === undefined || role.ok ? [] : role.error),
  ];
  if (violations.length > 0 || !lifetime.ok) return err({ tag: 'invalid_argument', violations });
  const awsRole = role?.ok === true ? { awsRole: role.value } : {};
  return ok({ displayName, description, maxTokenLifetimeSeconds: lifetime.value, ...awsRole });
}

function changed(state: ConfigState, account: ServiceAccount, { time, epoch }: ApplyContext): Applied {
  return written(state, { ...account, updateTime: time, version: epoch });
}

function written(state: ConfigState, serviceAccount: ServiceAccount): Applied {
  return {
    answer: answerOf(serviceAccount),
    writes: [{ put: 'serviceAccount', serviceAccount }],
    shards: serviceAccountShards(state.project().projectNumber, serviceAccount),
  };
}

function answerOf(serviceAccount: ServiceAccount): Applied['answer'] {
  return { kind: 'serviceAccount', serviceAccount };
}

function nameOf(state: ConfigState, { email }: ServiceAccount): string {
  return serviceAccountName(state.project().projectNumber, email);
}

function notFound(state: ConfigState, accountId: string): AdminDenial {
  return { tag: 'not_found', resource: serviceAccountNameIn(state, accountId) };
}
