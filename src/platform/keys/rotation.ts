/**
 * The life of signing keys as arithmetic: publish → wait → sign → stay published → go. Pure: time is handed in, nothing is made here.
 * A key's times, not "the newest one seen", say who signs: isolates agree without talking to each other, and a late alarm
 * delays only the making of the key after next.
 */
import type { SigningAlgorithm } from '../../core/resources.ts';

export interface RingKey {
  /** RFC 7638 thumbprint of the public half. */
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  /** In the JWKS from here on. */
  readonly publishTimeMs: number;
  readonly signFromMs: number;
  /** The successor's `signFromMs`: the keys of an algorithm follow each other without gap or overlap. */
  readonly signUntilMs: number;
  /** Set once and never cleared: out of the JWKS for good. */
  readonly distrustedAtMs?: number;
}

export type Ring = readonly RingKey[];

export type KeyState = 'NEXT' | 'ACTIVE' | 'RETIRING' | 'DISTRUSTED' | 'GONE';

export type Step =
  | {
      readonly type: 'make';
      readonly alg: SigningAlgorithm;
      readonly publishTimeMs: number;
      readonly signFromMs: number;
      readonly signUntilMs: number;
    }
  | { readonly type: 'retime'; readonly kid: string; readonly signFromMs: number; readonly signUntilMs: number }
  | { readonly type: 'distrust'; readonly kid: string; readonly atMs: number }
  | { readonly type: 'remove'; readonly kid: string };

export interface Rotation {
  readonly algs: readonly SigningAlgorithm[];
  readonly emergency: boolean;
}

