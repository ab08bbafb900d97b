/**
 * Configuration as an isolate sees it: memory first, then KV, then the authority. KV may lag a minute, or be written by
 * somebody who should not; so a copy counts only as far as the epoch news, which comes with every permit, bears it out (DESIGN §5).
 */
import { stillCurrent, type EpochNews } from '../../core/news.ts';
import { ConfigUnavailable, type ConfigView } from '../../core/ports.ts';
import { shardKey, type Shards } from '../../core/resources.ts';
import { isLater, type Soon } from '../../core/soon.ts';
import { macKeys, type MacKeys } from '../sealed-record.ts';
import type { Keks } from '../secrets.ts';
import { projectRegistryName } from '../object-names.ts';
import { HotMap } from '../../core/hot-map.ts';
import { Budget } from '../budget.ts';
import { InFlight, WaitingRoom } from '../waiting-room.ts';
import { within } from '../within.ts';
import type { Registry } from './object.ts';
import { openRecord } from './record.ts';

/** The least that KV takes. Longer would only make more readers ask the authority after a change. */
const KV_CACHE_TTL_SECONDS = 30;

export interface ConfigReader {
  /** Before any news of the project is known, what a view hands out is provisional: ask for news, then `currentAt`. */
  open(projectNumber: string): ConfigView;
  learn(projectNumber: string, news: EpochNews): void;
}

type Shard = Shards[keyof Shards];

/** The proof grows with the news; the value never changes, for compiled policies hang on its identity. */
interface Copy {
  readonly value: Shard | undefined;
  provenAtEpoch: number;
}

/** A caller waits: a KV or an object that takes longer is as good as away. */
const READ_BUDGET_MS = 3_000;

/** Questions about things that nothing is known of, a project: bounded, for one object answers them all, and the administrator too. */
const GUESSES = { burst: 60, refillPerSecond: 2, maxKeys: 1_000 };

/** Requests that wait at once for what another one is asking. */
const PLACES = 200;

/** Nothing was found where nothing was known: no epoch bears this out but that of a project which does not exist. */
const UNPROVEN = -1;

export function createConfigReader(deps: {
  readonly cache: KVNamespace;
  readonly registry: DurableObjectNamespace<Registry>;
  readonly keks: Keks;
  readonly nowMs: () => number;
  readonly maxEntries: number;
}): ConfigReader {
  const memory = new Memory(deps.maxEntries);
  const guesses = new Budget(GUESSES, deps.nowMs);
  const asked = new InFlight();
  const crowd = new WaitingRoom(PLACES);
  let keys: MacKeys | undefined;

  return { open, learn: (projectNumber, news) => memory.learn(projectNumber, news) };

  function open(projectNumber: string): ConfigView {
    return new View(projectNumber, memory, find);
  }

  function find(projectNumber: string, key: string): Soon<Copy> {
    const news = memory.news(projectNumber);
    const held = memory.copy(key);
    if (held !== undefined && (news === undefined || bearsOut(news, key, held))) return held;
    return findElsewhere(projectNumber, key, news, held);
  }

  async function findElsewhere(
    projectNumber: string,
    key: string,
    news: EpochNews | undefined,
    held: Copy | undefined,
  ): Promise<Copy> {
    const record = await fromKv(key);
    if (isCopy(record) && (news === undefined || bearsOut(news, key, record))) return memory.keep(key, record);
    // A stranger's guess at a project costs one read of KV. Whether it deserves more is for the caller to find out.
    if (news === undefined) return { value: undefined, provenAtEpoch: UNPROVEN };
    // Nothing held, nothing in KV: a stranger's guess, or brand new. Of these the authority answers only so many.
    const isGuess = record === 'missing' && held?.value === undefined;
    if (isGuess && !guesses.take(projectNumber)) {
      // Of a crowd that comes for what is brand new, the last take what the first are finding out.
      await crowd.until(() => (asked.has(key) ? undefined : true));
      const found = memory.copy(key);
      return found !== undefined && bearsOut(news, key, found) ? found : { value: undefined, provenAtEpoch: UNPROVEN };
    }
    return memory.keep(key, await asked.during(key, () => fromAuthority(projectNumber, key, news)));
  }

  async function fromKv(key: string): Promise<Copy | 'missing' | 'unusable'> {
    try {
      const options = { type: 'text', cacheTtl: KV_CACHE_TTL_SECONDS } as const;
      const text = await within(READ_BUDGET_MS, deps.cache.get(key, options));
      if (text === null) return 'missing';
      keys ??= await macKeys(deps.keks);
      const record = await openRecord(keys, key, text, deps.nowMs());
      if (record === undefined) return 'unusable';
      return { value: isShard(record.value) ? record.value : undefined, provenAtEpoch: record.epoch };
    } catch {
      return 'unusable';
    }
  }

  async function fromAuthority(projectNumber: string, key: string, news: EpochNews): Promise<Copy> {
    const answer = await ask();
    const copy = { value: isShard(answer.value) ? answer.value : undefined, provenAtEpoch: answer.epoch };
    // An authority that is behind its own news was restored from an older day: what was disabled since may be enabled there.
    if (!bearsOut(news, key, copy)) throw new ConfigUnavailable('the Registry object is behind the epoch in force');
    return copy;

    async function ask(): Promise<{ readonly epoch: number; readonly value: unknown }> {
      try {
        return await within(READ_BUDGET_MS, deps.registry.getByName(projectRegistryName(projectNumber)).shard(key));
      } catch (cause) {
        throw new ConfigUnavailable('the Registry object does not answer', { cause });
      }
    }
  }
}

