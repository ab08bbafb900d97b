/**
 * What a Quota object counts of its project's exchanges: the open minutes in memory, written at most every 15 s. An abort
 * loses nothing: isolates keep what is not durable and send it again. Nothing here is a permit's affair.
 */
import { addReasons, MINUTE_MS, OPEN_LIMITS, reasonsOf, ROW_LIMITS, UsageTally } from '../../core/usage.ts';
import {
  has,
  NOTHING_RECEIVED,
  receive,
  skipTo,
  type UsageAck,
  type UsageBatch,
  type UsageMessage,
} from '../../core/usage-delivery.ts';
import type { UsagePage, UsageWanted } from '../../core/usage-page.ts';
import { isUsageMessage } from './usage-message.ts';
import { usagePage } from './usage-page.ts';
import {
  HOURS_KEPT,
  MINUTES_AN_HOUR,
  MINUTES_KEPT,
  type Point,
  type Sender,
  type Senders,
  UsageRows,
  type UsageTotals,
} from './usage-rows.ts';

const WRITE_AFTER_MS = 15_000;
/** An isolate holds a batch for 10 minutes: after this long none comes again. */
const FORGET_SENDER_AFTER_MS = 1_800_000;
/** A living isolate has said more long before. */
const SILENT_AFTER_MS = 120_000;
const MAX_SENDERS = 3_000;
/** What is said to be older or newer than that counts in the last minute that is not: sums stay whole. */
const MAX_BEHIND_MINUTES = 30;
const MAX_AHEAD_MINUTES = 2;
const HOUR_MS = 3_600_000;

interface UsageStoreDeps {
  readonly storage: DurableObjectStorage;
  /** Strangers make project numbers up: nothing is written for those. */
  readonly exists: () => boolean;
  readonly setAlarm: (atMs: number) => void;
}

export class UsageStore {
  readonly #deps: UsageStoreDeps;
  readonly #rows: UsageRows;
  readonly #open = new Map<number, UsageTally>();
  readonly #dirty = new Set<number>();
  #unpackedHours: Set<number> | undefined;
  #senders: (Senders & { readonly byId: Map<string, Sender> }) | undefined;
  #durable: Senders | undefined;
  #totals: UsageTotals | undefined;
  #durableTotals: UsageTotals | undefined;
  #isChanged = false;
  #writtenAtMs = 0;
  #alarmAtMs: number | undefined;

  constructor(deps: UsageStoreDeps) {
    this.#deps = deps;
    this.#rows = new UsageRows(deps.storage.sql);
  }

