/** A project's AWS account is the directory's before it is the project's: two projects must never answer for the same role ARNs. */
import type { AdminDenial } from '../../core/admin/denial.ts';
import type { Write } from '../../core/admin/state.ts';
import { DIRECTORY_NAME } from '../object-names.ts';
import { DIRECTORY_AWAY } from '../standing.ts';
import { within } from '../within.ts';
import type { Host } from './host.ts';

const PATIENCE_MS = 5_000;

/** The account that these rows would give the project, if it is another one than it has. */
export function claimedAccount(writes: readonly Write[], current: string | undefined): string | undefined {
  const account = accountAfter(writes, current);
  return account === current ? undefined : account;
}

/** Before the change is saved. */
export async function claimAwsAccount(
  host: Host,
  projectNumber: string,
  accountId: string,
): Promise<AdminDenial | undefined> {
  try {
    const directory = host.env().REGISTRY.getByName(DIRECTORY_NAME);
    const isOurs = await within(PATIENCE_MS, directory.claimAwsAccount(projectNumber, accountId));
    return isOurs ? undefined : { tag: 'already_exists', resource: `AWS account ${accountId}` };
  } catch {
    return DIRECTORY_AWAY;
  }
}

/** After the change, saved or not. Never rejects: an account that stays claimed by mistake is free again with the next change of this kind. */
export async function releaseAwsAccounts(host: Host, projectNumber: string, kept: string | undefined): Promise<void> {
  try {
    const directory = host.env().REGISTRY.getByName(DIRECTORY_NAME);
    await within(PATIENCE_MS, directory.releaseAwsAccounts(projectNumber, kept));
  } catch {
    // See above.
  }
}

export function changesAccount(writes: readonly Write[], current: string | undefined): boolean {
  return accountAfter(writes, current) !== current;
}

function accountAfter(writes: readonly Write[], current: string | undefined): string | undefined {
  const last = writes.findLast((write) => 'put' in write && write.put === 'project');
  return last !== undefined && 'put' in last && last.put === 'project' ? last.project.awsAccountId : current;
}
