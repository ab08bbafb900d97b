/**
 * A provider's discovered keys as an isolate sees them: memory, else the object, and the copy in KV while the object is away. KV may lag,
 * and whoever writes there may bring back yesterday's true record with a key that the issuer dropped since: so it never speaks while the
 * object does (SECURITY.md T7, T8).
 */
import { BoundedMap } from '../../core/bounded-map.ts';
import type { Denial } from '../../core/denial.ts';
import { isJwksHost } from '../../core/issuer-url.ts';
import type { ProviderName } from '../../core/names.ts';
import type { PublicJwk } from '../../core/resources.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { Budget } from '../budget.ts';
import type { Keks } from '../secrets.ts';
import { within } from '../within.ts';
import { copyKey, openCopy } from './copy.ts';
import { type DiscoveredKeys, type DiscoveryProvider, issuerKeysName } from './discovered.ts';
import type { IssuerKeys } from './object.ts';
import { staleAfterMs } from './timing.ts';

export interface IssuerKeyReader {
  /** The keys to look for `kid` in; equal keys are the same objects as ever. An error where none may be used: it is never "no key". */
  discoveredKeys(
    name: ProviderName,
    provider: DiscoveryProvider,
    kid: string,
  ): Promise<Result<readonly PublicJwk[], Denial>>;
}

interface IssuerKeyReaderOptions {
  readonly namespace: DurableObjectNamespace<IssuerKeys>;
  readonly cache: KVNamespace;
  readonly keks: Keks;
  readonly nowMs: () => number;
}

const MAX_PROVIDERS = 1_000;
/** What the object said is good for so long; then a key that was dropped meanwhile is gone here too. */
const MEMORY_MS = 5 * 60_000;
/** Kids that nobody has are free to make up: one question in 5 s a provider. */
const QUESTIONS = { burst: 1, refillPerSecond: 1 / 5, maxKeys: MAX_PROVIDERS };
/** With nothing to go by, each request of a burst must ask for itself, for none can wait for another's answer. */
const FIRST_QUESTIONS = { burst: 200, refillPerSecond: 1, maxKeys: MAX_PROVIDERS };
/** The object may have to ask the Registry, and then two documents of 5 s each. */
const ANSWER_BUDGET_MS = 16_000;
/** Where keys are at hand, nobody waits long to hear that they are still the same. */
const CONFIRM_BUDGET_MS = 3_000;
const KV_BUDGET_MS = 3_000;
const KV_CACHE_TTL_SECONDS = 30;

interface Held {
  readonly found: DiscoveredKeys;
  /** When the object last said so; 0 for what KV said in its place. */
  readonly confirmedAtMs: number;
}

export function createIssuerKeyReader(options: IssuerKeyReaderOptions): IssuerKeyReader {
  const { namespace, cache, keks, nowMs } = options;
  const memory = new BoundedMap<Held>(MAX_PROVIDERS);
  const questions = new Budget(QUESTIONS, nowMs);
  const firstQuestions = new Budget(FIRST_QUESTIONS, nowMs);

  return { discoveredKeys };

  async function discoveredKeys(
    name: ProviderName,
    provider: DiscoveryProvider,
    kid: string,
  ): Promise<Result<readonly PublicJwk[], Denial>> {
    const objectName = issuerKeysName(name);
    const held = usable(objectName, provider);
    const isConfirmed = held !== undefined && nowMs() < held.confirmedAtMs + MEMORY_MS;
    if (!isConfirmed || !holds(held.found, kid)) await lookAgain(objectName, provider, kid, held);
    const found = usable(objectName, provider)?.found;
    return found === undefined ? err({ tag: 'unavailable', dependency: 'issuer_keys' }) : ok(found.keys);
  }

  /** What is in memory, where it is this issuer's, from a host that may speak for it, and not stale by the `maxStale` of now. */
  function usable(objectName: string, provider: DiscoveryProvider): Held | undefined {
    const held = memory.get(objectName);
    return held !== undefined && isUsable(held.found, provider, nowMs()) ? held : undefined;
  }

  async function lookAgain(
    objectName: string,
    provider: DiscoveryProvider,
    kid: string,
    held: Held | undefined,
  ): Promise<void> {
    if (!(held === undefined ? firstQuestions : questions).take(objectName)) return;
    const answer = await ask(objectName, provider, kid, held);
    if (answer.ok) {
      if (answer.value !== undefined) remember(objectName, answer.value, provider, nowMs());
      return;
    }
    const copy = await fromKv(objectName);
    if (copy !== undefined) remember(objectName, copy, provider, 0);
  }

  /** An object that is away, overloaded, broken or too slow is "no answer"; its own "no keys" is one. */
  async function ask(
    objectName: string,
    { issuerUri }: DiscoveryProvider,
    kid: string,
    held: Held | undefined,
  ): Promise<Result<DiscoveredKeys | undefined, 'no_answer'>> {
    const isKnown = held !== undefined && holds(held.found, kid);
    try {
      const object = namespace.getByName(objectName);
      const answer = isKnown ? object.keys(issuerUri) : object.keysAfterUnknownKid(kid, issuerUri);
      return ok(await within(isKnown ? CONFIRM_BUDGET_MS : ANSWER_BUDGET_MS, answer));
    } catch {
      return err('no_answer');
    }
  }

  async function fromKv(objectName: string): Promise<DiscoveredKeys | undefined> {
    try {
      const read = cache.get(copyKey(objectName), { type: 'text', cacheTtl: KV_CACHE_TTL_SECONDS });
      const text = await within(KV_BUDGET_MS, read);
      return text === null ? undefined : await openCopy(keks, objectName, text, nowMs());
    } catch {
      return undefined;
    }
  }

  function remember(
    objectName: string,
    found: DiscoveredKeys,
    provider: DiscoveryProvider,
    confirmedAtMs: number,
  ): void {
    const held = memory.get(objectName);
    // An old record put back into KV, or an answer that was overtaken, must not push out what is newer.
    const isOlder = held !== undefined && held.found.fetchedAtMs > found.fetchedAtMs;
    if (isOlder && isUsable(held.found, provider, nowMs())) return;
    if (!isUsable(found, provider, nowMs())) return;
    const keys = sameObjects(held?.found.keys ?? [], found.keys);
    memory.set(objectName, { found: { ...found, keys }, confirmedAtMs });
  }
}

function isUsable(found: DiscoveredKeys, provider: DiscoveryProvider, nowMs: number): boolean {
  if (found.issuerUri !== provider.issuerUri) return false;
  if (!isJwksHost(found.jwksUri, provider.issuerUri, provider.allowedJwksHosts)) return false;
  return nowMs < staleAfterMs(found.fetchedAtMs, found.maxAgeSeconds, provider.maxStaleSeconds);
}

/** Imported CryptoKeys hang on the keys' identity: an equal key stays the object that it was, and so does an equal list. */
function sameObjects(before: readonly PublicJwk[], after: readonly PublicJwk[]): readonly PublicJwk[] {
  const known = new Map(before.map((key) => [JSON.stringify(key), key]));
  const keys = after.map((key) => known.get(JSON.stringify(key)) ?? key);
  const isSame = keys.length === before.length && keys.every((key, index) => key === before[index]);
  return isSame ? before : keys;
}

function holds(found: DiscoveredKeys, kid: string): boolean {
  return found.keys.some((key) => key.kid === kid);
}
