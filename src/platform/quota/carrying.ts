/** Questions to a Quota object take along what the isolate remembers of its exchanges; what did not arrive comes back. */
import type { RecentBatch } from '../../core/recent.ts';
import { type Asking, atMostTwice } from './asking.ts';
import { sentAgain } from './recent-buffer.ts';
import type { Cargo } from './recent-sender.ts';

export async function carrying<A extends Asking<unknown>>(
  cargo: Cargo,
  projectNumber: string,
  asking: (recent: RecentBatch | undefined) => Promise<A>,
): Promise<A> {
  const recent = cargo.take(projectNumber);
  const came = await asking(recent);
  if (recent !== undefined && came.came !== 'answer') cargo.putBack(projectNumber, recent);
  return came;
}

/** Both askings take the same, the second one said to be a repetition. */
export function carryingTwice<T>(
  cargo: Cargo,
  projectNumber: string,
  asking: (recent: RecentBatch | undefined) => Promise<Asking<T>>,
): Promise<Asking<T>> {
  return carrying(cargo, projectNumber, (recent) => {
    let sent = recent;
    return atMostTwice(() => {
      const taken = sent;
      sent = taken && sentAgain(taken);
      return asking(taken);
    });
  });
}
