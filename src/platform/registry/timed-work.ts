/** What a project's object does by the clock, asked by nobody: raises that end, names that are over, and the end of the project itself. */
import { apply } from '../../core/admin/apply.ts';
import type { Answer } from '../../core/admin/commands.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import type { ApplyContext, Write } from '../../core/admin/state.ts';
import type { Result } from '../../core/result.ts';
import { ringOf } from '../../core/rings.ts';
import { within } from '../within.ts';
import type { Copies } from './copies.ts';
import { endProject } from './end-of-project.ts';
import type { FaultLog } from './faults.ts';
import { type Host, PATIENCE_MS } from './host.ts';
import { WRONG_KEK_RETRY_MS, type WritableKek, writableKek } from './kek.ts';
import type { ProjectStore } from './project-store.ts';
import { type Puts, PUTS_IN_ONE_GO } from './puts.ts';

const FAULTY_CLOCK_RETRY_MS = 5_000;
const FAULTY_END_RETRY_MS = 60_000;

interface Parts {
  readonly host: Host;
  readonly store: ProjectStore;
  readonly copies: Copies;
  readonly puts: Puts;
  readonly faults: FaultLog;
  /** Saves what `apply` wants, by the broker itself. */
  readonly save: (kek: WritableKek, command: TimedCommand, want: Want) => Result<Answer, AdminDenial>;
}

type TimedCommand = 'quota.endRaises' | 'purge';
type Want = (context: ApplyContext) => ReturnType<typeof apply>;

function accountsRemoved(store: ProjectStore, writes: readonly Write[]): readonly string[] {
  return writes.flatMap((write) => {
    if (!('remove' in write) || write.remove !== 'serviceAccount') return [];
    const account = store.deletedServiceAccount(write.accountId);
    return account === undefined ? [] : [account.uniqueId];
  });
}

export class TimedWork {
  readonly #parts: Parts;
  #notBeforeMs = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** When the alarm has something to do here. */
  dueAtMs(): number {
    if (this.isOver()) return this.#endDueAtMs() ?? Infinity;
    return Math.min(
      this.#raisesEndAtMs() ?? Infinity,
      this.#purgeDueAtMs() ?? Infinity,
      this.#endDueAtMs() ?? Infinity,
    );
  }

  /** Raises, and wishes for one, whose time is over: a change like any other, so where the quota object is away the outbox keeps it. */
  endRaises(): Promise<void> {
    const { store, save } = this.#parts;
    return this.#whenDue('end raises', this.#raisesEndAtMs(), (kek) => {
      const ended = save(kek, 'quota.endRaises', (context) => apply(store, { type: 'quota.endRaises' }, context));
      if (!ended.ok) throw new Error(`the change is refused: ${ended.error.tag}`);
    });
  }

  /** Nobody uses what is purged, so nobody has to wait until the news of it are delivered. */
  purgeIfDue(): Promise<void> {
    return this.#whenDue('purge', this.#purgeDueAtMs(), (kek) => this.#purge(kek));
  }

  /** The project's time is over: from then on its end is all that there is to do, or other work would make anew what the end took away. */
  isOver(): boolean {
    const { store, host } = this.#parts;
    const { expireTime } = store.exists() ? store.project() : {};
    return expireTime !== undefined && Date.parse(expireTime) <= host.nowMs();
  }

  /** True: nothing is left of the project. */
  async end(): Promise<boolean> {
    const { host, store, copies, puts, faults } = this.#parts;
    if ((this.#endDueAtMs() ?? Infinity) > host.nowMs()) return false;
    try {
      return await endProject(host, {
        projectNumber: store.project().projectNumber,
        kekCheck: store.kekCheck(),
        accounts: store.accountsToEnd,
        copies,
        puts: puts.turns,
        inOneGo: PUTS_IN_ONE_GO,
      });
    } catch (fault) {
      this.#notBeforeMs = Math.max(this.#notBeforeMs, host.nowMs() + FAULTY_END_RETRY_MS);
      faults.record(host.nowMs(), 'end of the project', fault);
      return false;
    }
  }

  /** Step by step, until nothing is due: each is a change of its own, so that a large pool is no large one. */
  #purge(kek: WritableKek): void {
    const { host, store, save } = this.#parts;
    while ((store.purgeDueAtMs() ?? Infinity) <= host.nowMs()) {
      const before = store.epoch();
      const goneAccounts: string[] = [];
      const purged = save(kek, 'purge', (context) => {
        const applied = apply(store, { type: 'purge' }, context);
        if (applied.ok) goneAccounts.push(...accountsRemoved(store, applied.value.writes));
        return applied;
      });
      if (!purged.ok) throw new Error(`the purge is refused: ${purged.error.tag}`);
      host.ctx.waitUntil(this.#destroyKeysOf(goneAccounts));
      if (store.epoch() === before) throw new Error('the purge does nothing although something is due');
    }
  }

  /** They sign for nobody any more, whether or not they go: no account ever has that unique id again. Never rejects. */
  async #destroyKeysOf(uniqueIds: readonly string[]): Promise<void> {
    const { host, store, faults } = this.#parts;
    const { projectNumber } = store.project();
    try {
      for (const uniqueId of uniqueIds) {
        const ring = host.env().KEY_RING.getByName(ringOf.accountKeys(projectNumber, uniqueId));
        await within(PATIENCE_MS, ring.destroy());
      }
    } catch (fault) {
      faults.record(host.nowMs(), 'keys of a purged account', fault);
    }
  }

  /** Never rejects. */
  async #whenDue(step: string, dueAtMs: number | undefined, work: (kek: WritableKek) => void): Promise<void> {
    const { host, store, faults } = this.#parts;
    try {
      if ((dueAtMs ?? Infinity) > host.nowMs()) return;
      const kek = await writableKek(host.env(), store.kekCheck());
      if (!kek.ok) {
        this.#notBeforeMs = host.nowMs() + WRONG_KEK_RETRY_MS;
        throw new Error('EDGE_STS_KEK is not the key of this state: nothing was done');
      }
      work(kek.value);
    } catch (fault) {
      this.#notBeforeMs = Math.max(this.#notBeforeMs, host.nowMs() + FAULTY_CLOCK_RETRY_MS);
      faults.record(host.nowMs(), step, fault);
    }
  }

  #endDueAtMs(): number | undefined {
    const { store } = this.#parts;
    const { expireTime } = store.exists() ? store.project() : {};
    return expireTime === undefined ? undefined : Math.max(Date.parse(expireTime), this.#notBeforeMs);
  }

  #purgeDueAtMs(): number | undefined {
    const { store } = this.#parts;
    const dueAtMs = store.exists() ? store.purgeDueAtMs() : undefined;
    return dueAtMs === undefined ? undefined : Math.max(dueAtMs, this.#notBeforeMs);
  }

  #raisesEndAtMs(): number | undefined {
    const { store } = this.#parts;
    if (!store.exists()) return undefined;
    const waiting = store.openQuotaPreferences().filter(({ state }) => state === 'PENDING');
    const ends = [...(store.project().temporaryRaises ?? []), ...waiting].flatMap(({ expireTime }) =>
      expireTime === undefined ? [] : [Date.parse(expireTime)],
    );
    return ends.length === 0 ? undefined : Math.max(Math.min(...ends), this.#notBeforeMs);
  }
}
