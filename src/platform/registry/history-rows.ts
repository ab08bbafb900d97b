/** The history in SQLite: entries that are only ever added, the oldest let go of when there are too many, and the sealed end of their chain. */
import { type Caller, THE_BROKER } from '../../core/admin/caller.ts';
import type { HistoryEntry, HistoryFault, HistoryHead } from '../../core/admin/history/entry.ts';
import { FIRST_HASH, hashOf, type Head, type HistoryKeys, isSealed, sealOf } from './history-chain.ts';
import { HISTORY_LIMITS } from './limits.ts';

export interface Circumstances {
  readonly epoch: number;
  readonly time: string;
  readonly caller: Caller;
  readonly command: string;
}

/** What the history cannot know by itself. */
export interface KnownApart {
  /** What is wrong with the state that the change was made to. */
  readonly doubt?: string;
  /** There were changes before: a history without any has lost them. */
  readonly hasBegun?: boolean;
}

export type Trace = Pick<HistoryEntry, 'resource' | 'before' | 'after'>;

interface Row extends Record<string, SqlStorageValue> {
  readonly seq: number;
  readonly epoch: number;
  readonly time: string;
  readonly actor: string;
  readonly address: string;
  readonly request_id: string;
  readonly command: string;
  readonly resource: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly hash: string;
}

interface HeadRow extends Record<string, SqlStorageValue> {
  readonly seq: number;
  readonly hash: string;
  readonly base_seq: number;
  readonly base_hash: string;
  readonly bytes: number;
  readonly epoch: number;
  readonly doubt: string;
  readonly seal: string;
}

/** Of an entry from before there was a chain. */
interface OldRow extends Record<string, SqlStorageValue> {
  readonly epoch: number;
  readonly position: number;
  readonly time: string;
  readonly actor: string;
  readonly command: string;
  readonly resource: string;
  readonly before: string | null;
  readonly after: string | null;
}

const DOUBT = /^([0-9]{1,15}) (.+)$/s;
const MAX_NAMED_FAULTS = 10;
/** About what an entry takes beside its bodies. */
const ROW_CHARACTERS = 300;

const TABLES = `
  CREATE TABLE history (
    seq INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    position INTEGER NOT NULL,
    time TEXT NOT NULL,
    actor TEXT NOT NULL,
    address TEXT NOT NULL,
    request_id TEXT NOT NULL,
    command TEXT NOT NULL,
    resource TEXT NOT NULL,
    before TEXT,
    after TEXT,
    hash TEXT NOT NULL,
    UNIQUE (epoch, position)
  ) STRICT;
  CREATE TABLE history_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL,
    base_seq INTEGER NOT NULL,
    base_hash TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    doubt TEXT NOT NULL,
    seal TEXT NOT NULL
  ) STRICT`;

export class HistoryRows {
  readonly #sql: SqlStorage;
  readonly #limits: typeof HISTORY_LIMITS;

  constructor(sql: SqlStorage, limits: typeof HISTORY_LIMITS = HISTORY_LIMITS) {
    this.#sql = sql;
    this.#limits = limits;
  }

  exists(): boolean {
    return this.#form()?.includes('hash TEXT') === true;
  }