/** One for each exchange, so a class: its functions are made once, and stay what V8 has compiled. */
class View implements ConfigView {
  readonly #projectNumber: string;
  readonly #memory: Memory;
  readonly #find: (projectNumber: string, key: string) => Soon<Copy>;
  readonly #handedOut = new Map<string, Copy>();

  constructor(projectNumber: string, memory: Memory, find: (projectNumber: string, key: string) => Soon<Copy>) {
    this.#projectNumber = projectNumber;
    this.#memory = memory;
    this.#find = find;
  }

  project(): Soon<Shards['project'] | undefined> {
    return this.#hand('project', shardKey.project(this.#projectNumber));
  }

  pool(poolId: string): Soon<Shards['pool'] | undefined> {
    return this.#hand('pool', shardKey.pool(this.#projectNumber, poolId));
  }

  provider(poolId: string, providerId: string): Soon<Shards['provider'] | undefined> {
    return this.#hand('provider', shardKey.provider(this.#projectNumber, poolId, providerId));
  }

  target(targetId: string): Soon<Shards['target'] | undefined> {
    return this.#hand('target', shardKey.target(this.#projectNumber, targetId));
  }

  serviceAccount(id: string): Soon<Shards['serviceAccount'] | undefined> {
    return this.#hand('serviceAccount', shardKey.serviceAccount(this.#projectNumber, id));
  }

  aws(): Soon<Shards['aws'] | undefined> {
    return this.#hand('aws', shardKey.aws(this.#projectNumber));
  }

  currentAt(news: EpochNews): boolean {
    this.#memory.learn(this.#projectNumber, news);
    for (const [key, copy] of this.#handedOut) if (!bearsOut(news, key, copy)) return false;
    return true;
  }

  #hand<K extends keyof Shards>(kind: K, key: string): Soon<Shards[K] | undefined> {
    const found = this.#handedOut.get(key) ?? this.#find(this.#projectNumber, key);
    return isLater(found) ? found.then((copy) => this.#take(kind, key, copy)) : this.#take(kind, key, found);
  }

  #take<K extends keyof Shards>(kind: K, key: string, copy: Copy): Shards[K] | undefined {
    this.#handedOut.set(key, copy);
    return copy.value !== undefined && isOfKind(kind, copy.value) ? copy.value : undefined;
  }
}

/** What is borne out is proven up to the news from then on, so that a long list of later changes raises no doubt. */
function bearsOut(news: EpochNews, key: string, copy: Copy): boolean {
  // There is no such project, and nothing was found: that agrees.
  if (news.epoch === 0 && copy.value === undefined) return true;
  if (!stillCurrent(key, copy.provenAtEpoch, news)) return false;
  copy.provenAtEpoch = Math.max(copy.provenAtEpoch, news.epoch);
  return true;
}

function isCopy(record: Copy | 'missing' | 'unusable'): record is Copy {
  return typeof record === 'object';
}

/** Only the authority writes shards and seals records; null is its word for one that does not exist. */
function isShard(value: unknown): value is Shard {
  return typeof value === 'object' && value !== null;
}

/** Each shard has a member of the name of its kind. */
function isOfKind<K extends keyof Shards>(kind: K, shard: Shard): shard is Shards[K] {
  return kind in shard;
}

/** Bounded, and what is absent is kept apart from what is there: strangers' guesses push out guesses only. */
class Memory {
  readonly #news: HotMap<EpochNews>;
  readonly #present: HotMap<Copy>;
  readonly #absent: HotMap<Copy>;

  constructor(maxEntries: number) {
    this.#news = new HotMap(maxEntries);
    this.#present = new HotMap(maxEntries);
    this.#absent = new HotMap(maxEntries);
  }

  news(projectNumber: string): EpochNews | undefined {
    return this.#news.get(projectNumber);
  }

  /** News may come in any order; that a project does not exist is not worth a place, and may be over at any moment. */
  learn(projectNumber: string, news: EpochNews): void {
    if (news.epoch > (this.#news.get(projectNumber)?.epoch ?? 0)) this.#news.set(projectNumber, news);
  }

  copy(key: string): Copy | undefined {
    return this.#present.get(key) ?? this.#absent.get(key);
  }

  keep(key: string, found: Copy): Copy {
    const held = this.copy(key);
    // Another request may have found a newer one while this one was waiting.
    if (held !== undefined && held.provenAtEpoch >= found.provenAtEpoch) return held;
    if (held !== undefined && JSON.stringify(held.value) === JSON.stringify(found.value)) {
      held.provenAtEpoch = found.provenAtEpoch;
      return held;
    }
    const [to, from] = found.value === undefined ? [this.#absent, this.#present] : [this.#present, this.#absent];
    from.delete(key);
    to.set(key, found);
    return found;
  }
}
