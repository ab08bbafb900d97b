/**
 * What a Quota object keeps: one row for the project, the rows of its ledger, the marks of tokens that are taken once. The project and the desk
 * are made from them once an instance; every row is written before the answer that rests on it.
 */
import { Desk } from '../../core/quota/desk.ts';
import { refusalsStartInMs } from '../../core/quota-forecast.ts';
import { judgeOnce, ONCE_LIFE_MS, type SpendOnce } from '../../core/quota/once.ts';
import { SHORTEST_COUNT_MS } from '../../core/quota/plan.ts';
import { type AdvanceInput, advanceProject, type QuotaProject } from '../../core/quota/project.ts';
import type { SpendAnswer, SpendAsk } from '../../core/quota/spend.ts';
import { askTogether } from '../../core/quota/together.ts';
import type { EpochChange, EpochNews } from '../../core/news.ts';
import { RECENT_RETENTION } from '../../core/recent.ts';
import { isSpendAsk } from './ask-message.ts';
import { bringOver } from './before-leases.ts';
import { LedgerRows, PROJECT_LEDGER } from './ledger-rows.ts';
import { OnceMarks } from './marks.ts';
import { OwnLimitRow } from './own-limit-row.ts';

export interface QuotaUsage {
  readonly limitPerMinute: number;
  readonly countedPermits: number;
  /** At this rate; absent: not at all. */
  readonly refusalsStartInMs?: number;
}

/** The answers about a project that no Registry ever announced. Nothing is written for it: strangers make up project numbers. */
const NO_NEWS: EpochNews = { epoch: 0, recent: [] };
const UNKNOWN_RETRY_AFTER_MS = 60_000;

const TABLES = `
  CREATE TABLE IF NOT EXISTS project (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL CHECK (epoch >= 1),
    limit_per_minute INTEGER NOT NULL CHECK (limit_per_minute >= 0),
    recent TEXT NOT NULL CHECK (json_valid(recent)),
    recent_retention_seconds INTEGER CHECK (recent_retention_seconds >= 0)
  ) STRICT`;

/** Objects that were made before exchanges were remembered have no such column. */
const RETENTION_COLUMN = 'ALTER TABLE project ADD COLUMN recent_retention_seconds INTEGER';

export class QuotaStore {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  readonly #marks: OnceMarks;
  readonly #rows: LedgerRows;
  readonly #ownLimits: OwnLimitRow;
  #project: QuotaProject | undefined;
  /** One a limit, by its name. Made anew from the rows after a write that failed: what they think is durable must be. */
  #desks = new Map<string, Desk>();

