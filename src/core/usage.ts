/** Usage: how many exchanges ended how, by provider, principal and target. Names are bounded, sums are not touched by that: what finds no room counts as `other`. */
import type { ExchangeEvent } from './event.ts';

export const USAGE_DIMENSIONS = ['provider', 'principal', 'target'] as const;
export type UsageDimension = (typeof USAGE_DIMENSIONS)[number];

/** How many ended so, by the `reason` of the audit line. */
export type ReasonCounts = Readonly<Record<string, number>>;
type NamedCounts = readonly (readonly [string, ReasonCounts])[];

/** What a stretch of time comes to. Every exchange stands in each dimension once, so each dimension adds up to the same. */
export type UsageSums = Readonly<Record<UsageDimension, NamedCounts>>;

export type UsageNames = Readonly<Record<UsageDimension, string>>;

export const MINUTE_MS = 60_000;
/** Neither can be a resource's name. */
const NO_NAME = 'none';
const OTHER_NAMES = 'other';

export type UsageLimits = Readonly<Record<UsageDimension, number>>;
/** Of an isolate between two batches. */
export const ISOLATE_LIMITS: UsageLimits = { provider: 250, principal: 500, target: 250 };
/** Of a minute or an hour that still fills. */
export const OPEN_LIMITS: UsageLimits = { provider: 400, principal: 1_000, target: 400 };
/** Of a row. */
export const ROW_LIMITS: UsageLimits = { provider: 200, principal: 50, target: 200 };
/** Providers that nobody proved to be there: whoever makes names up must not crowd the others out. */
const MAX_UNPROVEN_NAMES = 20;
/** Not all but one: a list is sorted once for many newcomers. */
const KEPT_OF_A_FULL_LIST = 3 / 4;

export interface CountedExchange extends UsageNames {
  readonly reason: string;
  readonly atMs: number;
}

/** What an event counts as: by the time of its admission, or of its coming where it was not admitted. */
export function countedExchange(event: ExchangeEvent): CountedExchange {
  const { provider = NO_NAME, principal = NO_NAME, target = NO_NAME, reason } = event;
  return { provider, principal, target, reason, atMs: event.admittedAtMs ?? event.timeMs };
}

export class UsageTally {
  readonly #limits: UsageLimits;
  readonly #names: Record<UsageDimension, Map<string, Map<string, number>>> = {
    provider: new Map(),
    principal: new Map(),
    target: new Map(),
  };

  #total = 0;

  constructor(limits: UsageLimits) {
    this.#limits = limits;
  }

  /** `isProven`: the provider is known to be there, its name is nobody's invention. */
  add(names: UsageNames, reason: string, isProven: boolean): void {
    this.#total += 1;
    for (const dimension of USAGE_DIMENSIONS) {
      this.#put(dimension, names[dimension], reason, 1, isProven || dimension !== 'provider');
    }
  }

  merge(sums: UsageSums): void {
    this.#total += totalOf(sums.provider);
    for (const dimension of USAGE_DIMENSIONS) {
      for (const [name, counts] of sums[dimension]) {
        for (const [reason, count] of Object.entries(counts)) this.#put(dimension, name, reason, count, true);
      }
    }
  }

  total(): number {
    return this.#total;
  }

  /** At most so many names a dimension, besides `none` and `other`: those with the most exchanges, the proven before the made up. */
  sums(limits: UsageLimits = this.#limits): UsageSums {
    const folded = (dimension: UsageDimension): NamedCounts =>
      foldNames(listOf(this.#names[dimension]), limits[dimension]);
    return { provider: folded('provider'), principal: folded('principal'), target: folded('target') };
  }

  #put(dimension: UsageDimension, wanted: string, reason: string, count: number, isProven: boolean): void {
    const names = this.#names[dimension];
    const counted = names.get(wanted);
    if (counted !== undefined) {
      counted.set(reason, (counted.get(reason) ?? 0) + count);
      return;
    }
    const isKept = isCommon(wanted) || this.#makesRoom(dimension, isProven);
    const name = isKept ? wanted : OTHER_NAMES;
    const known = names.get(name);
    if (known === undefined) names.set(name, new Map([[reason, count]]));
    else known.set(reason, (known.get(reason) ?? 0) + count);
  }

  /** Whoever comes late finds room, at the cost of those with the fewest: else whoever fills a list first would hide all who come after him. */
  #makesRoom(dimension: UsageDimension, isProven: boolean): boolean {
    const names = this.#names[dimension];
    if (!isProven) return names.size < MAX_UNPROVEN_NAMES;
    const max = this.#limits[dimension];
    if (names.size < max) return true;
    foldInPlace(names, Math.floor(max * KEPT_OF_A_FULL_LIST));
    return max > 0;
  }
}

