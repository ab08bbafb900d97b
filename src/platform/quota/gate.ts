/** What the Worker asks of quota: permits, from the isolate's leases or asked for alone; news; usage. Closed by default. */
import type { Denial } from '../../core/denial.ts';
import type { EpochNews } from '../../core/news.ts';
import type { NoPermit, Permit, SpendAlone } from '../../core/ports.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Soon } from '../../core/soon.ts';
import { askAlone } from './alone.ts';
import { ask, atMostTwice, type QuotaObjects } from './asking.ts';
import { carryingTwice } from './carrying.ts';
import { HeldProjects, learn } from './held.ts';
import { takeFromLeases } from './leases.ts';
import { type Cargo, NO_CARGO } from './recent-sender.ts';
import type { QuotaUsage } from './store.ts';

export interface QuotaGate {
  /**
   * One permit, or `over_quota` with the news, or `unavailable`. It may be spent while the isolate's clock is before `usableUntilMs`.
   * With `alone` it is asked for, counted in every limit of its own, and where there is a marker the token is taken as well: one that was
   * taken before is a replay. `requestId`: whose exchange asks, for lines that the object writes.
   */
  spend(projectNumber: string, alone?: SpendAlone, requestId?: string): Soon<Result<Permit, NoPermit>>;
  /** Epoch 0: the project does not exist. */
  news(projectNumber: string): Promise<Result<EpochNews, Denial>>;
  /** Something of this project has changed just now: what is held is from before, and the next exchange asks anew. */
  drop(projectNumber: string): void;
  usage(projectNumber: string): Promise<Result<QuotaUsage, Denial>>;
  /** Does any quota object answer? Says nothing of a project. */
  ping(): Promise<boolean>;
}

export interface GateOptions {
  /** What questions take along. */
  readonly cargo?: Cargo;
  readonly wait?: (ms: number) => Promise<void>;
  /** Goes on when the request that began it has been answered, or is cut off. */
  readonly inBackground?: (work: Promise<void>) => void;
}

const UNAVAILABLE: Denial = { tag: 'unavailable', dependency: 'quota' };
/** Not digits, so never a project's object. */
const PING_NAME = 'ping';

/** `nowMs` is the isolate's clock, the one that `admittedAtMs` is read from. */
export function createQuotaGate(
  namespace: QuotaObjects,
  nowMs: () => number,
  { cargo = NO_CARGO, wait = sleep, inBackground = () => undefined }: GateOptions = {},
): QuotaGate {
  const projects = new HeldProjects();

  return {
    spend(projectNumber, alone, requestId) {
      const held = projects.of(projectNumber);
      return alone === undefined
        ? takeFromLeases(held, { namespace, nowMs, cargo, wait, inBackground, requestId })
        : askAlone(held, alone, { namespace, nowMs, cargo, requestId });
    },
    async news(projectNumber) {
      const asking = await carryingTwice(cargo, projectNumber, (recent) =>
        ask(namespace, projectNumber, (stub) => stub.news(recent)),
      );
      if (asking.came !== 'answer') return err(UNAVAILABLE);
      cargo.acknowledged(projectNumber, asking.answer.usage);
      return ok(learn(projects.of(projectNumber), asking.answer));
    },
    drop: (projectNumber) => projects.drop(projectNumber),
    async usage(projectNumber) {
      const asking = await atMostTwice(() => ask(namespace, projectNumber, (stub) => stub.usage()));
      return asking.came === 'answer' ? ok(asking.answer) : err(UNAVAILABLE);
    },
    async ping() {
      return (await atMostTwice(() => ask(namespace, PING_NAME, (stub) => stub.ping()))).came === 'answer';
    },
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
