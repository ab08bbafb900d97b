/** What a KeyRing object keeps: the keys' times and public halves, the sealed private halves, and one row about the ring itself. */
import type { Caller } from '../../core/admin/caller.ts';
import type { SigningAlgorithm } from '../../core/resources.ts';
import { maySignAgain, type Ring, type RingKey, type Rotation } from './rotation.ts';
import type { PublishedJwk, Sealed } from './seal.ts';

export interface StoredRing {
  readonly projectNumber: string;
  /** Grows by one with each change: two changes that began at the same state cannot both be written. */
  readonly generation: number;
  readonly keys: Ring;
  /** The commands whose announcements are still owed, oldest first. */
  readonly owed: readonly OwedAnnouncement[];
}

/** A command that was carried out, and who gave it. */
export interface RotationCommand extends Rotation {
  readonly caller?: Caller;
}

export interface OwedAnnouncement extends RotationCommand {
  /** Of the ring after the command: its name among what is owed. */
  readonly generation: number;
}

export interface Change {
  readonly projectNumber: string;
  /** 0 for a ring that did not exist. */
  readonly fromGeneration: number;
  readonly keys: Ring;
  readonly made: readonly { readonly jwk: PublishedJwk; readonly sealed: Sealed }[];
  readonly command?: RotationCommand;
}

export interface RingFault {
  readonly atMs: number;
  readonly what: string;
  /** In a row: how patient the next try is. */
  readonly failures: number;
}

const TABLES = `
  CREATE TABLE IF NOT EXISTS ring (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    project_number TEXT NOT NULL,
    generation INTEGER NOT NULL CHECK (generation >= 1),
    owed TEXT CHECK (json_valid(owed)),
    fault TEXT,
    fault_at_ms INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE IF NOT EXISTS signing_key (
    kid TEXT PRIMARY KEY,
    alg TEXT NOT NULL CHECK (alg IN ('ES256', 'RS256')),
    publish_time_ms INTEGER NOT NULL,
    sign_from_ms INTEGER NOT NULL CHECK (sign_from_ms >= publish_time_ms),
    sign_until_ms INTEGER NOT NULL CHECK (sign_until_ms >= sign_from_ms),
    distrusted_at_ms INTEGER,
    public_jwk TEXT NOT NULL CHECK (json_valid(public_jwk))
  ) STRICT;
  CREATE TABLE IF NOT EXISTS private_half (
    kid TEXT PRIMARY KEY,
    iv BLOB NOT NULL CHECK (length(iv) = 12),
    ciphertext BLOB NOT NULL
  ) STRICT`;

