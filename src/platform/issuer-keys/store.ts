/** What an IssuerKeys object keeps: one row about the issuer, its last good keys, and what changed. Nothing of it exists before the first write. */
import type { PublicJwk } from '../../core/resources.ts';
import type { DiscoveredKeys, DiscoveryProvider, KeySetEvent } from './discovered.ts';
import { staleAfterMs } from './timing.ts';

/** How it stands with the issuer. */
export interface IssuerState {
  /** The object's name, for an alarm that is not told it. */
  readonly name: string;
  readonly issuerUri: string;
  readonly maxStaleSeconds: number;
  /** Of the last attempt: when it ended, or while it lasts when it began. */
  readonly attemptedAtMs: number;
  /** When the next one is due. */
  readonly dueAtMs: number;
  readonly failuresInARow: number;
  /** Empty where the last attempt was good. */
  readonly lastError: string;
  readonly warnings: readonly string[];
  /** The copy in KV is behind. */
  readonly copyOwed: boolean;
}

/** A set as it was fetched and found good. */
export interface GoodSet {
  readonly jwksUri: string;
  readonly keys: readonly PublicJwk[];
  readonly warnings: readonly string[];
  readonly maxAgeSeconds: number;
  readonly fetchedAtMs: number;
  readonly dueAtMs: number;
}

const KEPT_EVENTS = 100;
const MAX_REASON = 2_000;

const TABLES = `
  CREATE TABLE IF NOT EXISTS issuer (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL,
    issuer_uri TEXT NOT NULL,
    max_stale_seconds INTEGER NOT NULL CHECK (max_stale_seconds >= 0),
    attempted_at_ms INTEGER NOT NULL,
    due_at_ms INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    last_error TEXT NOT NULL DEFAULT '',
    warnings TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(warnings)),
    copy_owed INTEGER NOT NULL DEFAULT 0 CHECK (copy_owed IN (0, 1))
  ) STRICT;
  CREATE TABLE IF NOT EXISTS key_set (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    issuer_uri TEXT NOT NULL,
    jwks_uri TEXT NOT NULL,
    fetched_at_ms INTEGER NOT NULL,
    max_age_seconds INTEGER NOT NULL CHECK (max_age_seconds >= 1),
    keys TEXT NOT NULL CHECK (json_valid(keys))
  ) STRICT;
  CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    what TEXT NOT NULL CHECK (what IN ('changed', 'failed', 'forgotten')),
    added TEXT NOT NULL CHECK (json_valid(added)),
    removed TEXT NOT NULL CHECK (json_valid(removed)),
    reason TEXT NOT NULL
  ) STRICT`;

