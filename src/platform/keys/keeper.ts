/** What a KeyRing object does: decides by `rotation.ts`, makes keys, writes them down, and tells the project's epoch. */
import type { Caller } from '../../core/admin/caller.ts';
import { type AdminDenial, invalid } from '../../core/admin/denial.ts';
import type { SigningAlgorithm } from '../../core/resources.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Keks } from '../secrets.ts';
import { within } from '../within.ts';
import {
  type EmergencyGuard,
  emergencyGuards,
  nextWakeMs,
  perform,
  plan,
  planRotation,
  published,
  SIGNING_ALGORITHMS,
  type Step,
  stateOf,
} from './rotation.ts';
import type { RingKey } from './rotation.ts';
import { makeKey, type PublishedJwk, type Sealed, type SealKeys, sealKeys, standingOf } from './seal.ts';
import type { RingFault, RingStore, RotationCommand, StoredRing } from './store.ts';

/** For the isolates that sign: the private half leaves the object only sealed. */
export interface SealedSigningKey extends RingKey {
  readonly sealed: Sealed;
}

export interface SigningKeys {
  readonly generation: number;
  readonly keys: readonly SealedSigningKey[];
}

export interface PublishedKey extends RingKey {
  readonly jwk: PublishedJwk;
}

/** As CONTRACT lists it; times are RFC 3339. */
export interface SigningKeyInfo {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly state: 'NEXT' | 'ACTIVE' | 'RETIRING' | 'DISTRUSTED';
  readonly publishTime: string;
  readonly signFrom: string;
  readonly signUntil: string;
}

export interface RotateInput {
  readonly alg?: SigningAlgorithm;
  readonly emergency?: boolean;
}

export interface RingPorts {
  /** The name of the object: its project's number. */
  readonly name: string;
  nowMs(): number;
  keks(): Result<Keks, string>;
  /** Resolves once the project's epoch says that the ring changed; caller and command are for the project's history. */
  announce(projectNumber: string, caller: Caller | undefined, command: string): Promise<void>;
  setAlarm(atMs: number): Promise<void>;
}

const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 15 * 60_000;
/** The Registry itself waits for the quota. */
const ANNOUNCE_BUDGET_MS = 15_000;

export class RingKeeper {
  readonly #store: RingStore;
  readonly #ports: RingPorts;
  /** Two announcements of one command at once would stand in the history as two commands. */
  #announcing: Promise<unknown> = Promise.resolve();

  constructor(store: RingStore, ports: RingPorts) {
    this.#store = store;
    this.#ports = ports;
  }

  /** The first keys of a project. Again, or twice at once: still one ring. */
  async create(projectNumber: string): Promise<Result<null, AdminDenial>> {
    while (this.#store.read() === undefined) {
      const made = await this.#carryOut(
        { projectNumber, generation: 0, keys: [], owed: [] },
        plan([], this.#ports.nowMs()),
      );
      if (!made.ok) return made;
    }
    return ok(null);
  }

  signingKeys(): SigningKeys | undefined {
    const ring = this.#store.read();
    if (ring === undefined) return undefined;
    const sealed = this.#store.sealed();
    const nowMs = this.#ports.nowMs();
    const keys = ring.keys.flatMap((key) => {
      const half = sealed.get(key.kid);
      const signs = ['ACTIVE', 'NEXT'].includes(stateOf(key, nowMs));
      return signs && half !== undefined ? [{ ...key, sealed: half }] : [];
    });
    return { generation: ring.generation, keys };
  }

