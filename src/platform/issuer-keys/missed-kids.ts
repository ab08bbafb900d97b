/**
 * Kids that were looked for and not there. The cool-down already bounds what strangers can cause; this spares the issuer the one token
 * that is shown every minute for ever, such as those of a cluster that was rebuilt.
 */
import { BoundedMap } from '../../core/bounded-map.ts';
import { COOL_DOWN_MS } from './timing.ts';

const MAX_KIDS = 1_000;
/** No set is accepted with a longer one (`core/admin/jwks.ts`). */
const MAX_KID_CHARACTERS = 256;
/** Whoever signs before he publishes does so by less. */
const PATIENCE_MS = 10 * 60_000;
const HOPELESS_HOLD_MS = 5 * 60_000;

interface Missed {
  /** The fetches that lacked it: the first and the last. */
  readonly firstMs: number;
  readonly lastMs: number;
}

export class MissedKids {
  readonly #missed = new BoundedMap<Missed>(MAX_KIDS);

  /** Is another fetch for its sake not worth it now? */
  isHopeless(kid: string, nowMs: number): boolean {
    if (kid.length > MAX_KID_CHARACTERS) return true;
    const missed = this.#missed.get(kid);
    if (missed === undefined) return false;
    const holdMs = missed.lastMs - missed.firstMs >= PATIENCE_MS ? HOPELESS_HOLD_MS : COOL_DOWN_MS;
    return nowMs - missed.lastMs < holdMs;
  }

  /** A fetch that was good lacked it. */
  note(kid: string, fetchedAtMs: number): void {
    if (kid.length > MAX_KID_CHARACTERS) return;
    const firstMs = this.#missed.get(kid)?.firstMs ?? fetchedAtMs;
    this.#missed.set(kid, { firstMs, lastMs: fetchedAtMs });
  }
}
