/** What an isolate holds of its projects' quotas: leases, the newest news, refusals that are remembered. Bounded; what is forgotten stays counted until its end. */
import { BoundedMap } from '../../core/bounded-map.ts';
import type { EpochNews } from '../../core/news.ts';
import { LeaseHolder } from '../../core/quota/holder.ts';
import { Refusals } from './refusals.ts';

/** Of one project. */
export interface Held {
  readonly projectNumber: string;
  readonly holder: LeaseHolder;
  /** Of those who asked for themselves. */
  readonly refusals: Refusals;
  /** Tokens that are taken once and were, by their marks' hashes: that does not change while they live. */
  readonly replays: BoundedMap<true>;
  /** The newest that any answer told. */
  news: EpochNews | undefined;
  /** How often what was held was dropped: an answer to a question from before is dropped as well. */
  drops: number;
  /** How many questions for a lease came to nothing: who waited for one has waited for nothing. */
  failures: number;
  /** No renewal is asked for before: an object that is away is not asked by every exchange that has a permit anyway. */
  renewNotBeforeMs: number;
}

const MAX_PROJECTS = 1_000;
const MAX_REPLAYS = 200;

export class HeldProjects {
  readonly #projects = new BoundedMap<Held>(MAX_PROJECTS);

  of(projectNumber: string): Held {
    const known = this.#projects.get(projectNumber);
    if (known !== undefined) return known;
    const fresh: Held = {
      projectNumber,
      holder: new LeaseHolder(crypto.randomUUID()),
      refusals: new Refusals(),
      replays: new BoundedMap(MAX_REPLAYS),
      news: undefined,
      drops: 0,
      failures: 0,
      renewNotBeforeMs: 0,
    };
    this.#projects.set(projectNumber, fresh);
    return fresh;
  }

  /** Something of this project has changed just now: nothing that was answered before is good any more, answers on their way included. */
  drop(projectNumber: string): void {
    const held = this.#projects.get(projectNumber);
    if (held === undefined) return;
    held.drops += 1;
    held.holder.drop();
    held.refusals.forget();
  }
}

/** Late and overtaken answers bring nothing back. */
export function learn(held: Held, { epoch, recent }: EpochNews): EpochNews {
  if (held.news === undefined || epoch >= held.news.epoch) held.news = { epoch, recent };
  return held.news;
}