/** An emergency rotation so young that asking for it again is taken for the same one. */
export interface EmergencyGuard {
  readonly alg: SigningAlgorithm;
  readonly doneAtMs: number;
  readonly againFromMs: number;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const SIGNING_ALGORITHMS: readonly SigningAlgorithm[] = ['ES256', 'RS256'];

export const PERIOD_MS = 30 * DAY_MS;
/** From publication to the first signature: long enough for every relying party to have fetched the key. */
export const PUBLISH_LEAD_MS = DAY_MS + 15 * MINUTE_MS;
/** From the last signature to leaving the JWKS. */
export const KEEP_PUBLISHED_MS = DAY_MS;
/** How far two of our clocks may be apart: a key may sign this much early, for it has long been published. */
const CLOCK_SKEW_MS = 5 * MINUTE_MS;
/** An isolate may hold what it read from the ring for this long, if no news says otherwise. */
export const MAX_MEMORY_MS = HOUR_MS;
/**
 * Whoever lost the first answer asks again, and would make a key sign that no relying party has seen. So long, a second emergency is
 * refused; a deliberate one, after a KEK leak, can wait for it.
 */
const EMERGENCY_GUARD_MS = 5 * MINUTE_MS;
/** The ring looks after itself at least this often: re-sealing, and a clock that jumped. */
const HEARTBEAT_MS = DAY_MS;

const JWKS_MAX_AGE_MS = 300 * SECOND_MS;
const LONGEST_DOWNSTREAM_CACHE_MS = DAY_MS;
const OWN_PROPAGATION_MS = 10 * MINUTE_MS;
const LONGEST_TOKEN_MS = 43_200 * SECOND_MS;

/** What the numbers owe each other (SECURITY.md §5.2). Whoever changes one and breaks a promise does not get a Worker that starts. */
const INVARIANTS: readonly (readonly [string, boolean])[] = [
  [
    'a key is everywhere before it signs',
    PUBLISH_LEAD_MS >= OWN_PROPAGATION_MS + Math.max(JWKS_MAX_AGE_MS, LONGEST_DOWNSTREAM_CACHE_MS) + CLOCK_SKEW_MS,
  ],
  [
    'a key outlives its last token in the JWKS',
    KEEP_PUBLISHED_MS >= LONGEST_TOKEN_MS + MAX_MEMORY_MS + OWN_PROPAGATION_MS + CLOCK_SKEW_MS,
  ],
  ['a token lives at most a sixth of a period', LONGEST_TOKEN_MS * 6 <= PERIOD_MS],
  ['a successor can be published within a period', PUBLISH_LEAD_MS + HEARTBEAT_MS < PERIOD_MS],
];
for (const [promise, kept] of INVARIANTS) {
  if (!kept) throw new Error(`signing-key timetable: broken promise: ${promise}`);
}

export function stateOf(key: RingKey, nowMs: number): KeyState {
  if (key.distrustedAtMs !== undefined) return 'DISTRUSTED';
  if (nowMs < key.signFromMs) return 'NEXT';
  if (nowMs < key.signUntilMs) return 'ACTIVE';
  return nowMs < goneAtMs(key) ? 'RETIRING' : 'GONE';
}

/**
 * The keys that relying parties may see. There is no lower bound: a key is published from the moment it exists,
 * and a clock that is a little behind must not hide one that is already signing.
 */
export function published(ring: Ring, nowMs: number): Ring {
  return ring.filter((key) => key.distrustedAtMs === undefined && nowMs < goneAtMs(key));
}

/** Which key signs now. Between two keys, or before the first, a clock that is behind takes the one about to begin. */
export function activeKey<K extends RingKey>(ring: readonly K[], alg: SigningAlgorithm, nowMs: number): K | undefined {
  const able = trusted(ring, alg).filter((key) => nowMs < key.signUntilMs);
  return able.find((key) => key.signFromMs <= nowMs) ?? able.find((key) => key.signFromMs <= nowMs + CLOCK_SKEW_MS);
}

/** May this key ever sign again? If not, its private half is of no use to us, only to a thief. */
export function maySignAgain(ring: Ring, key: RingKey, nowMs: number): boolean {
  if (key.distrustedAtMs !== undefined) return false;
  return nowMs < key.signUntilMs || newest(trusted(ring, key.alg)) === key;
}

/** The steps that the timetable wants done now; all of them for a ring that is still empty. */
export function plan(ring: Ring, nowMs: number): readonly Step[] {
  return SIGNING_ALGORITHMS.flatMap((alg) => planFor(trusted(ring, alg), alg, nowMs));
}

/** The steps of a command. The timetable's own steps must have been done before. */
export function planRotation(ring: Ring, nowMs: number, rotation: Rotation): readonly Step[] {
  if (!rotation.emergency) return rotation.algs.flatMap((alg) => bringForwardFor(ring, alg, nowMs));
  const guarded = emergencyGuards(ring, nowMs).map((guard) => guard.alg);
  return rotation.algs.filter((alg) => !guarded.includes(alg)).flatMap((alg) => emergencyFor(ring, alg, nowMs));
}

/** Read from the distrusted keys, which stay on the list for ever: a restart or a lost answer cannot forget an emergency. */
export function emergencyGuards(ring: Ring, nowMs: number): readonly EmergencyGuard[] {
  return SIGNING_ALGORITHMS.flatMap((alg) => {
    const drops = ring.flatMap((key) => (key.alg === alg ? [key.distrustedAtMs ?? -Infinity] : []));
    const doneAtMs = Math.max(-Infinity, ...drops);
    const againFromMs = doneAtMs + EMERGENCY_GUARD_MS;
    return nowMs < againFromMs ? [{ alg, doneAtMs, againFromMs }] : [];
  });
}

/** The ring after `steps`; the n-th key to be made gets the n-th of `kids`. */
export function perform(ring: Ring, steps: readonly Step[], kids: readonly string[]): Ring {
  const unused = [...kids];
  return steps.reduce<Ring>((keys, step) => performOne(keys, step, unused), ring);
}

/** When the ring next has something to do. */
export function nextWakeMs(ring: Ring, nowMs: number): number {
  const due = SIGNING_ALGORITHMS.flatMap((alg) => {
    const keys = trusted(ring, alg);
    const last = newest(keys);
    const leaving = keys.filter((key) => key !== last && key.signUntilMs <= nowMs).map(goneAtMs);
    return [last?.signFromMs ?? nowMs, ...leaving];
  });
  return Math.max(nowMs, Math.min(nowMs + HEARTBEAT_MS, ...due));
}

function goneAtMs(key: RingKey): number {
  return key.signUntilMs + KEEP_PUBLISHED_MS;
}

function trusted<K extends RingKey>(ring: readonly K[], alg: SigningAlgorithm): readonly K[] {
  return ring.filter((key) => key.alg === alg && key.distrustedAtMs === undefined);
}

function newest<K extends RingKey>(keys: readonly K[]): K | undefined {
  return keys.reduce<K | undefined>((a, b) => (a !== undefined && a.signUntilMs > b.signUntilMs ? a : b), undefined);
}

function planFor(keys: Ring, alg: SigningAlgorithm, nowMs: number): readonly Step[] {
  const last = newest(keys);
  const removals = keys
    .filter((key) => stateOf(key, nowMs) === 'GONE')
    .map((key): Step => ({ type: 'remove', kid: key.kid }));
  // Nothing is published that could sign: waiting would only add an outage, so the first key signs at once.
  if (last === undefined || stateOf(last, nowMs) === 'GONE') {
    return [...removals, make(alg, nowMs, nowMs), make(alg, nowMs, nowMs + PERIOD_MS)];
  }
  if (nowMs < last.signFromMs) return removals;
  // The last key signs already, and its successor must wait. Where alarms were so late that the wait outlasts the key, it serves on.
  const switchMs = Math.max(last.signUntilMs, nowMs + PUBLISH_LEAD_MS);
  const longer = switchMs > last.signUntilMs ? [retime(last, last.signFromMs, switchMs)] : [];
  return [...removals, ...longer, make(alg, nowMs, switchMs)];
}

/** As early as a published successor allows. Asking again while that switch is ahead changes nothing. */
function bringForwardFor(ring: Ring, alg: SigningAlgorithm, nowMs: number): readonly Step[] {
  const active = activeKey(ring, alg, nowMs);
  const next = successorOf(active, ring);
  if (active === undefined || next === undefined) return [];
  const switchMs = Math.max(nowMs, next.publishTimeMs + PUBLISH_LEAD_MS);
  if (switchMs >= next.signFromMs || switchMs <= active.signFromMs) return [];
  const nextUntilMs = switchMs + PERIOD_MS;
  const standby = switchMs === nowMs ? [make(alg, nowMs, nextUntilMs)] : [];
  return [retime(active, active.signFromMs, switchMs), retime(next, switchMs, nextUntilMs), ...standby];
}

/** The standby is published already, so nobody has to wait for anything. */
function emergencyFor(ring: Ring, alg: SigningAlgorithm, nowMs: number): readonly Step[] {
  const active = activeKey(ring, alg, nowMs);
  const next = successorOf(active, ring);
  if (active === undefined || next === undefined) return [];
  // A clock may have been set back since the standby was published: nothing signs before it was.
  const fromMs = Math.max(nowMs, next.publishTimeMs);
  const untilMs = fromMs + PERIOD_MS;
  return [{ type: 'distrust', kid: active.kid, atMs: nowMs }, retime(next, fromMs, untilMs), make(alg, nowMs, untilMs)];
}

function successorOf(active: RingKey | undefined, ring: Ring): RingKey | undefined {
  if (active === undefined) return undefined;
  return trusted(ring, active.alg).find((key) => key.signFromMs === active.signUntilMs);
}

function make(alg: SigningAlgorithm, publishTimeMs: number, signFromMs: number): Step {
  return { type: 'make', alg, publishTimeMs, signFromMs, signUntilMs: signFromMs + PERIOD_MS };
}

function retime(key: RingKey, signFromMs: number, signUntilMs: number): Step {
  return { type: 'retime', kid: key.kid, signFromMs, signUntilMs };
}

function performOne(ring: Ring, step: Step, unusedKids: string[]): Ring {
  switch (step.type) {
    case 'make': {
      const kid = unusedKids.shift();
      if (kid === undefined) throw new Error('a key to be made has no kid');
      const { alg, publishTimeMs, signFromMs, signUntilMs } = step;
      return [...ring, { kid, alg, publishTimeMs, signFromMs, signUntilMs }];
    }
    case 'retime': {
      const { signFromMs, signUntilMs } = step;
      return ring.map((key) => (key.kid === step.kid ? { ...key, signFromMs, signUntilMs } : key));
    }
    case 'distrust':
      return ring.map((key) => (key.kid === step.kid ? distrusted(key, step.atMs) : key));
    default:
      return ring.filter((key) => key.kid !== step.kid);
  }
}

/** Its `signUntilMs` then says when it truly stopped. */
function distrusted(key: RingKey, atMs: number): RingKey {
  return { ...key, signUntilMs: Math.max(key.signFromMs, Math.min(key.signUntilMs, atMs)), distrustedAtMs: atMs };
}
