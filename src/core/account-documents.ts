/** By what a stranger verifies service accounts: only shown while the project, and where it is about one account, the account, is there. */
import type { AdminDenial } from './admin/denial.ts';
import type { Denial } from './denial.ts';
import { isProjectNumber, parseServiceAccountEmail } from './names.ts';
import { ConfigUnavailable, type ConfigView, type ExchangePorts } from './ports.ts';
import { err, ok, type Result } from './result.ts';

type Ports = Pick<ExchangePorts, 'openConfig' | 'newsBeforeRefusal'>;

export async function accountIssuerExists(projectNumber: string, ports: Ports): Promise<Result<boolean, Denial>> {
  if (!isProjectNumber(projectNumber)) return ok(false);
  const found = await newest(projectNumber, ports, async (view) => {
    const shard = await view.project();
    return shard !== undefined && shard.project.expireTime === undefined ? true : undefined;
  });
  return found.ok ? ok(found.value === true) : found;
}

/** The unique id of the account of this address; a disabled one is there, for what it signed before is still its own. */
export async function accountOf(
  email: string,
  projectNumberOf: (projectId: string) => Promise<Result<string | undefined, AdminDenial>>,
  ports: Ports,
): Promise<Result<{ readonly projectNumber: string; readonly uniqueId: string } | undefined, Denial>> {
  const named = parseServiceAccountEmail(email);
  if (named === undefined) return ok(undefined);
  const known = await projectNumberOf(named.projectId);
  // To say that it is gone would make verifiers give up signatures that are good.
  if (!known.ok) return err({ tag: 'unavailable', dependency: 'configuration' });
  const projectNumber = known.value;
  if (projectNumber === undefined) return ok(undefined);
  const found = await newest(projectNumber, ports, async (view) => {
    const account = (await view.serviceAccount(named.accountId))?.serviceAccount;
    return account?.email === email ? account.uniqueId : undefined;
  });
  if (!found.ok || found.value === undefined) return found.ok ? ok(undefined) : found;
  return ok({ projectNumber, uniqueId: found.value });
}

/** As with pools: it may have gone since the copy was made, and what is there must not be lost because something here is away. */
async function newest<T>(
  projectNumber: string,
  ports: Ports,
  look: (view: ConfigView) => Promise<T | undefined>,
): Promise<Result<T | undefined, Denial>> {
  let found: T | undefined;
  try {
    const view = ports.openConfig(projectNumber);
    found = await look(view);
    const news = await ports.newsBeforeRefusal(projectNumber, found === undefined ? 'stranger' : 'reader');
    if (!news.ok) return found === undefined ? news : ok(found);
    if (news.value === undefined || view.currentAt(news.value)) return ok(found);
    return ok(await look(ports.openConfig(projectNumber)));
  } catch (fault) {
    if (!(fault instanceof ConfigUnavailable)) throw fault;
    return found === undefined ? err({ tag: 'unavailable', dependency: 'configuration' }) : ok(found);
  }
}
