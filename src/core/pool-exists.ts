/** Does a pool exist? Asked by strangers who want its public documents: as cheap as a refused exchange, and as new. */
import type { Denial } from './denial.ts';
import { isAnyPoolId, isProjectNumber } from './names.ts';
import { ConfigUnavailable, type ExchangePorts } from './ports.ts';
import { err, ok, type Result } from './result.ts';

export async function poolExists(
  projectNumber: string,
  poolId: string,
  ports: Pick<ExchangePorts, 'openConfig' | 'newsBeforeRefusal'>,
): Promise<Result<boolean, Denial>> {
  if (!isProjectNumber(projectNumber) || !isAnyPoolId(poolId)) return ok(false);
  let found = false;
  try {
    const view = ports.openConfig(projectNumber);
    found = (await view.pool(poolId)) !== undefined;
    // It may have been deleted since. An isolate that mints nothing for the project hears of that from nobody else.
    const news = await ports.newsBeforeRefusal(projectNumber, found ? 'reader' : 'stranger');
    if (!news.ok) return found ? ok(true) : news;
    if (news.value === undefined || view.currentAt(news.value)) return ok(found);
    return ok((await ports.openConfig(projectNumber).pool(poolId)) !== undefined);
  } catch (fault) {
    if (!(fault instanceof ConfigUnavailable)) throw fault;
    // Relying parties must not lose the keys of a living pool because something here is away; those of a dead one do no harm for so long.
    return found ? ok(true) : err({ tag: 'unavailable', dependency: 'configuration' });
  }
}