  /** Never throws. `isOwnCall`: a call that nobody waits for; it writes where the last writing is long ago, and says what is durable. */
  take(message: unknown, nowMs: number, isOwnCall: boolean): UsageAck | undefined {
    if (!isUsageMessage(message)) return undefined;
    if (!this.#deps.exists()) return undefined;
    this.#inSilence(() => {
      this.#receive(message, nowMs);
      if (this.#isChanged && isOwnCall && nowMs >= this.#writtenAtMs + WRITE_AFTER_MS) this.#write(nowMs);
    });
    if (this.#isChanged) this.#wakeBy(Math.max(nowMs, this.#writtenAtMs) + WRITE_AFTER_MS, nowMs);
    return this.#inSilence(() => this.#ackFor(message.sender));
  }

  /** What was not taken is not acknowledged, and comes again; a permit in the same question must not suffer from it. */
  #inSilence<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch {
      return undefined;
    }
  }

  /** The alarm's work; answers when the next one is due, if at all. */
  wake(nowMs: number): number | undefined {
    this.#alarmAtMs = undefined;
    if (this.#isChanged && nowMs >= this.#writtenAtMs + WRITE_AFTER_MS) this.#write(nowMs);
    this.#alarmAtMs = this.#isChanged ? this.#writtenAtMs + WRITE_AFTER_MS : undefined;
    return this.#alarmAtMs;
  }

  page(wanted: UsageWanted, nowMs: number): UsagePage {
    const isMinutes = wanted.resolution === 'MINUTE';
    const [lengthMs, kept] = isMinutes ? [MINUTE_MS, MINUTES_KEPT] : [HOUR_MS, HOURS_KEPT];
    const first = Math.max(wanted.from, Math.floor(nowMs / lengthMs) - kept + 1);
    const last = Math.min(wanted.to, Math.floor(nowMs / lengthMs) + MAX_AHEAD_MINUTES);
    const read = (from: number, to: number): readonly Point[] =>
      isMinutes ? this.#minutes(from, to) : this.#hours(from, to);
    return { ...usagePage(first, last, wanted, read), lost: lostBy(this.#all(), nowMs), nowMs };
  }

  /** Of what is durable only: what an abort makes isolates send again must not go up twice, nor back. */
  totals(nowMs: number): { readonly totals?: UsageTotals; readonly lost: number } {
    this.#durableTotals ??= this.#rows.totals();
    const lost = lostBy(this.#all(), nowMs);
    return this.#durableTotals === undefined ? { lost } : { totals: this.#durableTotals, lost };
  }

  #receive(message: UsageMessage, nowMs: number): void {
    const { byId, lost } = this.#all();
    const totals = this.#allTotals(nowMs);
    const before = byId.get(message.sender) ?? { ...NOTHING_RECEIVED, lost: 0, open: 0, heardAtMs: nowMs };
    const fresh = message.batches.filter(({ sequence }) => !has(before, sequence));
    const skipped = skipTo(before, message.oldest);
    // Made out before anything is changed: a row that cannot be read must not leave half a batch behind.
    for (const batch of fresh) for (const [minute] of batch.minutes) this.#openMinute(placed(minute, nowMs));
    for (const batch of fresh) this.#count(batch, nowMs);
    const counted = fresh.flatMap(({ minutes }) => minutes.map(([, sums]) => reasonsOf(sums.provider)));
    this.#totals = { ...totals, byReason: counted.reduce(addReasons, totals.byReason) };
    const received = fresh.reduce((sum, { sequence }) => receive(sum, sequence), skipped);
    const newlyLost = Math.max(0, message.lost - before.lost);
    const sender: Sender = { ...received, lost: before.lost + newlyLost, open: message.open, heardAtMs: nowMs };
    byId.set(message.sender, sender);
    this.#senders = { byId, lost: lost + newlyLost };
    if (fresh.length > 0 || newlyLost > 0 || message.open !== before.open) this.#isChanged = true;
  }

  #count({ minutes }: UsageBatch, nowMs: number): void {
    for (const [minute, sums] of minutes) {
      const at = placed(minute, nowMs);
      this.#openMinute(at).merge(sums);
      this.#dirty.add(at);
    }
  }

  #openMinute(minute: number): UsageTally {
    const known = this.#open.get(minute);
    if (known !== undefined) return known;
    const tally = new UsageTally(OPEN_LIMITS);
    const row = this.#rows.minute(minute);
    if (row !== undefined) tally.merge(row);
    this.#open.set(minute, tally);
    return tally;
  }

  /** All or nothing: who sent what must never be newer or older on disk than what was counted. */
  #write(nowMs: number): void {
    const senders = forgetting(this.#all(), nowMs);
    const totals = this.#allTotals(nowMs);
    const currentHour = Math.floor(nowMs / HOUR_MS);
    const isOver = (hour: number): boolean => hour < currentHour;
    const before = [...this.#hoursToPack()].filter(isOver);
    const touched = new Set([...this.#dirty].map((minute) => Math.floor(minute / MINUTES_AN_HOUR)));
    this.#rows.prepare();
    this.#deps.storage.transactionSync(() => {
      // First, for a minute of today may take the place of one of them.
      for (const hour of before) this.#rows.packHour(hour);
      for (const minute of this.#dirty) this.#rows.putMinute(minute, this.#openMinute(minute).sums(ROW_LIMITS));
      for (const hour of touched) if (isOver(hour)) this.#rows.packHour(hour);
      this.#rows.putSenders(senders, totals);
    });
    this.#unpackedHours = new Set([...this.#hoursToPack(), ...touched].filter((hour) => !isOver(hour)));
    this.#dirty.clear();
    this.#senders = { byId: new Map(senders.byId), lost: senders.lost };
    this.#durable = senders;
    this.#durableTotals = totals;
    this.#isChanged = false;
    this.#writtenAtMs = nowMs;
    const minuteNow = Math.floor(nowMs / MINUTE_MS);
    for (const minute of this.#open.keys()) if (minute < minuteNow - 1) this.#open.delete(minute);
  }

  #minutes(from: number, to: number): readonly Point[] {
    const open = [...this.#dirty].filter((minute) => minute >= from && minute <= to);
    const points = new Map(this.#rows.minutes(from, to).map((row) => [row.start, row]));
    for (const start of open) points.set(start, { start, sums: this.#openMinute(start).sums(ROW_LIMITS) });
    return [...points.values()].toSorted((a, b) => a.start - b.start);
  }

  #hours(from: number, to: number): readonly Point[] {
    const points = new Map(this.#rows.hours(from, to).map((row) => [row.start, row]));
    const dirty = [...this.#dirty].map((minute) => Math.floor(minute / MINUTES_AN_HOUR));
    for (const hour of new Set([...this.#hoursToPack(), ...dirty])) {
      if (hour < from || hour > to) continue;
      const tally = new UsageTally(OPEN_LIMITS);
      for (const { sums } of this.#minutesNow(hour)) tally.merge(sums);
      points.set(hour, { start: hour, sums: tally.sums(ROW_LIMITS) });
    }
    return [...points.values()].toSorted((a, b) => a.start - b.start);
  }

  #minutesNow(hour: number): readonly Point[] {
    const inMemory = [...this.#dirty].filter((minute) => Math.floor(minute / MINUTES_AN_HOUR) === hour);
    return [
      ...this.#rows.minutesOf(hour).filter(({ start }) => !this.#dirty.has(start)),
      ...inMemory.map((start) => ({ start, sums: this.#openMinute(start).sums() })),
    ];
  }

  #ackFor(sender: string): UsageAck {
    this.#durable ??= this.#rows.senders();
    return {
      durable: this.#durable.byId.get(sender) ?? NOTHING_RECEIVED,
      received: this.#all().byId.get(sender) ?? NOTHING_RECEIVED,
    };
  }

  #all(): Senders & { readonly byId: Map<string, Sender> } {
    if (this.#senders === undefined) {
      const { byId, lost } = this.#rows.senders();
      this.#senders = { byId: new Map(byId), lost };
    }
    return this.#senders;
  }

  #allTotals(nowMs: number): UsageTotals {
    return (this.#totals ??= this.#rows.totals() ?? { sinceMs: nowMs, byReason: {} });
  }

  #hoursToPack(): Set<number> {
    this.#unpackedHours ??= new Set(this.#rows.unpackedHours());
    return this.#unpackedHours;
  }

  /** An alarm is a write too: one that comes in time is left alone. */
  #wakeBy(dueAtMs: number, nowMs: number): void {
    const known = this.#alarmAtMs;
    if (known !== undefined && known <= dueAtMs && known > nowMs - FORGET_SENDER_AFTER_MS) return;
    this.#alarmAtMs = dueAtMs;
    this.#deps.setAlarm(dueAtMs);
  }
}

function placed(minute: number, nowMs: number): number {
  const now = Math.floor(nowMs / MINUTE_MS);
  return Math.min(now + MAX_AHEAD_MINUTES, Math.max(now - MAX_BEHIND_MINUTES, minute));
}

/** With what those had open of whom nothing was heard: they are dead, or it comes still and is taken off again. */
function lostBy({ byId, lost }: Senders, nowMs: number): number {
  const silent = [...byId.values()].filter(({ heardAtMs }) => heardAtMs <= nowMs - SILENT_AFTER_MS);
  return silent.reduce((sum, { open }) => sum + open, lost);
}

function forgetting({ byId, lost }: Senders, nowMs: number): Senders {
  const heard = [...byId].filter(([, { heardAtMs }]) => heardAtMs > nowMs - FORGET_SENDER_AFTER_MS);
  const newest = heard.toSorted(([, a], [, b]) => a.heardAtMs - b.heardAtMs).slice(-MAX_SENDERS);
  const kept = { byId: new Map(newest), lost: 0 };
  const all = { byId, lost };
  // Whoever is forgotten has lost what he had open.
  return { ...kept, lost: lostBy(all, nowMs) - lostBy(kept, nowMs) };
}
