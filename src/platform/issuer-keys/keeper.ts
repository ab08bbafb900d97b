/** What an IssuerKeys object does: asks the Registry whether it may, the issuer what it has, and keeps the last answer that was good. */
import { type FetchRules, isJwksHost } from '../../core/issuer-url.ts';
import type { ProviderName } from '../../core/names.ts';
import type { Provider } from '../../core/resources.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { within } from '../within.ts';
import type { Fetch } from '../bounded-fetch.ts';
import {
  type DiscoveredKeys,
  type DiscoveryProvider,
  type IssuerKeysStatus,
  type KeySetEvent,
  providerOfObject,
} from './discovered.ts';
import { discoverKeys, type FetchedKeySet } from './discovery.ts';
import { MissedKids } from './missed-kids.ts';
import type { IssuerKeysStore } from './store.ts';
import { COOL_DOWN_MS, refreshAtMs, retryAtMs } from './timing.ts';

export interface KeeperPorts {
  /** Of the object; empty where the runtime does not tell. */
  readonly name: string;
  nowMs(): number;
  /** In [0, 1). */
  random(): number;
  readonly fetch: Fetch;
  rules(): Result<FetchRules, string>;
  /** The Registry's own word: undefined where there is none. */
  findProvider(name: ProviderName): Promise<Provider | undefined>;
  putCopy(objectName: string, found: DiscoveredKeys): Promise<void>;
  deleteCopy(objectName: string): Promise<void>;
  setAlarm(atMs: number): Promise<void>;
  deleteAlarm(): Promise<void>;
  /** Goes on after whoever asked has gone. */
  inBackground(work: Promise<void>): void;
}

const PATIENCE_MS = 5_000;
/** An attempt takes no longer than both documents may; if its instance dies meanwhile, the alarm begins again. */
const LOST_ATTEMPT_MS = 60_000;
const COPY_RETRY_MS = 60_000;
/** An alarm so late was lost. */
const OVERDUE_MS = 60_000;

export class IssuerKeysKeeper {
  readonly #store: IssuerKeysStore;
  readonly #ports: KeeperPorts;
  readonly #missed = new MissedKids();
  #inFlight: Promise<void> | undefined;
  /** Survives the row, so that a provider removed and made again is no way around the cool-down. */
  #attemptedAtMs = 0;

  constructor(store: IssuerKeysStore, ports: KeeperPorts) {
    this.#store = store;
    this.#ports = ports;
  }

