/** Configuration on its way to the edge: what is in force is put into KV as records, and again before they run out. */
import { macKeys, type MacKeys } from '../sealed-record.ts';
import { within } from '../within.ts';
import type { Copies } from './copies.ts';
import type { FaultLog } from './faults.ts';
import { type Host, PATIENCE_MS, Turns } from './host.ts';
import { WRONG_KEK_RETRY_MS, writableKek } from './kek.ts';
import type { Outbox } from './outbox.ts';
import type { ProjectStore } from './project-store.ts';
import { sealRecord } from './record.ts';
import { shardValue } from './shards.ts';

/** Half of this is left when a record is put again: the object may be away for twelve hours before the edge forgets. */
const RECORD_LIFE_MS = 24 * 3_600_000;
/** KV lets go of a record a while after nobody may believe it any more. */
const RECORD_EXPIRATION_TTL_SECONDS = RECORD_LIFE_MS / 1_000 + 3_600;
/** Puts in one go: below the 50 calls to other services that the smallest plan grants to one invocation. */
export const PUTS_IN_ONE_GO = 30;
const FAULTY_PUTS_RETRY_MS = 5_000;

interface Parts {
  readonly host: Host;
  readonly store: ProjectStore;
  readonly outbox: Outbox;
  readonly copies: Copies;
  readonly faults: FaultLog;
}

export class Puts {
  readonly #parts: Parts;
  /** Whoever takes records away waits here too, or a put that is on its way would come after. */
  readonly turns = new Turns();
  #notBeforeMs = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Puts what is due, unless something is not in force yet: the edge must not learn from KV what was not announced. Never rejects. */
  putDue(): Promise<void> {
    const { host, store, outbox, copies } = this.#parts;
    return this.turns.take(async () => {
      try {
        const nowMs = host.nowMs();
        if (!store.exists() || !outbox.isEmpty() || nowMs < this.#notBeforeMs) return;
        const due = copies.due(nowMs, PUTS_IN_ONE_GO);
        if (due.length === 0) return;
        const kek = await writableKek(host.env(), store.kekCheck());
        if (!kek.ok) {
          this.#notBeforeMs = nowMs + WRONG_KEK_RETRY_MS;
          throw new Error('EDGE_STS_KEK is not the key of this state: no record was put');
        }
        store.setKekCheck(kek.value.check);
        store.history.reseal(kek.value.history, store.subject());
        const keys = await macKeys(kek.value.keks);
        await Promise.all(due.map((key) => this.#put(keys, key)));
      } catch (fault) {
        // Not by each put for itself, so nothing else keeps the alarm from coming back at once.
        this.#notBeforeMs = Math.max(this.#notBeforeMs, host.nowMs() + FAULTY_PUTS_RETRY_MS);
        this.#recordFault('put', fault);
      }
    });
  }

  dueAtMs(): number | undefined {
    const copiesDueAtMs = this.#parts.copies.dueAtMs();
    return copiesDueAtMs === undefined ? undefined : Math.max(copiesDueAtMs, this.#notBeforeMs);
  }

  async #put(keys: MacKeys, key: string): Promise<void> {
    const { host, store, copies } = this.#parts;
    try {
      const epoch = store.epoch();
      const value = shardValue(store, key);
      const notAfterMs = host.nowMs() + RECORD_LIFE_MS;
      const text = await sealRecord(keys, { key, epoch, notAfterMs, body: JSON.stringify(value) });
      const options = { expirationTtl: RECORD_EXPIRATION_TTL_SECONDS };
      await within(PATIENCE_MS, host.env().CACHE.put(key, text, options));
      copies.put(key, epoch, host.nowMs());
      // KV lets a tombstone go by itself, and nobody is led to that key any more.
      if (value === null) copies.forget(key, epoch);
    } catch (fault) {
      copies.failed(key, host.nowMs());
      this.#recordFault(`put ${key}`, fault);
    }
  }

  #recordFault(step: string, fault: unknown): void {
    this.#parts.faults.record(this.#parts.host.nowMs(), step, fault);
  }
}
