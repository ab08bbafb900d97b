/** Reading a project's remembered exchanges, for administrators: where the object does not answer, that is said. */
import type { RecentPage } from '../../core/recent.ts';
import { within } from '../within.ts';
import type { Quota } from './object.ts';
import type { PageWanted } from './recent-page.ts';

const PATIENCE_MS = 5_000;

/** Rejects where nobody answers. */
export function createRecentReader(namespace: {
  getByName(name: string): Pick<Quota, 'recentExchanges'>;
}): (projectNumber: string, wanted: PageWanted) => Promise<RecentPage> {
  return async (projectNumber, wanted) => {
    const page: RecentPage = JSON.parse(
      await within(PATIENCE_MS, namespace.getByName(projectNumber).recentExchanges(wanted)),
    );
    return page;
  };
}
