/** Questions about a history: each answer says what the chain does not bear out, and where that is anything, a line goes to whoever watches. */
import { differences, pageOfDifferences, reversed } from '../../core/admin/history/compare.ts';
import type { Difference, HistoryAnswer, HistoryFault, HistoryQuery } from '../../core/admin/history/entry.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { printable } from './alert.ts';
import type { HistoryRows } from './history-rows.ts';
import type { Host } from './host.ts';
import type { WritableKek } from './kek.ts';

interface World {
  readonly subject: string;
  readonly kek: Result<WritableKek, AdminDenial>;
  /** The object has been changed before, so there is something to tell. */
  readonly hasBegun: boolean;
  /** Of a project's object. */
  readonly epoch?: number;
  /** What another object knows of it, which an end that was cut off together with its seal does not change. */
  readonly epochInForce?: () => Promise<number>;
}

/** The whole chain is looked at again after this: nobody who may read it makes the object hash all of it, and tell of its faults, at each question. */
const BELIEVED_FOR_MS = 10_000;

export function historyAlertLine(subject: string, faults: readonly HistoryFault[], time: string): string {
  return printable({ event: 'history-doubtful', time, subject, faults });
}

export class HistoryReader {
  readonly #rows: HistoryRows;
  readonly #host: Pick<Host, 'nowMs' | 'alert'>;
  #found: { readonly faults: readonly HistoryFault[]; readonly untilMs: number } = { faults: [], untilMs: 0 };

  constructor(rows: HistoryRows, host: Pick<Host, 'nowMs' | 'alert'>) {
    this.#rows = rows;
    this.#host = host;
  }

  /** `isForRestore`: the whole chain is looked at now, for what is written by hand a moment after a look must not be restored. */
  async answer(query: HistoryQuery, world: World, isForRestore = false): Promise<Result<HistoryAnswer, AdminDenial>> {
    const faults = await this.#faults(world, isForRestore);
    switch (query.type) {
      case 'list': {
        const found = this.#rows.list({ ...query, pageSize: query.pageSize + 1 });
        const entries = found.slice(0, query.pageSize);
        const next = found.length > entries.length ? entries.at(-1)?.sequence : undefined;
        return ok({ kind: 'entries', entries, faults, ...(next === undefined ? {} : { next }) });
      }
      case 'show': {
        const entry = this.#rows.entry(query.sequence);
        return entry === undefined ? noSuch(world, query.sequence) : ok({ kind: 'entry', entry, faults });
      }
      case 'compare': {
        const compared = this.#compare(query, world);
        if (!compared.ok) return compared;
        return ok({ kind: 'differences', ...pageOfDifferences(compared.value, query), faults });
      }
    }
  }

  #compare(
    { from, to }: Extract<HistoryQuery, { type: 'compare' }>,
    world: World,
  ): Result<readonly Difference[], AdminDenial> {
    const first = this.#rows.entry(from);
    if (first === undefined) return noSuch(world, from);
    if (to === undefined) return ok(differences(this.#rows.between(first.epoch)));
    const last = this.#rows.entry(to);
    if (last === undefined) return noSuch(world, to);
    if (last.epoch >= first.epoch) return ok(differences(this.#rows.between(first.epoch, last.epoch)));
    return ok(differences(this.#rows.between(last.epoch, first.epoch)).map(reversed));
  }

  async #faults(
    { subject, kek, epoch, hasBegun, epochInForce }: World,
    isForRestore: boolean,
  ): Promise<readonly HistoryFault[]> {
    const nowMs = this.#host.nowMs();
    if (!isForRestore && nowMs < this.#found.untilMs) return this.#found.faults;
    if (!kek.ok) return [{ description: 'without its EDGE_STS_KEK nobody can tell whether the history is whole' }];
    const faults = [...this.#rows.faults(kek.value.history, subject, epoch, hasBegun)];
    if (epoch !== undefined && epochInForce !== undefined) {
      const inForce = await knownOr(epochInForce, epoch);
      if (inForce > epoch) faults.push({ description: 'the newest changes are missing: the state was set back' });
    }
    this.#found = { faults, untilMs: nowMs + BELIEVED_FOR_MS };
    if (faults.length > 0) this.#host.alert(historyAlertLine(subject, faults, new Date(nowMs).toISOString()));
    return faults;
  }
}

/** Whoever can write the rows of the history must not be able to have them restored. */
export function doubtsSince(faults: readonly HistoryFault[], sequence: number): AdminDenial | undefined {
  const fault = faults.find((one) => one.sequence === undefined || one.sequence > sequence);
  if (fault === undefined) return undefined;
  const description = `The history cannot be believed since entry ${sequence}, so nothing is restored: ${fault.description}.`;
  return { tag: 'failed_precondition', description };
}

/** Where the other object is away, the history is shown all the same. */
async function knownOr(ask: () => Promise<number>, otherwise: number): Promise<number> {
  try {
    return await ask();
  } catch {
    return otherwise;
  }
}

function noSuch({ subject }: World, sequence: number): Result<never, AdminDenial> {
  return err({ tag: 'not_found', resource: `${subject}/history/${sequence}` });
}
