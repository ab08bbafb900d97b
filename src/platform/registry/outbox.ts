/** Epochs that are saved and not yet in force: written with the change itself, taken out when the Quota object has them. */
import { MAX_RECENT_CHANGES, type EpochChange } from '../../core/news.ts';

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

export class Outbox {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  createTables(): void {
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS outbox (epoch INTEGER PRIMARY KEY, shards TEXT NOT NULL) STRICT;
       CREATE TABLE IF NOT EXISTS delivery (
         one INTEGER PRIMARY KEY CHECK (one = 1), failures INTEGER NOT NULL, due_at_ms INTEGER NOT NULL
       ) STRICT`,
    );
  }

  add(change: EpochChange, nowMs: number): void {
    this.#sql.exec('INSERT INTO outbox (epoch, shards) VALUES (?, ?)', change.epoch, JSON.stringify(change.shards));
    this.#sql.exec(
      'INSERT INTO delivery (one, failures, due_at_ms) VALUES (1, 0, ?) ON CONFLICT (one) DO NOTHING',
      nowMs,
    );
    // The writer delivers at once; this is for the case that he does not live to do it.
    this.#sql.exec('UPDATE delivery SET due_at_ms = ? WHERE failures = 0', nowMs + FIRST_RETRY_MS);
  }

  /** The newest ones only: news reaches no further back, and what is left out shows as a gap, which is doubt, which is a read. */
  undelivered(): EpochChange[] {
    const rows = this.#sql.exec<{ epoch: number; shards: string }>(
      'SELECT epoch, shards FROM (SELECT epoch, shards FROM outbox ORDER BY epoch DESC LIMIT ?) ORDER BY epoch',
      MAX_RECENT_CHANGES,
    );
    return [...rows].map((row) => {
      const shards: readonly string[] = JSON.parse(row.shards);
      return { epoch: row.epoch, shards };
    });
  }

  isEmpty(): boolean {
    return !this.holds(Number.MAX_SAFE_INTEGER);
  }

  /** Is anything of `epoch` or before it not in force? */
  holds(epoch: number): boolean {
    return this.#sql.exec('SELECT 1 FROM outbox WHERE epoch <= ? LIMIT 1', epoch).toArray().length > 0;
  }

  delivered(epoch: number): void {
    this.#sql.exec('DELETE FROM outbox WHERE epoch <= ?', epoch);
    this.#sql.exec('UPDATE delivery SET failures = 0');
  }

  failed(nowMs: number): void {
    this.#sql.exec(
      'UPDATE delivery SET due_at_ms = ? + min(? << min(failures, 10), ?), failures = failures + 1',
      nowMs,
      FIRST_RETRY_MS,
      LONGEST_RETRY_MS,
    );
  }

  /** When the alarm has to try again, if at all. */
  dueAtMs(): number | undefined {
    if (this.isEmpty()) return undefined;
    return this.#sql.exec<{ due_at_ms: number }>('SELECT due_at_ms FROM delivery').toArray()[0]?.due_at_ms;
  }
}