  /** Adds what one change did, and seals the new end. What was wrong before is not healed by that: it is written down in the seal. */
  add(
    keys: HistoryKeys,
    subject: string,
    change: Circumstances,
    traces: readonly Trace[],
    { doubt = '', hasBegun = false }: KnownApart = {},
  ): readonly HistoryFault[] {
    const faults: HistoryFault[] = hasBegun && this.#isEmpty() ? [ALL_MISSING] : [];
    this.#open(keys, subject, change);
    faults.push(...this.#endFaults(keys, subject));
    let head = this.#head();
    const last = this.#row('SELECT * FROM history ORDER BY seq DESC LIMIT 1');
    if (faults.length > 0) head = { ...head, sequence: Math.max(head.sequence, last?.seq ?? 0) };
    const found = [doubt, ...faults.map((fault) => fault.description)].filter((text) => text !== '').join('; ');
    // Where nothing is left, it stands at the entry that is made now.
    const through = Math.max(head.sequence, head.baseSequence + 1);
    if (found !== '') head = { ...head, doubt: `${through} found at ${change.time}: ${found}` };
    for (const trace of traces) head = this.#append(head, change, trace);
    head = this.#prune(head, change.epoch);
    this.#seal(keys, subject, { ...head, epoch: change.epoch });
    return faults;
  }

  /** The KEK is another one from now on: what was sealed under the one before is sealed under this one, and nothing else is. */
  reseal(keys: HistoryKeys, subject: string): void {
    const head = this.exists() ? this.#headRow() : undefined;
    if (head === undefined || !isSealed(keys, subject, headOf(head), head.seal)) return;
    if (sealOf(keys.current, subject, headOf(head)) !== head.seal) this.#seal(keys, subject, headOf(head));
  }

  /** The whole chain, entry by entry. `epoch`: the one that the object stands at, where it has one. */
  faults(
    keys: HistoryKeys,
    subject: string,
    epoch?: number,
    hasBegun = epoch !== undefined && epoch > 0,
  ): readonly HistoryFault[] {
    if (this.#isEmpty()) return hasBegun ? [ALL_MISSING] : [];
    const head = this.#head();
    const atEnd = this.#endFaults(keys, subject);
    // What is not sealed is not repeated: its words are not ours.
    const faults = [...atEnd, ...(atEnd.some((fault) => fault.sequence === undefined) ? [] : doubtsOf(head))];
    if (epoch !== undefined && head.epoch !== epoch)
      faults.push({ description: 'the end of the history is of another epoch than its object' });
    let { baseSequence: sequence, baseHash: hash } = head;
    for (const row of this.#sql.exec<Row>('SELECT * FROM history ORDER BY seq')) {
      if (faults.length >= MAX_NAMED_FAULTS) break;
      if (row.seq !== sequence + 1)
        faults.push({ sequence: sequence + 1, description: 'entries are missing or put in' });
      else if (hashOf(entryOf(row), hash) !== row.hash) {
        faults.push({ sequence: row.seq, description: 'the entry, or the one before it, was altered' });
      }
      ({ seq: sequence, hash } = row);
    }
    return faults.slice(0, MAX_NAMED_FAULTS);
  }

  list(page: {
    readonly before?: number;
    readonly pageSize: number;
    readonly resource?: string;
  }): readonly HistoryHead[] {
    if (!this.exists()) return [];
    const rows = this.#sql.exec<Row>(
      `SELECT seq, epoch, time, actor, address, request_id, command, resource FROM history
       WHERE seq < ? AND (?2 = '' OR resource = ?2) ORDER BY seq DESC LIMIT ?3`,
      page.before ?? Number.MAX_SAFE_INTEGER,
      page.resource ?? '',
      page.pageSize,
    );
    return [...rows].map(headOfEntry);
  }

  entry(sequence: number): HistoryEntry | undefined {
    const row = this.exists() ? this.#row('SELECT * FROM history WHERE seq = ?', sequence) : undefined;
    return row && entryOf(row);
  }

  /** Of all changes after one epoch, up to another, in their order. */
  *between(after: number, through = Number.MAX_SAFE_INTEGER): Generator<Trace> {
    const rows = this.#sql.exec<Row>(
      'SELECT * FROM history WHERE epoch > ? AND epoch <= ? ORDER BY seq',
      after,
      through,
    );
    for (const { resource, before, after: then } of rows) yield { resource, before, after: then };
  }

