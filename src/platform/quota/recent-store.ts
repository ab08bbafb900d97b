/**
 * What a Quota object keeps of its project's exchanges: who was let in, in one ring, and who was refused, in another. To count is
 * what the object is for and to remember is not: whatever goes wrong here, a permit never hears of it.
 */
import { MAX_RECENT_EXCHANGES, MAX_REFUSED_EXCHANGES, type RecentPage } from '../../core/recent.ts';
import { RefusalShare } from '../../core/refusal-share.ts';
import { type PageWanted, pageOf } from './recent-page.ts';
import { type PackedRecord, readBatch } from './recent-record.ts';
import { PACKED_AFTER_MS, RecentRing, type RingDeps } from './recent-ring.ts';

const ALARM_LOST_AFTER_MS = 60_000;

interface RecentStoreDeps extends RingDeps {
  /** Never rejects. */
  readonly setAlarm: (atMs: number) => void;
  /** Runs `work`, which may throw, when the answer that is being made is on its way. */
  readonly afterwards: (work: () => void) => void;
}

export class RecentStore {
  readonly #deps: RecentStoreDeps;
  readonly #granted: RecentRing;
  readonly #refused: RecentRing;
  /** Of all isolates together. */
  #share: RefusalShare | undefined;
  #alarmAtMs: number | undefined;
  #isPacking = false;

  constructor(deps: RecentStoreDeps) {
    this.#deps = deps;
    this.#granted = new RecentRing(deps, 'recent', MAX_RECENT_EXCHANGES);
    this.#refused = new RecentRing(deps, 'recent_refused', MAX_REFUSED_EXCHANGES);
  }

  /** Never throws, and writes no row before the answer to whoever brought the records has left. */
  take(batch: unknown, nowMs: number): void {
    const retentionMs = this.#deps.retentionMs();
    if (batch === undefined || retentionMs <= 0) return;
    try {
      const { records, dropped } = readBatch(batch, nowMs - retentionMs, nowMs);
      this.#granted.drop(dropped);
      for (const packed of records) this.#add(packed, nowMs);
      if (this.#rings().some((ring) => ring.hasNews())) this.#wakeBy(nowMs + PACKED_AFTER_MS, nowMs);
      if (this.#rings().some((ring) => ring.hasFullRow())) this.#packAfterwards(nowMs);
    } catch {
      this.#granted.drop(1);
    }
  }

  page(wanted: PageWanted, nowMs: number): RecentPage {
    const retentionMs = this.#deps.retentionMs();
    if (retentionMs <= 0) return { records: [], dropped: 0 };
    const pieces = { granted: this.#granted.pieces(), refused: this.#refused.pieces() };
    return pageOf(pieces, wanted, nowMs - retentionMs);
  }

  /** The alarm's work; answers when the next one is due, if at all. */
  wake(nowMs: number): number | undefined {
    this.#alarmAtMs = undefined;
    const isKept = this.#deps.retentionMs() > 0;
    for (const ring of this.#rings()) {
      if (isKept) ring.wake(nowMs);
      else ring.forgetAll();
    }
    const dues = this.#rings().flatMap((ring) => ring.dueAtMs() ?? []);
    this.#alarmAtMs = dues.length === 0 ? undefined : Math.min(...dues);
    return this.#alarmAtMs;
  }

  /** What a shorter retention shuts out goes at once: a longer one must not bring it back. */
  retentionChanged(nowMs: number): void {
    const dueAtMs = this.wake(nowMs);
    if (dueAtMs !== undefined) this.#deps.setAlarm(dueAtMs);
  }

  #add(packed: PackedRecord, nowMs: number): void {
    const { id, again = false, outcome } = packed.record;
    if (outcome === 'granted') {
      if (!again || !this.#granted.replace(packed, nowMs)) this.#granted.add(packed, nowMs);
      return;
    }
    if (again && this.#refused.replace(packed, nowMs)) return;
    // Said to be granted before its permit was asked for: over quota, nobody is to fill that ring either.
    const wasGranted = again && this.#granted.remove(id, nowMs);
    // A grant that lies in a closed row can only be corrected by what is said anew, so that is never left out.
    const isNeeded = again && !wasGranted;
    if (isNeeded || this.#shareOf().admits(packed.record, '')) this.#refused.add(packed, nowMs);
    else this.#refused.drop(1);
  }

  /** After a restart, what the open row holds was taken already: no principal begins anew by letting the object rest. */
  #shareOf(): RefusalShare {
    if (this.#share === undefined) {
      this.#share = new RefusalShare();
      for (const { record } of this.#refused.newest()) this.#share.admits(record, '');
    }
    return this.#share;
  }

  #packAfterwards(nowMs: number): void {
    if (this.#isPacking) return;
    this.#isPacking = true;
    this.#deps.afterwards(() => {
      this.#isPacking = false;
      for (const ring of this.#rings()) ring.pack('full rows', nowMs);
    });
  }

  /** An alarm is a write too: one that comes in time is left alone. */
  #wakeBy(dueAtMs: number, nowMs: number): void {
    const known = this.#alarmAtMs;
    if (known !== undefined && known <= dueAtMs && known > nowMs - ALARM_LOST_AFTER_MS) return;
    this.#alarmAtMs = dueAtMs;
    this.#deps.setAlarm(dueAtMs);
  }

  #rings(): readonly [RecentRing, RecentRing] {
    return [this.#granted, this.#refused];
  }
}