  /** What is there; what never was is fetched. `issuerUri` is the provider's as the caller knows it. */
  async keys(issuerUri?: string): Promise<DiscoveredKeys | undefined> {
    const found = this.#keysOf(issuerUri);
    if (found === undefined) await this.#refreshIfAllowed();
    else if (this.#ports.nowMs() > found.nextRefreshMs + OVERDUE_MS) this.#ports.inBackground(this.#refreshIfAllowed());
    return found ?? this.#store.keys();
  }

  async keysAfterUnknownKid(kid: string, issuerUri?: string): Promise<DiscoveredKeys | undefined> {
    const found = this.#keysOf(issuerUri);
    if (found !== undefined && (holds(found, kid) || this.#missed.isHopeless(kid, this.#ports.nowMs()))) return found;
    await this.#refreshIfAllowed();
    const after = this.#store.keys();
    if (after !== undefined && !holds(after, kid)) this.#missed.note(kid, after.fetchedAtMs);
    return after;
  }

  /** An attempt that begins after this call: now, or as soon as the cool-down is over. */
  async refresh(): Promise<IssuerKeysStatus | undefined> {
    const isNow = this.#inFlight === undefined && this.#ports.nowMs() >= this.#coolDownEndsMs();
    await this.#refreshIfAllowed();
    if (!isNow && this.#store.state() !== undefined) {
      this.#store.due(this.#coolDownEndsMs());
      await this.#rearm();
    }
    return this.status();
  }

  status(): IssuerKeysStatus | undefined {
    const state = this.#store.state();
    if (state === undefined) return undefined;
    const found = this.#store.keys();
    return {
      issuerUri: state.issuerUri,
      keys: (found?.keys ?? []).map(({ kid, thumbprint }) => ({ kid, thumbprint })),
      ...(found === undefined
        ? {}
        : {
            ageSeconds: Math.max(0, Math.floor((this.#ports.nowMs() - found.fetchedAtMs) / 1_000)),
            lastSuccessTime: rfc3339(found.fetchedAtMs),
            staleAfterTime: rfc3339(found.staleAfterMs),
          }),
      lastAttemptTime: rfc3339(state.attemptedAtMs),
      nextRefreshTime: rfc3339(state.dueAtMs),
      failuresInARow: state.failuresInARow,
      ...(state.lastError === '' ? {} : { lastError: state.lastError }),
      warnings: state.warnings,
    };
  }

  events(): readonly KeySetEvent[] {
    return this.#store.events();
  }

  /** What the alarm does. It ends with the provider, and with nothing else. */
  async wake(): Promise<void> {
    const state = this.#store.state();
    if (state === undefined) return;
    if (this.#ports.nowMs() >= state.dueAtMs) await this.#refreshIfAllowed();
    else await this.#putCopy();
    await this.#rearm();
  }

  /** Stale ones count as none: whoever needs keys then must not wait for an alarm that has grown patient. */
  #keysOf(issuerUri: string | undefined): DiscoveredKeys | undefined {
    const found = this.#store.keys();
    if (found === undefined || this.#ports.nowMs() >= found.staleAfterMs) return undefined;
    return (issuerUri ?? found.issuerUri) === found.issuerUri ? found : undefined;
  }

  /** Single flight: who comes while an attempt is under way waits for that one. */
  #refreshIfAllowed(): Promise<void> {
    if (this.#inFlight !== undefined) return this.#inFlight;
    if (this.#ports.nowMs() < this.#coolDownEndsMs()) return Promise.resolve();
    const attempt = this.#attempt().finally(() => {
      this.#inFlight = undefined;
    });
    this.#inFlight = attempt;
    this.#ports.inBackground(attempt.catch(() => undefined));
    return attempt;
  }

  async #attempt(): Promise<void> {
    const objectName = this.#objectName();
    const provider = await this.#lookUp(objectName);
    if (provider === 'unknown') return this.#failed('The configuration of the project could not be read.');
    if (provider === undefined) return this.#gone(objectName);
    const beganAtMs = this.#ports.nowMs();
    this.#forgetForeignKeys(provider, beganAtMs);
    this.#attemptedAtMs = beganAtMs;
    this.#store.begin(objectName, provider, beganAtMs, beganAtMs + LOST_ATTEMPT_MS);
    await this.#rearm();
    const rules = this.#ports.rules();
    const fetched = rules.ok ? await discoverKeys(provider, rules.value, this.#ports.fetch) : rules;
    const accepted = fetched.ok ? this.#refuseSwappedKeys(fetched.value) : fetched;
    return accepted.ok ? this.#succeeded(accepted.value) : this.#failed(accepted.error);
  }

  /** Undefined: there is no such provider, or its keys come another way. Then nothing is fetched and nothing is written. */
  async #lookUp(objectName: string): Promise<DiscoveryProvider | undefined | 'unknown'> {
    const name = providerOfObject(objectName);
    if (name === undefined) return undefined;
    try {
      const provider = await within(PATIENCE_MS, this.#ports.findProvider(name));
      return provider?.keySource === 'discovery' ? provider : undefined;
    } catch {
      return 'unknown';
    }
  }

  /** Keys of another issuer, or from a host that may no longer speak for this one, are not used while new ones are looked for. */
  #forgetForeignKeys({ issuerUri, allowedJwksHosts }: DiscoveryProvider, nowMs: number): void {
    const found = this.#store.keys();
    if (found === undefined) return;
    if (found.issuerUri !== issuerUri) this.#store.forgetKeys('The provider has another issuerUri now.', nowMs);
    else if (!isJwksHost(found.jwksUri, issuerUri, allowedJwksHosts)) {
      this.#store.forgetKeys('Their host is not in allowedJwksHosts any more.', nowMs);
    }
  }

  /**
   * A kid that suddenly names another key is no rotation: somebody who holds the issuer's host, and not its keys, would do that.
   * The keys that were good stay, until they are stale.
   */
  #refuseSwappedKeys(fetched: FetchedKeySet): Result<FetchedKeySet, string> {
    const trusted = this.#store.keys();
    if (trusted === undefined || this.#ports.nowMs() >= trusted.staleAfterMs) return ok(fetched);
    const thumbprints = new Map(trusted.keys.map((key) => [key.kid, key.thumbprint]));
    const swapped = fetched.keys.findIndex((key) => (thumbprints.get(key.kid) ?? key.thumbprint) !== key.thumbprint);
    if (swapped === -1) return ok(fetched);
    return err(
      `The JWKS is refused: keys[${swapped}] has the kid of a key that is trusted now and is another key. A rotation brings a new kid; the set is taken when the trusted one is stale.`,
    );
  }

  async #succeeded({ jwksUri, keys, warnings, maxAgeSeconds }: FetchedKeySet): Promise<void> {
    const fetchedAtMs = this.#ports.nowMs();
    this.#attemptedAtMs = fetchedAtMs;
    const dueAtMs = refreshAtMs(fetchedAtMs, maxAgeSeconds, this.#ports.random());
    this.#store.succeeded({ jwksUri, keys, warnings, maxAgeSeconds, fetchedAtMs, dueAtMs });
    await this.#rearm();
    this.#ports.inBackground(this.#putCopy().then(() => this.#rearm()));
  }

  async #failed(reason: string): Promise<void> {
    const state = this.#store.state();
    // Where nothing was ever written, a Registry that is away is no reason to begin.
    if (state === undefined) return;
    const nowMs = this.#ports.nowMs();
    this.#attemptedAtMs = nowMs;
    this.#store.failed(reason, nowMs, retryAtMs(nowMs, state.failuresInARow + 1, this.#ports.random()));
    await this.#rearm();
  }

  async #gone(objectName: string): Promise<void> {
    if (this.#store.state() === undefined) return;
    this.#store.forgetKeys('The provider is gone, or its keys are not discovered any more.', this.#ports.nowMs());
    this.#store.forgetIssuer();
    await this.#ports.deleteAlarm();
    this.#ports.inBackground(within(PATIENCE_MS, this.#ports.deleteCopy(objectName)).catch(() => undefined));
  }

  async #putCopy(): Promise<void> {
    const found = this.#store.keys();
    if (found === undefined || this.#store.state()?.copyOwed !== true) return;
    try {
      await within(PATIENCE_MS, this.#ports.putCopy(this.#objectName(), found));
      this.#store.copied(found.fetchedAtMs);
    } catch {
      // Still owed: the alarm tries again. Nobody waits for the copy.
    }
  }

  async #rearm(): Promise<void> {
    const state = this.#store.state();
    if (state === undefined) return;
    const attemptAtMs = Math.max(state.dueAtMs, this.#coolDownEndsMs());
    const copyAtMs = state.copyOwed ? this.#ports.nowMs() + COPY_RETRY_MS : attemptAtMs;
    await this.#ports.setAlarm(Math.min(attemptAtMs, copyAtMs));
  }

  #coolDownEndsMs(): number {
    return Math.max(this.#attemptedAtMs, this.#store.state()?.attemptedAtMs ?? 0) + COOL_DOWN_MS;
  }

  /** An alarm may not be told the name; the first write kept it. */
  #objectName(): string {
    return this.#store.state()?.name ?? this.#ports.name;
  }
}

function holds(found: DiscoveredKeys, kid: string): boolean {
  return found.keys.some((key) => key.kid === kid);
}

function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
