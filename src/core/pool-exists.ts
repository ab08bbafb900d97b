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
  try {
    const view = ports.openConfig(projectNumber);
    if ((await view.pool(poolId)) !== undefined) return ok(true);
    const news = await ports.newsBeforeRefusal(projectNumber, 'stranger');
    if (!news.ok) return news;
    if (news.value === undefined || view.currentAt(news.value)) return ok(false);
    return ok((await ports.openConfig(projectNumber).pool(poolId)) !== undefined);
  } catch (fault) {
    if (fault instanceof ConfigUnavailable) return err({ tag: 'unavailable', dependency: 'configuration' });
    throw fault;
  }
}
