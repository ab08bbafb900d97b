/** Reading a project's usage, for administrators: where the object does not answer, that is said. */
import type { UsagePage, UsageWanted } from '../../core/usage-page.ts';
import { within } from '../within.ts';
import type { Quota } from './object.ts';

const PATIENCE_MS = 5_000;

/** Rejects where nobody answers. */
export function createUsageReader(namespace: {
  getByName(name: string): Pick<Quota, 'usagePoints'>;
}): (projectNumber: string, wanted: UsageWanted) => Promise<UsagePage> {
  return async (projectNumber, wanted) => {
    const page: UsagePage = JSON.parse(
      await within(PATIENCE_MS, namespace.getByName(projectNumber).usagePoints(wanted)),
    );
    return page;
  };
}
