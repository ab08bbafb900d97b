/** What the parts of a Registry object share: the world they see, patience with others, and turns. */
import type { Caller } from '../../core/admin/caller.ts';
import type { ApplyContext } from '../../core/admin/state.ts';
import { readSettings } from '../settings.ts';
import { thumbprintOf } from '../thumbprint.ts';

/** What an object lends to the parts it is made of. `env` is asked each time: secrets may differ from one start to the next. */
export interface Host {
  readonly ctx: DurableObjectState;
  readonly env: () => Env;
  readonly nowMs: () => number;
  /** A line for whoever watches. */
  readonly alert: (line: string) => void;
}

/** The moment, as the pure functions want it. */
export function applyContext(host: Host, epoch: number, caller: Caller): ApplyContext {
  const settings = readSettings(host.env());
  return {
    time: new Date(host.nowMs()).toISOString(),
    epoch,
    caller,
    newUid: () => crypto.randomUUID(),
    loopbackIssuersAllowed: settings.ok && settings.value.loopbackIssuersAllowed,
    ownHost: settings.ok ? new URL(settings.value.publicOrigin).host : '',
    thumbprintOf,
  };
}

/** For other objects and KV, off the path of an exchange. */
export const PATIENCE_MS = 10_000;
/** Administrators wait for this one. */
export const DELIVERY_PATIENCE_MS = 5_000;

/** One after the other: two puts to one key in flight arrive in any order. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