  publicKeys(): { readonly keys: readonly PublishedKey[] } | undefined {
    const ring = this.#store.read();
    if (ring === undefined) return undefined;
    const jwks = this.#store.publicJwks();
    const keys = published(ring.keys, this.#ports.nowMs()).flatMap((key) => {
      const jwk = jwks.get(key.kid);
      return jwk === undefined ? [] : [{ ...key, jwk }];
    });
    return { keys };
  }

  list(): readonly SigningKeyInfo[] | undefined {
    const ring = this.#store.read();
    return ring?.keys.flatMap((key) => {
      const state = stateOf(key, this.#ports.nowMs());
      return state === 'GONE' ? [] : [{ kid: key.kid, alg: key.alg, state, ...timesOf(key) }];
    });
  }

  /** For an exchange that found no key to sign with: what the alarm should have done. An absent ring stays absent. */
  async catchUp(): Promise<Result<SigningKeys | undefined, AdminDenial>> {
    const settled = await this.#settle();
    return settled.ok ? ok(this.signingKeys()) : settled;
  }

  async rotate(input: RotateInput, caller?: Caller): Promise<Result<readonly SigningKeyInfo[], AdminDenial>> {
    const { alg, emergency = false } = input;
    if (alg !== undefined && !SIGNING_ALGORITHMS.includes(alg)) return err(invalid('alg', 'must be ES256 or RS256'));
    const named = alg === undefined ? SIGNING_ALGORITHMS : [alg];
    for (;;) {
      const settled = await this.#settle();
      if (!settled.ok) return settled;
      const ring = this.#store.read();
      if (ring === undefined) return err({ tag: 'not_found', resource: this.#resource() });
      const nowMs = this.#ports.nowMs();
      const guards = emergency ? emergencyGuards(ring.keys, nowMs).filter((guard) => named.includes(guard.alg)) : [];
      const algs = named.filter((one) => !isOwed(ring, one, emergency) && guards.every((guard) => guard.alg !== one));
      const steps = planRotation(ring.keys, nowMs, { algs, emergency });
      if (steps.length === 0) {
        // Whoever was told "not yet in force" asks again, and is answered by the announcement below.
        if (guards.length > 0 && ring.owed.length === 0) return err(alreadyDone(guards));
        break;
      }
      const command = { algs, emergency, ...(caller === undefined ? {} : { caller }) };
      const carriedOut = await this.#carryOut(ring, steps, command);
      if (!carriedOut.ok) return carriedOut;
      if (carriedOut.value) break;
    }
    const announced = await this.#announceOwed();
    return announced.ok ? ok(this.list() ?? []) : announced;
  }

  fault(): RingFault | undefined {
    return this.#store.fault();
  }

  /** The alarm. Never throws: what failed is written down, and the next alarm is set. */
  async wake(): Promise<void> {
    if (this.#store.read() === undefined) return;
    const faults: string[] = [];
    for (const task of [() => this.#tend(), () => this.#announceOwed()]) {
      try {
        const done = await task();
        if (!done.ok) faults.push(describe(done.error));
      } catch (fault) {
        faults.push(fault instanceof Error ? `${fault.name}: ${fault.message}` : String(fault));
      }
    }
    if (faults.length === 0) this.#store.clearFault();
    else this.#store.recordFault(faults.join('; '), this.#ports.nowMs());
    await this.#rearm();
  }

  /** Seals first: a KEK that cannot open what is there must not make anything new beside it. */
  async #tend(): Promise<Result<null, AdminDenial>> {
    const ring = this.#store.read();
    if (ring === undefined) return ok(null);
    const opened = await this.#openSeals(ring);
    if (!opened.ok) return opened;
    const { anew } = opened.value;
    // A ring that changed meanwhile is looked at again by the next alarm.
    if (anew.size > 0) this.#store.reseal(ring.generation, anew);
    return this.#settle();
  }

  /** What the timetable wants done by now, until it wants nothing more. */
  async #settle(): Promise<Result<null, AdminDenial>> {
    for (;;) {
      const ring = this.#store.read();
      const steps = ring === undefined ? [] : plan(ring.keys, this.#ports.nowMs());
      if (ring === undefined || steps.length === 0) return ok(null);
      const carriedOut = await this.#carryOut(ring, steps);
      if (!carriedOut.ok) return carriedOut;
    }
  }

  /** False where another change came first; the keys made for this one are then forgotten, never having been seen by anybody. */
  async #carryOut(
    ring: StoredRing,
    steps: readonly Step[],
    command?: RotationCommand,
  ): Promise<Result<boolean, AdminDenial>> {
    const opened = await this.#openSeals(ring);
    if (!opened.ok) return opened;
    const { projectNumber, generation } = ring;
    const algs = steps.flatMap((step) => (step.type === 'make' ? [step.alg] : []));
    const made = await Promise.all(algs.map((alg) => makeKey(opened.value.keys, projectNumber, alg)));
    const keys = perform(
      ring.keys,
      steps,
      made.map((key) => key.jwk.kid),
    );
    const change = { projectNumber, fromGeneration: generation, keys, made };
    const committed = this.#store.commit(command === undefined ? change : { ...change, command }, this.#ports.nowMs());
    // No await between the two: the change and its alarm become durable together.
    if (committed) await this.#rearm();
    return ok(committed);
  }

  /** Opens every seal there is, or names the fault; also gives what must be sealed anew. */
  async #openSeals(
    ring: StoredRing,
  ): Promise<Result<{ readonly keys: SealKeys; readonly anew: ReadonlyMap<string, Sealed> }, AdminDenial>> {
    const keks = this.#ports.keks();
    if (!keks.ok) return err(kekFault(keks.error));
    const keys = await sealKeys(keks.value);
    const anew = new Map<string, Sealed>();
    const sealed = ring.generation === 0 ? new Map<string, Sealed>() : this.#store.sealed();
    for (const [kid, half] of sealed) {
      const alg = ring.keys.find((key) => key.kid === kid)?.alg;
      if (alg === undefined) continue;
      const standing = await standingOf(keys, { projectNumber: ring.projectNumber, kid, alg }, half);
      if (standing.under === 'neither') return err(kekFault(WRONG_KEK));
      if (standing.under === 'previous') anew.set(kid, standing.anew);
    }
    return ok({ keys, anew });
  }

  async #announceOwed(): Promise<Result<null, AdminDenial>> {
    const mine = this.#announcing.then(() => this.#announceAll());
    this.#announcing = mine.catch(() => undefined);
    return mine;
  }

  async #announceAll(): Promise<Result<null, AdminDenial>> {
    const ring = this.#store.read();
    if (ring === undefined || ring.owed.length === 0) return ok(null);
    try {
      for (const { generation, emergency, caller } of ring.owed) {
        const command = emergency ? 'signingKeys.rotate emergency' : 'signingKeys.rotate';
        await within(ANNOUNCE_BUDGET_MS, this.#ports.announce(ring.projectNumber, caller, command));
        this.#store.announced(generation);
      }
    } catch {
      await this.#rearm();
      return err({ tag: 'not_in_force_yet', resource: this.#resource() });
    }
    await this.#rearm();
    return ok(null);
  }

  async #rearm(): Promise<void> {
    const ring = this.#store.read();
    if (ring === undefined) return;
    const nowMs = this.#ports.nowMs();
    const failures = this.#store.fault()?.failures ?? 0;
    const trouble = failures > 0 || ring.owed.length > 0;
    await this.#ports.setAlarm(trouble ? nowMs + retryAfterMs(failures) : nextWakeMs(ring.keys, nowMs));
  }

  #resource(): string {
    return `projects/${this.#ports.name}/signingKeys`;
  }
}

