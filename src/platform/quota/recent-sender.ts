/** How remembered exchanges get to their project's Quota object: with the next question to it, or, where none comes, one call a second. */
import { BoundedMap } from '../../core/bounded-map.ts';
import type { RecentBatch, RecentExchange } from '../../core/recent.ts';
import { within } from '../within.ts';
import type { Quota } from './object.ts';
import { RecentBuffer, sentAgain } from './recent-buffer.ts';

/** What a question takes along. */
export interface Cargo {
  take(projectNumber: string): RecentBatch | undefined;
  putBack(projectNumber: string, batch: RecentBatch): void;
}

export interface RecentSender extends Cargo {
  remember(projectNumber: string, record: RecentExchange): void;
}

export const NO_CARGO: Cargo = { take: () => undefined, putBack: () => undefined };

/** As much of `DurableObjectNamespace<Quota>` as is used here. */
interface Objects {
  getByName(name: string): Pick<Quota, 'remember'>;
}

const SEND_AFTER_MS = 1_000;
const PATIENCE_MS = 2_000;
/** A task that has not ended by then went with its request; another may be begun. */
const LOST_AFTER_MS = 10_000;
const MAX_TASKS = 1_000;

export function createRecentSender(deps: {
  readonly namespace: Objects;
  readonly nowMs: () => number;
  readonly wait: (ms: number) => Promise<void>;
  readonly inBackground: (work: Promise<void>) => void;
}): RecentSender {
  const buffer = new RecentBuffer();
  const begunAtMs = new BoundedMap<number>(MAX_TASKS);

  return {
    remember(projectNumber, record) {
      buffer.add(projectNumber, record);
      sendSoon(projectNumber);
    },
    take: (projectNumber) => buffer.take(projectNumber),
    putBack: (projectNumber, batch) => buffer.putBack(projectNumber, sentAgain(batch)),
  };

  /** One task a project, so never more than one call a second. */
  function sendSoon(projectNumber: string): void {
    const begun = begunAtMs.get(projectNumber);
    const nowMs = deps.nowMs();
    if (begun !== undefined && nowMs - begun < LOST_AFTER_MS) return;
    begunAtMs.set(projectNumber, nowMs);
    deps.inBackground(send(projectNumber));
  }

  /** Never rejects. What could not be sent waits for the next exchange: an object that is away is not asked on and on. */
  async function send(projectNumber: string): Promise<void> {
    await deps.wait(SEND_AFTER_MS);
    begunAtMs.delete(projectNumber);
    const batch = buffer.take(projectNumber);
    if (batch === undefined) return;
    try {
      await within(PATIENCE_MS, deps.namespace.getByName(projectNumber).remember(batch));
    } catch {
      buffer.putBack(projectNumber, sentAgain(batch));
    }
  }
}