/** As `foldNames`. Where more names come and go than there is room for, one exchange in some twenty waits for this. */
function foldInPlace(names: Map<string, Map<string, number>>, max: number): void {
  const own = [...names].filter(([name]) => !isCommon(name));
  const folded = ranked(own.map(([name, counts]) => ({ name, counts, rank: rankOf(counts) }))).slice(max);
  const other = names.get(OTHER_NAMES) ?? new Map<string, number>();
  for (const { name, counts } of folded) {
    names.delete(name);
    for (const [reason, count] of counts) other.set(reason, (other.get(reason) ?? 0) + count);
  }
  if (folded.length > 0) names.set(OTHER_NAMES, other);
}

function listOf(names: ReadonlyMap<string, ReadonlyMap<string, number>>): NamedCounts {
  return [...names].map(([name, counts]) => [name, Object.fromEntries(counts)] as const);
}

function foldNames(all: NamedCounts, max: number): NamedCounts {
  const own = all.filter(([name]) => !isCommon(name));
  const first = ranked(own.map(([name, counts]) => ({ name, counts, rank: rankOf(Object.entries(counts)) })));
  const named = first.map(({ name, counts }) => [name, counts] as const);
  const folded = [...named.slice(max), ...all.filter(([name]) => name === OTHER_NAMES)];
  const other = reasonsOf(folded);
  return [
    ...named.slice(0, max),
    ...all.filter(([name]) => name === NO_NAME),
    ...(folded.length > 0 ? [[OTHER_NAMES, other] as const] : []),
  ];
}

/** What strangers can provoke at will weighs less than anything else. */
const STRANGERS: readonly string[] = ['unverified', 'unknown_provider', 'too_many_failures', 'malformed'];
const FIRST = 1e12;

interface Ranked {
  readonly name: string;
  readonly rank: number;
}

/** The highest first. */
function ranked<T extends Ranked>(names: readonly T[]): readonly T[] {
  return names.toSorted((a, b) => b.rank - a.rank || (a.name < b.name ? -1 : 1));
}

function rankOf(counts: Iterable<readonly [string, number]>): number {
  let rank = 0;
  for (const [reason, count] of counts) rank += STRANGERS.includes(reason) ? count : (FIRST + 1) * count;
  return rank;
}

/** By reason, over all names of a dimension. */
export function reasonsOf(names: NamedCounts): ReasonCounts {
  const sums = new Map<string, number>();
  for (const [, counts] of names) {
    for (const [reason, count] of Object.entries(counts)) sums.set(reason, (sums.get(reason) ?? 0) + count);
  }
  return Object.fromEntries(sums);
}

/** One more that an isolate of another version makes up must not let the sums of all time grow without end. */
const MAX_REASONS = 64;

export function addReasons(sums: ReasonCounts, more: ReasonCounts): ReasonCounts {
  const all = new Map(Object.entries(sums));
  for (const [wanted, count] of Object.entries(more)) {
    const reason = all.has(wanted) || all.size < MAX_REASONS ? wanted : OTHER_NAMES;
    all.set(reason, (all.get(reason) ?? 0) + count);
  }
  return Object.fromEntries(all);
}

export function totalOf(names: NamedCounts): number {
  return Object.values(reasonsOf(names)).reduce((sum, count) => sum + count, 0);
}

function isCommon(name: string): boolean {
  return name === NO_NAME || name === OTHER_NAMES;
}