  constructor(storage: DurableObjectStorage) {
    const { sql } = storage;
    this.#storage = storage;
    this.#sql = sql;
    this.#marks = new OnceMarks(sql);
    this.#rows = new LedgerRows(sql);
    bringOver(storage);
    this.#ownLimits = new OwnLimitRow(sql);
    const exists =
      sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'ledger'`).toArray().length > 0;
    this.#project = exists ? this.#loadProject() : undefined;
  }

  /** An instance that another has replaced fails at its next row, and until then gives only what it had reserved: the other counts it. */
  spend(nowMs: number, ask: SpendAsk, chance: number): SpendAnswer {
    if (!isSpendAsk(ask)) throw new TypeError('not a question for permits');
    const project = this.#project;
    if (project === undefined) {
      return { permits: 0, lease: '', expiresAfterMs: 0, ...NO_NEWS, retryAfterMs: UNKNOWN_RETRY_AFTER_MS };
    }
    try {
      // All rows of an answer, or none: a mark alone would burn an honest token, a unit alone would let a thief in.
      return this.#storage.transactionSync(() => {
        if (ask.once !== undefined) return this.#spendOnce(project, nowMs, ask, ask.once, chance);
        return ask.limits === undefined
          ? this.#lease(project, nowMs, ask, chance)
          : this.#single(project, nowMs, ask, chance);
      });
    } catch (fault) {
      this.#desks = new Map();
      throw fault;
    }
  }

  #lease(project: QuotaProject, nowMs: number, ask: SpendAsk, chance: number): SpendAnswer {
    const { rows, ...allotted } = this.#desk(PROJECT_LEDGER).ask(ask, nowMs, project.limitPerMinute, chance);
    this.#rows.save(PROJECT_LEDGER, rows);
    return { ...allotted, ...newsOf(project) };
  }

  /** One permit, counted in each limit that there is of those named, and in the project's. */
  #single(project: QuotaProject, nowMs: number, ask: SpendAsk, chance: number): SpendAnswer {
    const { ownLimits = {}, limitPerMinute } = project;
    const own = (ask.limits ?? []).filter((name) => Object.hasOwn(ownLimits, name));
    const limits = [...own, PROJECT_LEDGER].map((name) => ({
      name,
      desk: this.#desk(name),
      limit: name === PROJECT_LEDGER ? limitPerMinute : (ownLimits[name] ?? 0),
    }));
    const { rows, ...allotted } = askTogether(limits, ask, nowMs, chance);
    for (const one of rows) this.#rows.save(one.name, one.rows);
    return { ...allotted, lease: '', ...newsOf(project) };
  }

  #spendOnce(project: QuotaProject, nowMs: number, ask: SpendAsk, once: SpendOnce, chance: number): SpendAnswer {
    this.#marks.prepare();
    const timeMs = this.#desk(PROJECT_LEDGER).timeMs(nowMs);
    const verdict = judgeOnce(this.#marks.find(once.keyHash), once.nonce, timeMs);
    const none = { permits: 0, lease: '', expiresAfterMs: 0, ...newsOf(project) };
    if (verdict.tag === 'replayed') return { ...none, replayed: true };
    if (verdict.tag === 'granted_before') return { ...none, permits: 1, expiresAfterMs: verdict.expiresAfterMs };
    const answer = this.#single(project, nowMs, ask, chance);
    // Over quota leaves no mark: the token was not taken, and may come again when there is room.
    if (answer.permits < 1) return answer;
    const expiresAfterMs = Math.min(answer.expiresAfterMs, ONCE_LIFE_MS);
    this.#marks.dropDead(timeMs);
    this.#marks.save(once, timeMs + expiresAfterMs);
    return { ...answer, expiresAfterMs };
  }

  #desk(name: string): Desk {
    const known = this.#desks.get(name);
    if (known !== undefined) return known;
    const desk = new Desk(this.#rows.load(name), crypto.randomUUID());
    this.#desks.set(name, desk);
    return desk;
  }

  /** Writes even what it already knows: an instance that another has replaced must fail here, not vouch for an epoch. */
  advance(input: AdvanceInput): number {
    const project = advanceProject(this.#project, input);
    if (project === undefined) return NO_NEWS.epoch;
    this.#sql.exec(TABLES);
    this.#rows.prepare();
    if (!this.#hasRetentionColumn()) this.#sql.exec(RETENTION_COLUMN);
    const gone = Object.keys(this.#project?.ownLimits ?? {}).filter(
      (name) => !Object.hasOwn(project.ownLimits ?? {}, name),
    );
    // What holds as of one epoch, all or nothing.
    this.#storage.transactionSync(() => {
      this.#saveProject(project);
      this.#ownLimits.save(project.ownLimits);
      if (gone.length > 0) this.#rows.keepOnly([PROJECT_LEDGER, ...Object.keys(project.ownLimits ?? {})]);
    });
    for (const name of gone) this.#desks.delete(name);
    this.#project = project;
    return project.epoch;
  }

  /** 0 where there is no project: nothing is kept for it. */
  recentRetentionMs(): number {
    if (this.#project === undefined) return 0;
    return (this.#project.recentRetentionSeconds ?? RECENT_RETENTION.unset) * 1_000;
  }

  news(): EpochNews {
    return this.#project === undefined ? NO_NEWS : newsOf(this.#project);
  }

  usage(nowMs: number): QuotaUsage {
    return {
      limitPerMinute: this.#project?.limitPerMinute ?? 0,
      countedPermits: this.#project === undefined ? 0 : this.#desk(PROJECT_LEDGER).issued(nowMs),
    };
  }

  /** In how long refusals start at this rate; undefined: not at all. */
  forecastMs(nowMs: number): number | undefined {
    const project = this.#project;
    if (project === undefined) return undefined;
    const desk = this.#desk(PROJECT_LEDGER);
    return refusalsStartInMs(
      desk.counted(nowMs),
      desk.handedPerMs(nowMs),
      nowMs,
      project.limitPerMinute,
      SHORTEST_COUNT_MS,
    );
  }

  #saveProject(project: QuotaProject): void {
    this.#sql.exec(
      `INSERT INTO project (id, epoch, limit_per_minute, recent, recent_retention_seconds) VALUES (1, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET
         epoch = excluded.epoch, limit_per_minute = excluded.limit_per_minute, recent = excluded.recent,
         recent_retention_seconds = excluded.recent_retention_seconds`,
      project.epoch,
      project.limitPerMinute,
      JSON.stringify(project.recent),
      project.recentRetentionSeconds ?? null,
    );
  }

  #loadProject(): QuotaProject | undefined {
    const [row] = this.#sql
      .exec<{ epoch: number; limit_per_minute: number; recent: string; recent_retention_seconds?: number | null }>(
        'SELECT * FROM project',
      )
      .toArray();
    if (row === undefined) return undefined;
    const recent: unknown = JSON.parse(row.recent);
    // A row that is not ours to understand closes the project: an object that cannot be built grants nothing.
    if (!isChanges(recent)) throw new Error('the stored list of changes is not one');
    const { epoch, limit_per_minute: limitPerMinute, recent_retention_seconds: recentRetentionSeconds } = row;
    return {
      epoch,
      limitPerMinute,
      recent,
      // The column may hold null, or not be there at all.
      ...(recentRetentionSeconds == null ? {} : { recentRetentionSeconds }),
      ...this.#ownLimits.load(),
    };
  }

  #hasRetentionColumn(): boolean {
    const columns = this.#sql.exec<{ name: string }>('PRAGMA table_info(project)').toArray();
    return columns.some(({ name }) => name === 'recent_retention_seconds');
  }
}

function newsOf(project: QuotaProject): EpochNews {
  return { epoch: project.epoch, recent: project.recent };
}

function isChanges(value: unknown): value is readonly EpochChange[] {
  return (
    Array.isArray(value) && value.every((entry) => typeof entry?.epoch === 'number' && Array.isArray(entry.shards))
  );
}
