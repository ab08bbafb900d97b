/** What an isolate counts, by project. Whoever makes up project numbers gets no object woken, and no honest project's counts pushed out. */
import { BoundedMap } from '../../core/bounded-map.ts';
import type { ExchangeEvent } from '../../core/event.ts';
import { HotMap } from '../../core/hot-map.ts';
import { countedExchange } from '../../core/usage.ts';
import { UsageOutbox } from './usage-outbox.ts';

/** An isolate that serves more of them at once loses what the one it served longest ago has waiting. */
const MAX_PROJECTS = 1_000;
const MAX_UNPROVEN_PROJECTS = 50;
const MAX_PROVIDERS = 5_000;

/** Refusals that are said before the provider was found, or because it was not. */
const WITHOUT_PROVIDER: readonly string[] = [
  'malformed',
  'unknown_provider',
  'too_many_failures',
  'unavailable',
  'internal',
];
const CHECKED_BEFORE_PROVIDER = /^(token_|header_|payload_)/;

export class UsageOutboxes {
  readonly #newId: () => string;
  readonly #proven = new BoundedMap<UsageOutbox>(MAX_PROJECTS);
  readonly #unproven = new BoundedMap<UsageOutbox>(MAX_UNPROVEN_PROJECTS);
  readonly #providers = new HotMap<true>(MAX_PROVIDERS);

  constructor(newId: () => string) {
    this.#newId = newId;
  }

  /** Answers whose count it is; nobody's where no project was named. */
  count(event: ExchangeEvent, nowMs: number): string | undefined {
    const { project, provider } = event;
    if (project === undefined || provider === undefined) return undefined;
    const isKnown = this.#providers.get(provider) === true;
    const isProvenNow = provesProvider(event);
    if (isProvenNow) this.prove(project);
    if (isProvenNow && !isKnown) this.#providers.set(provider, true);
    this.#outbox(project).count(countedExchange(event), isKnown || isProvenNow, nowMs);
    return project;
  }

  /** The project exists. */
  prove(projectNumber: string): void {
    if (this.#proven.get(projectNumber) !== undefined) return;
    this.#proven.set(projectNumber, this.#unproven.get(projectNumber) ?? new UsageOutbox(this.#newId()));
    this.#unproven.delete(projectNumber);
  }

  forget(projectNumber: string): void {
    this.#unproven.delete(projectNumber);
  }

  isProven(projectNumber: string): boolean {
    return this.#proven.get(projectNumber) !== undefined;
  }

  of(projectNumber: string): UsageOutbox | undefined {
    return this.#proven.get(projectNumber);
  }

  #outbox(projectNumber: string): UsageOutbox {
    const known = this.#proven.get(projectNumber) ?? this.#unproven.get(projectNumber);
    if (known !== undefined) return known;
    const made = new UsageOutbox(this.#newId());
    this.#unproven.set(projectNumber, made);
    return made;
  }
}

function provesProvider({ principal, reason, check = '' }: ExchangeEvent): boolean {
  if (principal !== undefined) return true;
  if (reason === 'unverified') return !CHECKED_BEFORE_PROVIDER.test(check);
  return !WITHOUT_PROVIDER.includes(reason);
}
