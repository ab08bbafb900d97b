/** Who reads what happened sees at once what this isolate knows of; what others remember is with the object within seconds. */
import type { RecentSender } from './recent-sender.ts';

export function flushedFirst<Wanted, Page>(
  sender: Pick<RecentSender, 'flush'>,
  read: (projectNumber: string, wanted: Wanted) => Promise<Page>,
): (projectNumber: string, wanted: Wanted) => Promise<Page> {
  return async (projectNumber, wanted) => {
    await sender.flush(projectNumber);
    return read(projectNumber, wanted);
  };
}
