/** Which account a path means: by its address or its unique id, in its project or, as Google has it, in `-`. Who asks learns nothing of it here. */
import type { AdminPort } from '../../core/admin/port.ts';
import { isProjectId, isProjectNumber, parseServiceAccountEmail, projectOfUniqueId } from '../../core/names.ts';
import { ok, type Result } from '../../core/result.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';

/** Any project: the account says which. */
const ANY = '-';

/** The parameters of a path with `project` and `accountId` as they are meant; where there is no such account, as they were sent. */
export async function withAccount(
  params: ReadonlyMap<string, string>,
  admin: AdminPort,
): Promise<Result<ReadonlyMap<string, string>, AdminDenial>> {
  const named = params.get('account');
  if (named === undefined) return ok(params);
  const emailOrUniqueId = named.toLowerCase();
  const home = parseServiceAccountEmail(emailOrUniqueId)?.projectId ?? projectOfUniqueId(emailOrUniqueId);
  const asked = params.get('project') ?? ANY;
  const project = asked === ANY ? (home ?? ANY) : asked;
  // Without an @ it would be an account's id, and lead somewhere after all.
  const nobody = emailOrUniqueId.includes('@') ? emailOrUniqueId : `@${emailOrUniqueId}`;
  const sent = new Map([...params, ['project', project], ['accountId', nobody]]);
  if (home === undefined || !(isProjectId(project) || isProjectNumber(project))) return ok(sent);
  const found = await admin.findProject(project);
  if (!found.ok) return found;
  if (found.value === undefined) return ok(sent);
  const account = await admin.read(found.value.projectNumber, { type: 'serviceAccount.find', emailOrUniqueId });
  if (!account.ok) return account.error.tag === 'not_found' ? ok(sent) : account;
  if (account.value.kind !== 'serviceAccount') throw new Error(`an account was answered with a ${account.value.kind}`);
  return ok(new Map([...sent, ['accountId', account.value.serviceAccount.accountId]]));
}
