/**
 * Whatever the schedule, every token verifies for its whole life at every relying party (SECURITY.md §5.4). The world below knows the
 * rules only through what a stranger sees: which kid signed, and what the JWKS said at which moment.
 */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { SigningAlgorithm } from '../../src/core/resources.ts';
import {
  activeKey,
  MAX_MEMORY_MS,
  nextWakeMs,
  perform,
  plan,
  planRotation,
  PUBLISH_LEAD_MS,
  published,
  type Ring,
  stateOf,
  type Step,
} from '../../src/platform/keys/rotation.ts';

const T0_MS = Date.UTC(2030, 0, 1);
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** An emergency so soon after the last is the same one, asked for again. */
const REPEATED_WITHIN_MS = 5 * MINUTE_MS;
const ALGORITHMS: readonly SigningAlgorithm[] = ['ES256', 'RS256'];

interface Token {
  readonly kid: string;
  readonly mintedMs: number;
  readonly expiresMs: number;
}

type Action =
  | { readonly type: 'rotate'; readonly alg: SigningAlgorithm | undefined }
  /** The command again and again, each time so long after the time before: its sender lost the answers. */
  | {
      readonly type: 'emergency';
      readonly alg: SigningAlgorithm | undefined;
      readonly retriesAfterMs: readonly number[];
    }
  | { readonly type: 'mint'; readonly alg: SigningAlgorithm; readonly lifeMs: number; readonly skewMs: number };

interface Scheduled {
  readonly afterMs: number;
  readonly action: Action;
}

/** One ring and everything that ever happened to it. */
class World {
  readonly tokens: Token[] = [];
  /** kid → when it was dropped, and how many tokens there were then. */
  readonly dropped = new Map<string, { readonly atMs: number; readonly tokensBefore: number }>();
  /** How many times an emergency was asked for that had just been done. */
  repetitions = 0;
  readonly #lastDropMs = new Map<SigningAlgorithm, number>();
  readonly #versions: { fromMs: number; ring: Ring }[] = [];
  readonly #latenessMs: readonly number[];
  #alarmMs = T0_MS;
  #alarms = 0;
  #made = 0;
  /** What the signing isolate holds; commands reach it by the news, the timetable by its own clock. */
  #held: { loadedMs: number; ring: Ring } = { loadedMs: T0_MS, ring: [] };

  constructor(latenessMs: readonly number[]) {
    this.#latenessMs = latenessMs;
    this.#settle(T0_MS);
    this.#held = { loadedMs: T0_MS, ring: this.ringAt(T0_MS) };
  }

  run(schedule: readonly Scheduled[]): void {
    let nowMs = T0_MS;
    for (const { afterMs, action } of schedule) {
      nowMs += afterMs;
      this.#alarmsUntil(nowMs);
      if (action.type === 'mint') this.#mint(action, nowMs);
      else if (action.type === 'rotate') this.#rotate(action.alg, nowMs);
      else {
        this.#emergency(action.alg, nowMs);
        for (const retryAfterMs of action.retriesAfterMs) {
          nowMs += retryAfterMs;
          this.#alarmsUntil(nowMs);
          this.#emergency(action.alg, nowMs);
        }
      }
    }
    this.#alarmsUntil(nowMs + 2 * DAY_MS);
  }

  ringAt(ms: number): Ring {
    return this.#versions.findLast((version) => version.fromMs <= ms)?.ring ?? [];
  }

  jwksAt(ms: number): ReadonlySet<string> {
    return new Set(published(this.ringAt(ms), ms).map((key) => key.kid));
  }

  /** Each moment at which anything changed. */
  moments(): readonly number[] {
    return this.#versions.map((version) => version.fromMs);
  }

  #alarmsUntil(nowMs: number): void {
    while (this.#alarmMs <= nowMs) this.#settle(this.#alarmMs);
  }