/** Done already, though not announced: done once more it would burn the standby as well. */
function isOwed(ring: StoredRing, alg: SigningAlgorithm, emergency: boolean): boolean {
  return ring.owed.some((owed) => owed.emergency === emergency && owed.algs.includes(alg));
}

function alreadyDone(guards: readonly EmergencyGuard[]): AdminDenial {
  const done = guards.map(({ alg, doneAtMs }) => `${alg} at ${rfc3339(doneAtMs)}`).join(', ');
  const again = guards.map(({ alg, againFromMs }) => `${alg} from ${rfc3339(againFromMs)}`).join(', ');
  const description = `The emergency rotation has been done (${done}) and need not be repeated. Another one, which drops the key that signs now, is possible later (${again}).`;
  return { tag: 'failed_precondition', description };
}

const WRONG_KEK =
  "neither EDGE_STS_KEK nor EDGE_STS_KEK_PREVIOUS opens this project's signing keys: set back the KEK they were sealed under; nothing was made or overwritten";

function kekFault(description: string): AdminDenial {
  return { tag: 'unavailable', dependency: 'EDGE_STS_KEK', description };
}

function retryAfterMs(failures: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 20));
}

function describe(denial: AdminDenial): string {
  return denial.tag === 'unavailable' ? `${denial.dependency}: ${denial.description}` : denial.tag;
}

function timesOf(key: RingKey): Pick<SigningKeyInfo, 'publishTime' | 'signFrom' | 'signUntil'> {
  return {
    publishTime: rfc3339(key.publishTimeMs),
    signFrom: rfc3339(key.signFromMs),
    signUntil: rfc3339(key.signUntilMs),
  };
}

function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