  /** Nothing of a chain is here: no entry and no end. */
  #isEmpty(): boolean {
    if (!this.exists()) return true;
    return this.#headRow() === undefined && this.#row('SELECT * FROM history LIMIT 1') === undefined;
  }

  /** What can be told from the end alone, without going through all of it. */
  #endFaults(keys: HistoryKeys, subject: string): HistoryFault[] {
    const row = this.#headRow();
    const last = this.#row('SELECT * FROM history ORDER BY seq DESC LIMIT 1');
    if (row === undefined) return last === undefined ? [] : [{ description: 'the end of the history is not sealed' }];
    const head = headOf(row);
    const faults: HistoryFault[] = [];
    if (!isSealed(keys, subject, head, row.seal)) {
      faults.push({ description: 'the end of the history is not sealed by this broker' });
    }
    if ((last?.seq ?? head.baseSequence) !== head.sequence || (last?.hash ?? head.baseHash) !== head.hash) {
      faults.push({ sequence: head.sequence, description: 'the history does not end where its seal says' });
    }
    return faults;
  }

  #append(head: Head, { epoch, time, caller, command }: Circumstances, trace: Trace): Head {
    const sequence = head.sequence + 1;
    const { name: actor, address = '', requestId } = caller;
    const entry: HistoryEntry = { sequence, epoch, time, actor, address, requestId, command, ...trace };
    const hash = hashOf(entry, head.hash);
    this.#sql.exec(
      `INSERT INTO history (seq, epoch, position, time, actor, address, request_id, command, resource, before, after, hash)
       VALUES (?1, ?2, (SELECT coalesce(max(position), -1) + 1 FROM history WHERE epoch = ?2), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)`,
      sequence,
      epoch,
      time,
      actor,
      address,
      requestId,
      command,
      trace.resource,
      trace.before,
      trace.after,
      hash,
    );
    return { ...head, sequence, hash, bytes: head.bytes + sizeOf(trace) };
  }

  /** Whole changes go, oldest first, but never the one that is being written; the base moves on to where the chain now begins. */
  #prune(head: Head, newest: number): Head {
    let kept = head;
    while (kept.sequence - kept.baseSequence > this.#limits.entries || kept.bytes > this.#limits.bytes) {
      const first = this.#row('SELECT * FROM history ORDER BY seq LIMIT 1');
      if (first === undefined || first.epoch >= newest) return kept;
      const gone = [...this.#sql.exec<Row>('SELECT * FROM history WHERE epoch <= ? ORDER BY seq', first.epoch)];
      this.#sql.exec('DELETE FROM history WHERE epoch <= ?', first.epoch);
      const last = gone.at(-1) ?? first;
      const bytes = kept.bytes - gone.reduce((sum, row) => sum + sizeOf(row), 0);
      kept = { ...kept, baseSequence: last.seq, baseHash: last.hash, bytes: Math.max(0, bytes) };
    }
    return doubtsOf(kept).length === 0 ? { ...kept, doubt: '' } : kept;
  }

  #seal(keys: HistoryKeys, subject: string, head: Head): void {
    const { sequence, hash, baseSequence, baseHash, bytes, epoch, doubt } = head;
    this.#sql.exec(
      `INSERT OR REPLACE INTO history_head (one, seq, hash, base_seq, base_hash, bytes, epoch, doubt, seal)
       VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)`,
      sequence,
      hash,
      baseSequence,
      baseHash,
      bytes,
      epoch,
      doubt,
      sealOf(keys.current, subject, head),
    );
  }

  /**
   * Entries from before there was a chain are taken into it as they are found: from then on they are kept. Nobody vouches for them, for
   * whoever can write these rows could have put them here in the place of a chain.
   */
  #open(keys: HistoryKeys, subject: string, { epoch, time: now }: Circumstances): void {
    if (this.exists()) return;
    const old = this.#form();
    if (old !== undefined) this.#sql.exec('ALTER TABLE history RENAME TO history_before_chain');
    this.#sql.exec(TABLES);
    if (old === undefined) return;
    const isProject = old.includes('epoch INTEGER');
    let head = EMPTY;
    for (const row of this.#sql.exec<OldRow>(
      `SELECT * FROM history_before_chain ORDER BY ${isProject ? 'epoch, ' : ''}position`,
    )) {
      const { time, actor, command, before, after } = row;
      const caller: Caller = { ...THE_BROKER, name: actor };
      const change = { epoch: row.epoch ?? row.position, time, caller, command };
      head = { ...this.#append(head, change, { resource: row.resource ?? '', before, after }), epoch: change.epoch };
    }
    this.#sql.exec('DROP TABLE history_before_chain');
    const doubt = `${head.sequence} found at ${now}: entries are from before there was a chain`;
    this.#seal(keys, subject, { ...head, epoch, doubt });
  }

  #head(): Head {
    const row = this.#headRow();
    return row === undefined ? EMPTY : headOf(row);
  }

  #headRow(): HeadRow | undefined {
    return this.#sql.exec<HeadRow>('SELECT * FROM history_head').toArray()[0];
  }

  #row(statement: string, ...values: SqlStorageValue[]): Row | undefined {
    return this.#sql.exec<Row>(statement, ...values).toArray()[0];
  }

  #form(): string | undefined {
    const rows = this.#sql.exec<{ sql: string }>(
      `SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'history'`,
    );
    return rows.toArray()[0]?.sql;
  }
}

/** Without a number: there is no entry since which anything could be believed. */
const ALL_MISSING: HistoryFault = { description: 'all entries are missing, or were never in a chain' };

const EMPTY: Head = {
  sequence: 0,
  hash: FIRST_HASH,
  baseSequence: 0,
  baseHash: FIRST_HASH,
  bytes: 0,
  epoch: 0,
  doubt: '',
};

function headOf(row: HeadRow): Head {
  const { seq, hash, base_seq: baseSequence, base_hash: baseHash, bytes, epoch, doubt } = row;
  return { sequence: seq, hash, baseSequence, baseHash, bytes, epoch, doubt };
}

function headOfEntry(row: Row): HistoryHead {
  const { seq: sequence, epoch, time, actor, address, request_id: requestId, command, resource } = row;
  return { sequence, epoch, time, actor, address, requestId, command, resource };
}

function entryOf(row: Row): HistoryEntry {
  return { ...headOfEntry(row), before: row.before, after: row.after };
}

/** What an earlier change found wrong, as long as any of the entries of then is still here. */
function doubtsOf({ doubt, baseSequence }: Head): readonly HistoryFault[] {
  if (doubt === '') return [];
  const [, through, found] = DOUBT.exec(doubt) ?? [];
  // Not ours, so the seal is broken too.
  if (through === undefined || found === undefined) return [{ description: 'the end of the history is not ours' }];
  const sequence = Number(through);
  return sequence <= baseSequence ? [] : [{ sequence, description: found }];
}

function sizeOf({ before, after }: Pick<Trace, 'before' | 'after'>): number {
  return (before?.length ?? 0) + (after?.length ?? 0) + ROW_CHARACTERS;
}