export class IssuerKeysStore {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
  }

  /** Undefined, and nothing written, where no provider with discovery was ever seen, or none is there any more. */
  state(): IssuerState | undefined {
    if (!this.#exists()) return undefined;
    const [row] = this.#sql
      .exec<{
        name: string;
        issuer_uri: string;
        max_stale_seconds: number;
        attempted_at_ms: number;
        due_at_ms: number;
        failures: number;
        last_error: string;
        warnings: string;
        copy_owed: number;
      }>('SELECT * FROM issuer')
      .toArray();
    if (row === undefined) return undefined;
    const warnings: readonly string[] = JSON.parse(row.warnings);
    return {
      name: row.name,
      issuerUri: row.issuer_uri,
      maxStaleSeconds: row.max_stale_seconds,
      attemptedAtMs: row.attempted_at_ms,
      dueAtMs: row.due_at_ms,
      failuresInARow: row.failures,
      lastError: row.last_error,
      warnings,
      copyOwed: row.copy_owed === 1,
    };
  }

  /** The last good keys, good or stale. */
  keys(): DiscoveredKeys | undefined {
    const state = this.state();
    if (state === undefined) return undefined;
    const [row] = this.#sql
      .exec<{
        issuer_uri: string;
        jwks_uri: string;
        fetched_at_ms: number;
        max_age_seconds: number;
        keys: string;
      }>('SELECT * FROM key_set')
      .toArray();
    if (row === undefined) return undefined;
    const keys: readonly PublicJwk[] = JSON.parse(row.keys);
    return {
      issuerUri: row.issuer_uri,
      jwksUri: row.jwks_uri,
      keys,
      fetchedAtMs: row.fetched_at_ms,
      maxAgeSeconds: row.max_age_seconds,
      staleAfterMs: staleAfterMs(row.fetched_at_ms, row.max_age_seconds, state.maxStaleSeconds),
      nextRefreshMs: state.dueAtMs,
    };
  }

  /** Newest first. */
  events(): readonly KeySetEvent[] {
    if (!this.#exists()) return [];
    return this.#sql
      .exec<{ at_ms: number; what: KeySetEvent['what']; added: string; removed: string; reason: string }>(
        'SELECT at_ms, what, added, removed, reason FROM event ORDER BY id DESC',
      )
      .toArray()
      .map((row): KeySetEvent => {
        const added: readonly string[] = JSON.parse(row.added);
        const removed: readonly string[] = JSON.parse(row.removed);
        return { atMs: row.at_ms, what: row.what, added, removed, reason: row.reason };
      });
  }

  /** Before anything is asked upstream: an attempt that is lost with its instance counts all the same. */
  begin(name: string, provider: DiscoveryProvider, nowMs: number, retryAtMs: number): void {
    this.#storage.transactionSync(() => {
      this.#sql.exec(TABLES);
      this.#sql.exec(
        `INSERT INTO issuer (id, name, issuer_uri, max_stale_seconds, attempted_at_ms, due_at_ms)
         VALUES (1, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET
           issuer_uri = excluded.issuer_uri, max_stale_seconds = excluded.max_stale_seconds,
           attempted_at_ms = excluded.attempted_at_ms, due_at_ms = excluded.due_at_ms`,
        name,
        provider.issuerUri,
        provider.maxStaleSeconds,
        nowMs,
        retryAtMs,
      );
    });
  }

  /** Replaces the whole set: what the issuer dropped is dropped (CVE-2025-22149). */
  succeeded(set: GoodSet): void {
    this.#storage.transactionSync(() => {
      const before = this.keys()?.keys ?? [];
      this.#sql.exec(
        `INSERT INTO key_set (id, issuer_uri, jwks_uri, fetched_at_ms, max_age_seconds, keys)
         SELECT 1, issuer_uri, ?, ?, ?, ? FROM issuer WHERE id = 1
         ON CONFLICT (id) DO UPDATE SET
           issuer_uri = excluded.issuer_uri, jwks_uri = excluded.jwks_uri, fetched_at_ms = excluded.fetched_at_ms,
           max_age_seconds = excluded.max_age_seconds, keys = excluded.keys`,
        set.jwksUri,
        set.fetchedAtMs,
        set.maxAgeSeconds,
        JSON.stringify(set.keys),
      );
      this.#sql.exec(
        `UPDATE issuer SET attempted_at_ms = ?, due_at_ms = ?, failures = 0, last_error = '', warnings = ?, copy_owed = 1`,
        set.fetchedAtMs,
        set.dueAtMs,
        JSON.stringify(set.warnings),
      );
      this.#recordChange(set.fetchedAtMs, before, set.keys);
    });
  }

  /** The last good keys stay. The same failure again is no new event. */
  failed(reason: string, atMs: number, retryAtMs: number): void {
    const short = reason.slice(0, MAX_REASON);
    this.#storage.transactionSync(() => {
      if (this.state()?.lastError !== short) this.#record(atMs, 'failed', [], [], short);
      this.#sql.exec(
        'UPDATE issuer SET attempted_at_ms = ?, due_at_ms = ?, failures = failures + 1, last_error = ?',
        atMs,
        retryAtMs,
        short,
      );
    });
  }

  /** The keys are nobody's any more. */
  forgetKeys(reason: string, atMs: number): void {
    this.#storage.transactionSync(() => {
      const before = this.keys()?.keys ?? [];
      this.#sql.exec('DELETE FROM key_set');
      if (before.length > 0) this.#record(atMs, 'forgotten', [], before.map(told), reason);
    });
  }

  /** There is no such provider any more; what happened stays readable. */
  forgetIssuer(): void {
    this.#sql.exec('DELETE FROM issuer');
  }

  due(atMs: number): void {
    this.#sql.exec('UPDATE issuer SET due_at_ms = ?', atMs);
  }

  copied(fetchedAtMs: number): void {
    this.#sql.exec(
      'UPDATE issuer SET copy_owed = 0 WHERE EXISTS (SELECT 1 FROM key_set WHERE fetched_at_ms = ?)',
      fetchedAtMs,
    );
  }

  #recordChange(atMs: number, before: readonly PublicJwk[], after: readonly PublicJwk[]): void {
    const [had, has] = [before.map(told), after.map(told)];
    const added = has.filter((key) => !had.includes(key));
    const removed = had.filter((key) => !has.includes(key));
    if (added.length + removed.length > 0) this.#record(atMs, 'changed', added, removed, '');
  }

  #record(
    atMs: number,
    what: KeySetEvent['what'],
    added: readonly string[],
    removed: readonly string[],
    reason: string,
  ): void {
    this.#sql.exec(
      'INSERT INTO event (at_ms, what, added, removed, reason) VALUES (?, ?, ?, ?, ?)',
      atMs,
      what,
      JSON.stringify(added),
      JSON.stringify(removed),
      reason,
    );
    this.#sql.exec('DELETE FROM event WHERE id <= (SELECT max(id) FROM event) - ?', KEPT_EVENTS);
  }

  #exists(): boolean {
    return this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'issuer'`).toArray().length > 0;
  }
}

function told(key: PublicJwk): string {
  return `${key.kid} ${key.thumbprint}`;
}
