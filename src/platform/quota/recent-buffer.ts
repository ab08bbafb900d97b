/** Exchanges that an isolate remembers until a call takes them to their project's object: bounded, and refused ones make room first. */
import { BoundedMap } from '../../core/bounded-map.ts';
import type { RecentBatch, RecentExchange } from '../../core/recent.ts';
import { RefusalShare } from '../../core/refusal-share.ts';

const MAX_PROJECTS = 50;
const MAX_RECORDS_OF_ONE_PROJECT = 200;

interface Waiting {
  records: RecentExchange[];
  /** Of them. */
  refused: number;
  dropped: number;
}

export class RecentBuffer {
  readonly #waiting = new BoundedMap<Waiting>(MAX_PROJECTS);
  readonly #share = new RefusalShare();

  /** The last word on an exchange takes the place of the one before, where that is still here. */
  add(projectNumber: string, record: RecentExchange): void {
    const waiting = this.#of(projectNumber);
    if (record.outcome === 'refused' && record.again !== true && !this.#share.admits(record, projectNumber)) {
      waiting.dropped += 1;
      return;
    }
    if (record.again === true)
      keep(
        waiting,
        waiting.records.filter(({ id }) => id !== record.id),
      );
    waiting.records.push(record);
    if (isRefused(record)) waiting.refused += 1;
    makeRoom(waiting);
  }

  /** Of grants: a busy isolate makes far more than anybody takes, and one more is as good as one of those that are here. */
  isFull(projectNumber: string): boolean {
    const waiting = this.#waiting.get(projectNumber);
    return waiting !== undefined && waiting.refused === 0 && waiting.records.length >= MAX_RECORDS_OF_ONE_PROJECT;
  }

  letGo(projectNumber: string): void {
    this.#of(projectNumber).dropped += 1;
  }

  has(projectNumber: string): boolean {
    return this.#waiting.get(projectNumber) !== undefined;
  }

  /** When the oldest exchange was. */
  oldestMs(projectNumber: string): number | undefined {
    return this.#waiting.get(projectNumber)?.records[0]?.timeMs;
  }

  count(projectNumber: string): number {
    return this.#waiting.get(projectNumber)?.records.length ?? 0;
  }

  /** All there is, which is gone from here. */
  take(projectNumber: string): RecentBatch | undefined {
    const waiting = this.#waiting.get(projectNumber);
    this.#waiting.delete(projectNumber);
    return waiting === undefined ? undefined : { records: waiting.records, dropped: waiting.dropped };
  }

  /** What a call did not bring to its end goes before what came since. */
  putBack(projectNumber: string, batch: RecentBatch): void {
    const waiting = this.#of(projectNumber);
    const saidAnew = new Set(waiting.records.map(({ id }) => id));
    const before = batch.records.filter(({ id }) => !saidAnew.has(id));
    keep(waiting, [...before, ...waiting.records]);
    waiting.dropped += batch.dropped;
    makeRoom(waiting);
  }

  #of(projectNumber: string): Waiting {
    const known = this.#waiting.get(projectNumber);
    if (known !== undefined) return known;
    const fresh: Waiting = { records: [], refused: 0, dropped: 0 };
    this.#waiting.set(projectNumber, fresh);
    return fresh;
  }
}

function keep(waiting: Waiting, records: RecentExchange[]): void {
  waiting.records = records;
  waiting.refused = records.filter(isRefused).length;
}

/** The oldest go, refused ones first: they cost nothing, and must not push out who was let in. */
function makeRoom(waiting: Waiting): void {
  const { records } = waiting;
  while (records.length > MAX_RECORDS_OF_ONE_PROJECT) {
    waiting.dropped += 1;
    if (waiting.refused === 0) records.shift();
    else {
      records.splice(records.findIndex(isRefused), 1);
      waiting.refused -= 1;
    }
  }
}

function isRefused({ outcome }: RecentExchange): boolean {
  return outcome === 'refused';
}

/** As it is sent a second time: whether the first one arrived is not known. */
export function sentAgain(batch: RecentBatch): RecentBatch {
  return { ...batch, records: batch.records.map((record) => ({ ...record, again: true })) };
}