  #settle(nowMs: number): void {
    this.#apply(plan(this.ringAt(nowMs), nowMs), nowMs);
    this.#setAlarm(nowMs);
  }

  #setAlarm(nowMs: number): void {
    const latenessMs = this.#latenessMs[this.#alarms % this.#latenessMs.length] ?? 0;
    this.#alarms += 1;
    this.#alarmMs = Math.max(nowMs + 1, nextWakeMs(this.ringAt(nowMs), nowMs) + latenessMs);
  }

  #rotate(alg: SigningAlgorithm | undefined, nowMs: number): void {
    this.#settle(nowMs);
    this.#command(alg, false, nowMs);
  }

  #emergency(alg: SigningAlgorithm | undefined, nowMs: number): void {
    this.#settle(nowMs);
    const named = alg === undefined ? ALGORITHMS : [alg];
    const due = named.filter((one) => nowMs - (this.#lastDropMs.get(one) ?? -Infinity) >= REPEATED_WITHIN_MS);
    this.repetitions += named.length - due.length;
    // The promise to relying parties with long caches holds where the standby has been out for its lead.
    const standbysReady = this.ringAt(nowMs)
      .filter((key) => due.includes(key.alg) && stateOf(key, nowMs) === 'NEXT')
      .every((key) => key.publishTimeMs + PUBLISH_LEAD_MS <= nowMs);
    if (!standbysReady) return;
    for (const one of due) {
      const kid = activeKey(this.ringAt(nowMs), one, nowMs)?.kid ?? '';
      this.dropped.set(kid, { atMs: nowMs, tokensBefore: this.tokens.length });
      this.#lastDropMs.set(one, nowMs);
    }
    // Also for what is not due: that a repetition changes nothing is for the code to know.
    this.#command(alg, true, nowMs);
  }

  #command(alg: SigningAlgorithm | undefined, emergency: boolean, nowMs: number): void {
    const algs = alg === undefined ? ALGORITHMS : [alg];
    this.#apply(planRotation(this.ringAt(nowMs), nowMs, { algs, emergency }), nowMs);
    this.#setAlarm(nowMs);
    this.#held = { loadedMs: nowMs, ring: this.ringAt(nowMs) };
  }

  #mint(action: Extract<Action, { type: 'mint' }>, nowMs: number): void {
    const byItsClockMs = nowMs + action.skewMs;
    const stale = nowMs - this.#held.loadedMs >= MAX_MEMORY_MS;
    if (stale || activeKey(this.#held.ring, action.alg, byItsClockMs) === undefined) {
      this.#held = { loadedMs: nowMs, ring: this.ringAt(nowMs) };
    }
    const kid = activeKey(this.#held.ring, action.alg, byItsClockMs)?.kid;
    expect(kid, 'there is always a key to sign with').toBeDefined();
    this.tokens.push({ kid: kid ?? '', mintedMs: nowMs, expiresMs: nowMs + action.lifeMs });
  }

  #apply(steps: readonly Step[], nowMs: number): void {
    const kids = steps.filter((step) => step.type === 'make').map(() => `kid-${(this.#made += 1)}`);
    this.#versions.push({ fromMs: nowMs, ring: perform(this.ringAt(nowMs), steps, kids) });
  }
}

interface Party {
  /** It keeps what it fetched this long. */
  readonly cacheMs: number;
  /** What it fetches is this old already: our own propagation. */
  readonly lagMs: number;
  readonly refetchesUnknownKid: boolean;
}

/** Would the party accept `kid` at `atMs`, if its copy is `ageMs` old? */
function accepts(world: World, party: Party, kid: string, atMs: number, ageMs: number): boolean {
  const fetchedMs = Math.max(T0_MS, atMs - ageMs - party.lagMs);
  if (world.jwksAt(fetchedMs).has(kid)) return true;
  return party.refetchesUnknownKid && world.jwksAt(Math.max(T0_MS, atMs - party.lagMs)).has(kid);
}

const algorithm = fc.constantFrom(...ALGORITHMS);
const mint = fc.record({
  type: fc.constant('mint' as const),
  alg: algorithm,
  lifeMs: fc.integer({ min: 2, max: 43_200 }).map((seconds) => seconds * SECOND_MS),
  skewMs: fc.integer({ min: -2 * MINUTE_MS, max: 2 * MINUTE_MS }),
});
const anyAlg = fc.option(algorithm, { nil: undefined });
const rotate = fc.record({ type: fc.constant('rotate' as const), alg: anyAlg });
const retriesAfterMs = fc.array(
  fc.oneof(fc.integer({ min: 0, max: SECOND_MS }), fc.integer({ min: 0, max: 4 * MINUTE_MS })),
  { maxLength: 3 },
);
const emergency = fc.record({ type: fc.constant('emergency' as const), alg: anyAlg, retriesAfterMs });
const rotation = fc.oneof(rotate, emergency);
const gapMs = fc.oneof(
  fc.integer({ min: 0, max: 3 * MINUTE_MS }),
  fc.integer({ min: 0, max: 2 * HOUR_MS }),
  fc.integer({ min: 0, max: 2 * DAY_MS }),
  fc.integer({ min: 0, max: 32 * DAY_MS }),
);
const schedule = fc.array(
  fc.record({
    afterMs: gapMs,
    action: fc.oneof({ weight: 3, arbitrary: mint }, { weight: 1, arbitrary: rotation }),
  }),
  { minLength: 1, maxLength: 40 },
);
const latenessMs = fc.array(
  fc.oneof(fc.constant(0), fc.integer({ min: 0, max: HOUR_MS }), fc.integer({ min: 0, max: 30 * DAY_MS - 1 })),
  { minLength: 1, maxLength: 6 },
);
const party = fc.record({
  cacheMs: fc.oneof(fc.constant(DAY_MS), fc.integer({ min: 0, max: DAY_MS })),
  lagMs: fc.integer({ min: 0, max: 10 * MINUTE_MS }),
  refetchesUnknownKid: fc.boolean(),
});
/** Where in its life, and at what age of the party's copy, a token is presented; the ends are tried as well. */
const fractions = fc.array(
  fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
  {
    minLength: 4,
    maxLength: 8,
  },
);
const CORNERS: readonly (readonly [number, number])[] = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
];

