/**
 * What a Quota object keeps: one row for the project, a ring of rows for its buckets, the marks of tokens that are taken once.
 * Project and buckets are loaded once an instance; everything is written before the answer.
 */
import {
  type AdvanceInput,
  advanceProject,
  COUNTED_AFTER_BUCKET_MS,
  countedPermits,
  countedSlices,
  grant,
  objectTimeMs,
  PERMIT_LIFETIME_MS,
  type QuotaBucket,
  type QuotaProject,
  type QuotaState,
  RING_SLOTS,
  restoreQuota,
  ringSlot,
  type SpendAnswer,
} from '../../core/quota.ts';
import { refusalsStartInMs } from '../../core/quota-forecast.ts';
import { judgeOnce, type SpendOnce } from '../../core/quota-once.ts';
import type { EpochChange, EpochNews } from '../../core/news.ts';
import { RECENT_RETENTION } from '../../core/recent.ts';
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
  ) STRICT;
  CREATE TABLE IF NOT EXISTS bucket (
    slot INTEGER PRIMARY KEY CHECK (slot BETWEEN 0 AND ${RING_SLOTS - 1}),
    bucket_index INTEGER NOT NULL,
    permits INTEGER NOT NULL CHECK (permits >= 1)
  ) STRICT`;

/** Objects that were made before exchanges were remembered have no such column. */
const RETENTION_COLUMN = 'ALTER TABLE project ADD COLUMN recent_retention_seconds INTEGER';

interface Spent {
  readonly answer: SpendAnswer;
  /** What memory is to hold once the rows of this answer are written. */
  readonly state: QuotaState;
}

export class QuotaStore {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  readonly #marks: OnceMarks;
  readonly #ownLimits: OwnLimitRow;
  #project: QuotaProject | undefined;
  #state: QuotaState;

  constructor(storage: DurableObjectStorage) {
    const { sql } = storage;
    this.#storage = storage;
    this.#sql = sql;
    this.#marks = new OnceMarks(sql);
    this.#ownLimits = new OwnLimitRow(sql);
    const exists =
      sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'bucket'`).toArray().length > 0;
    this.#project = exists ? this.#loadProject() : undefined;
    this.#state = restoreQuota(exists ? this.#loadBuckets() : []);
  }

  /**
   * Rows are written first and remembered after, so that a write which fails leaves no trace in memory. An instance
   * that another has replaced fails here too, and a permit whose answer is lost stays counted: it is never granted twice.
   */
  spend(nowMs: number, once?: SpendOnce): SpendAnswer {
    const project = this.#project;
    if (project === undefined) {
      return { permits: 0, expiresAfterMs: 0, ...NO_NEWS, retryAfterMs: UNKNOWN_RETRY_AFTER_MS };
    }
    const { answer, state } =
      once === undefined
        ? this.#spendUnit(project, nowMs)
        : // The mark and the unit, both or neither: a mark alone would burn an honest token, a unit alone would let a thief in.
          this.#storage.transactionSync(() => this.#spendOnce(project, nowMs, once));
    this.#state = state;
    return answer;
  }

  #spendUnit(project: QuotaProject, nowMs: number): Spent {
    const news = newsOf(project);
    const outcome = grant(this.#state, nowMs, project.limitPerMinute);
    if (outcome.granted) this.#saveBucket(outcome.changed);
    const answer = outcome.granted
      ? { permits: 1, expiresAfterMs: PERMIT_LIFETIME_MS, ...news }
      : { permits: 0, expiresAfterMs: 0, ...news, retryAfterMs: outcome.retryAfterMs };
    return { answer, state: outcome.state };
  }

  #spendOnce(project: QuotaProject, nowMs: number, once: SpendOnce): Spent {
    this.#marks.prepare();
    const timeMs = objectTimeMs(this.#state, nowMs);
    const verdict = judgeOnce(this.#marks.find(once.keyHash), once.nonce, timeMs);
    const state = { ...this.#state, highestMs: timeMs };
    if (verdict.tag === 'replayed') {
      return { answer: { permits: 0, expiresAfterMs: 0, ...newsOf(project), replayed: true }, state };
    }
    if (verdict.tag === 'granted_before') {
      return { answer: { permits: 1, expiresAfterMs: verdict.expiresAfterMs, ...newsOf(project) }, state };
    }
    const spent = this.#spendUnit(project, nowMs);
    // Over quota leaves no mark: the token was not taken, and may come again when there is room.
    if (spent.answer.permits < 1) return spent;
    this.#marks.dropDead(timeMs);
    this.#marks.save(once, timeMs);
    return spent;
  }

  /** Writes even what it already knows: an instance that another has replaced must fail here, not vouch for an epoch. */
  advance(input: AdvanceInput): number {
    const project = advanceProject(this.#project, input);
    if (project === undefined) return NO_NEWS.epoch;
    this.#sql.exec(TABLES);
    if (!this.#hasRetentionColumn()) this.#sql.exec(RETENTION_COLUMN);
    // What holds as of one epoch, all or nothing.
    this.#storage.transactionSync(() => {
      this.#saveProject(project);
      this.#ownLimits.save(project.ownLimits);
    });
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
      countedPermits: countedPermits(this.#state, nowMs),
    };
  }

  /** In how long refusals start at this rate; undefined: not at all. */
  forecastMs(nowMs: number): number | undefined {
    const slices = countedSlices(this.#state, nowMs);
    return refusalsStartInMs(slices, nowMs, this.#project?.limitPerMinute ?? 0, COUNTED_AFTER_BUCKET_MS);
  }

  /** One row a grant: an old bucket's slot is overwritten, for deletes are billed as writes. */
  #saveBucket(bucket: QuotaBucket): void {
    this.#sql.exec(
      `INSERT INTO bucket (slot, bucket_index, permits) VALUES (?, ?, ?)
       ON CONFLICT (slot) DO UPDATE SET bucket_index = excluded.bucket_index, permits = excluded.permits`,
      ringSlot(bucket),
      bucket.index,
      bucket.permits,
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

  #loadBuckets(): readonly QuotaBucket[] {
    return this.#sql
      .exec<{ bucket_index: number; permits: number }>('SELECT bucket_index, permits FROM bucket')
      .toArray()
      .map((row) => ({ index: row.bucket_index, permits: row.permits }));
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
