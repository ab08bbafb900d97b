/** What the parts of a Registry object share: the world they see, patience with others, and turns. */
import type { ApplyContext } from '../../core/admin/state.ts';
import { readSettings } from '../settings.ts';

/** What an object lends to the parts it is made of. `env` is asked each time: secrets may differ from one start to the next. */
export interface Host {
  readonly ctx: DurableObjectState;
  readonly env: () => Env;
  readonly nowMs: () => number;
}

/** The moment, as the pure functions want it. */
export function applyContext(host: Host, epoch: number): ApplyContext {
  const settings = readSettings(host.env());
  return {
    time: new Date(host.nowMs()).toISOString(),
    epoch,
    newUid: () => crypto.randomUUID(),
    loopbackIssuersAllowed: settings.ok && settings.value.loopbackIssuersAllowed,
  };
}

const PATIENCE_MS = 10_000;

/** Another object or KV that never answers must not hold up everything that waits its turn behind it. */
export async function withPatience<P extends PromiseLike<unknown>>(work: P): Promise<Awaited<P>> {
  let timer: number | null = null;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

/** One after the other: two deliveries in flight could arrive in the wrong order, and two puts to one key certainly do. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