it('every token verifies for its whole life at every relying party, unless its key was dropped', () => {
  fc.assert(
    fc.property(schedule, latenessMs, party, fractions, (scheduled, late, relyingParty, somewhere) => {
      const world = new World(late);
      world.run(scheduled);
      for (const token of world.tokens) {
        const droppedMs = world.dropped.get(token.kid)?.atMs ?? Infinity;
        for (const [life, age] of [...CORNERS, ...somewhere]) {
          const atMs = token.mintedMs + life * (token.expiresMs - 1 - token.mintedMs);
          if (atMs >= droppedMs) continue;
          const ageMs = age * relyingParty.cacheMs;
          expect(accepts(world, relyingParty, token.kid, atMs, ageMs), JSON.stringify({ token, atMs, ageMs })).toBe(
            true,
          );
        }
      }
    }),
    { numRuns: 2_000 },
  );
});

it('after an emergency nobody signs with the dropped key, and parties that honour max-age stop accepting it', () => {
  const emergencies = fc.array(
    fc.record({
      afterMs: gapMs,
      action: fc.oneof(mint, emergency),
    }),
    { minLength: 5, maxLength: 30 },
  );
  let drops = 0;
  let repetitions = 0;
  fc.assert(
    fc.property(emergencies, latenessMs, fc.integer({ min: 0, max: 300 * SECOND_MS }), (scheduled, late, ageMs) => {
      const world = new World(late);
      world.run(scheduled);
      repetitions += world.repetitions;
      const memoryMs = 5 * SECOND_MS;
      for (const [kid, { atMs: droppedMs, tokensBefore }] of world.dropped) {
        drops += 1;
        expect(world.tokens.slice(tokensBefore).filter((token) => token.kid === kid)).toEqual([]);
        for (const afterMs of [0, HOUR_MS, 40 * DAY_MS]) {
          const atMs = droppedMs + 300 * SECOND_MS + memoryMs + afterMs;
          const honest: Party = { cacheMs: 300 * SECOND_MS, lagMs: memoryMs, refetchesUnknownKid: true };
          expect(accepts(world, honest, kid, atMs, ageMs)).toBe(false);
        }
      }
    }),
    { numRuns: 1_000 },
  );
  expect([drops > 500, repetitions > 500]).toEqual([true, true]);
});

it('there is always exactly one ACTIVE key of each algorithm, after each step one NEXT, and keys follow without gap', () => {
  fc.assert(
    fc.property(schedule, latenessMs, (scheduled, late) => {
      const world = new World(late);
      world.run(scheduled);
      const moments = world.moments();
      for (const [index, nowMs] of moments.entries()) {
        const untilMs = (moments[index + 1] ?? nowMs + 1) - 1;
        for (const alg of ALGORITHMS) {
          const inState = (state: string, ms: number): number =>
            world.ringAt(nowMs).filter((key) => key.alg === alg && stateOf(key, ms) === state).length;
          expect(inState('NEXT', nowMs)).toBe(1);
          expect([inState('ACTIVE', nowMs), inState('ACTIVE', Math.max(nowMs, untilMs))]).toEqual([1, 1]);
          expect(published(world.ringAt(nowMs), nowMs).length).toBeGreaterThanOrEqual(4);
        }
      }
    }),
    { numRuns: 1_000 },
  );
});

it('a key is published its whole lead before it signs, the first ones and emergency successors apart', () => {
  const peaceful = fc.array(
    fc.record({
      afterMs: gapMs,
      action: fc.oneof(mint, rotate),
    }),
    { minLength: 1, maxLength: 30 },
  );
  fc.assert(
    fc.property(peaceful, latenessMs, (scheduled, late) => {
      const world = new World(late);
      world.run(scheduled);
      const everSeen = world.moments().flatMap((ms) => world.ringAt(ms));
      for (const key of everSeen) {
        if (key.publishTimeMs === T0_MS && key.signFromMs === T0_MS) continue;
        expect(key.signFromMs - key.publishTimeMs).toBeGreaterThanOrEqual(PUBLISH_LEAD_MS);
      }
    }),
    { numRuns: 1_000 },
  );
});