export class RingStore {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
  }

  /** Undefined, and nothing written, where no ring was ever made. */
  read(): StoredRing | undefined {
    if (!this.#exists()) return undefined;
    const [row] = this.#sql
      .exec<{ project_number: string; generation: number; owed: string }>(
        `SELECT project_number, generation, coalesce(owed, '[]') AS owed FROM ring`,
      )
      .toArray();
    if (row === undefined) return undefined;
    const owed: readonly OwedAnnouncement[] = JSON.parse(row.owed);
    return { projectNumber: row.project_number, generation: row.generation, keys: this.#keys(), owed };
  }

  /** All of the change or none of it; false where the ring is no longer the one that the change began from. */
  commit(change: Change, nowMs: number): boolean {
    return this.#storage.transactionSync(() => {
      this.#sql.exec(TABLES);
      const before = this.read();
      if ((before?.generation ?? 0) !== change.fromGeneration) return false;
      const generation = change.fromGeneration + 1;
      this.#sql.exec(
        `INSERT INTO ring (id, project_number, generation) VALUES (1, ?, ?)
         ON CONFLICT (id) DO UPDATE SET generation = excluded.generation`,
        change.projectNumber,
        generation,
      );
      if (change.command !== undefined) this.#owe([...(before?.owed ?? []), { ...change.command, generation }]);
      this.#writeKeys(change, nowMs);
      return true;
    });
  }

  /** The same keys under another seal; false as for `commit`. */
  reseal(fromGeneration: number, anew: ReadonlyMap<string, Sealed>): boolean {
    return this.#storage.transactionSync(() => {
      if (this.read()?.generation !== fromGeneration) return false;
      for (const [kid, { iv, ciphertext }] of anew) {
        this.#sql.exec('UPDATE private_half SET iv = ?, ciphertext = ? WHERE kid = ?', iv, ciphertext, kid);
      }
      this.#sql.exec('UPDATE ring SET generation = generation + 1');
      return true;
    });
  }

  sealed(): ReadonlyMap<string, Sealed> {
    const rows = this.#sql
      .exec<{ kid: string; iv: ArrayBuffer; ciphertext: ArrayBuffer }>('SELECT kid, iv, ciphertext FROM private_half')
      .toArray();
    return new Map(
      rows.map((row) => [row.kid, { iv: new Uint8Array(row.iv), ciphertext: new Uint8Array(row.ciphertext) }]),
    );
  }

  publicJwks(): ReadonlyMap<string, PublishedJwk> {
    const rows = this.#sql
      .exec<{ kid: string; public_jwk: string }>('SELECT kid, public_jwk FROM signing_key')
      .toArray();
    return new Map(
      rows.map((row) => {
        const jwk: PublishedJwk = JSON.parse(row.public_jwk);
        return [row.kid, jwk];
      }),
    );
  }

  /** This one has been announced; a command that came in between is still owed. */
  announced(generation: number): void {
    this.#owe((this.read()?.owed ?? []).filter((announcement) => announcement.generation !== generation));
  }

  fault(): RingFault | undefined {
    if (!this.#exists()) return undefined;
    const [row] = this.#sql
      .exec<{ fault: string | null; fault_at_ms: number; failures: number }>(
        'SELECT fault, fault_at_ms, failures FROM ring',
      )
      .toArray();
    if (row === undefined || row.fault === null) return undefined;
    return { atMs: row.fault_at_ms, what: row.fault, failures: row.failures };
  }

  recordFault(what: string, atMs: number): void {
    this.#sql.exec('UPDATE ring SET fault = ?, fault_at_ms = ?, failures = failures + 1', what.slice(0, 500), atMs);
  }

  clearFault(): void {
    this.#sql.exec('UPDATE ring SET fault = NULL, failures = 0 WHERE fault IS NOT NULL');
  }

  #owe(owed: readonly OwedAnnouncement[]): void {
    this.#sql.exec('UPDATE ring SET owed = ?', JSON.stringify(owed));
  }

  #exists(): boolean {
    return this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'ring'`).toArray().length > 0;
  }

  #keys(): Ring {
    const rows = this.#sql
      .exec<{
        kid: string;
        alg: SigningAlgorithm;
        publish_time_ms: number;
        sign_from_ms: number;
        sign_until_ms: number;
        distrusted_at_ms: number | null;
      }>(
        `SELECT kid, alg, publish_time_ms, sign_from_ms, sign_until_ms, distrusted_at_ms FROM signing_key
         ORDER BY alg, sign_from_ms, sign_until_ms, kid`,
      )
      .toArray();
    return rows.map((row): RingKey => {
      const key = {
        kid: row.kid,
        alg: row.alg,
        publishTimeMs: row.publish_time_ms,
        signFromMs: row.sign_from_ms,
        signUntilMs: row.sign_until_ms,
      };
      return row.distrusted_at_ms === null ? key : { ...key, distrustedAtMs: row.distrusted_at_ms };
    });
  }

  #writeKeys(change: Change, nowMs: number): void {
    const made = new Map(change.made.map((key) => [key.jwk.kid, key]));
    for (const key of change.keys) {
      const { signFromMs, signUntilMs, distrustedAtMs = null } = key;
      const fresh = made.get(key.kid);
      if (fresh === undefined) {
        this.#sql.exec(
          'UPDATE signing_key SET sign_from_ms = ?, sign_until_ms = ?, distrusted_at_ms = ? WHERE kid = ?',
          signFromMs,
          signUntilMs,
          distrustedAtMs,
          key.kid,
        );
        continue;
      }
      this.#sql.exec(
        'INSERT INTO signing_key VALUES (?, ?, ?, ?, ?, ?, ?)',
        key.kid,
        key.alg,
        key.publishTimeMs,
        signFromMs,
        signUntilMs,
        distrustedAtMs,
        JSON.stringify(fresh.jwk),
      );
      const { iv, ciphertext } = fresh.sealed;
      this.#sql.exec('INSERT INTO private_half VALUES (?, ?, ?)', key.kid, iv, ciphertext);
    }
    this.#forget(change.keys, nowMs);
  }

  /** A key that left the ring goes entirely; one that will never sign again loses its private half, sealed or not. */
  #forget(keys: Ring, nowMs: number): void {
    const kept = JSON.stringify(keys.map((key) => key.kid));
    const signing = JSON.stringify(keys.filter((key) => maySignAgain(keys, key, nowMs)).map((key) => key.kid));
    this.#sql.exec('DELETE FROM signing_key WHERE kid NOT IN (SELECT value FROM json_each(?))', kept);
    this.#sql.exec('DELETE FROM private_half WHERE kid NOT IN (SELECT value FROM json_each(?))', signing);
  }
}
