/**
 * Which project an AWS account is: from memory, else KV, else the directory. A hint and no authority: whoever follows it looks into that
 * project's own row, so an old answer lets nobody in; and strangers who make accounts up cost a bounded number of questions.
 */
import { BoundedMap } from '../../core/bounded-map.ts';
import type { Denial } from '../../core/denial.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { Budget } from '../budget.ts';
import { DIRECTORY_NAME } from '../object-names.ts';
import { macKeys, type MacKeys, openText, sealText } from '../sealed-record.ts';
import type { Keks } from '../secrets.ts';
import { within } from '../within.ts';
import type { Registry } from './object.ts';

const KNOWN_MS = 60_000;
const UNKNOWN_MS = 5_000;
const RECORD_LIFE_MS = 24 * 3_600_000;
const PATIENCE_MS = 3_000;
const MAX_ACCOUNTS = 2_000;
const GUESSES = { burst: 60, refillPerSecond: 2, maxKeys: 1 };
const KEY = 'aws-account:';

interface Known {
  readonly projectNumber: string | undefined;
  readonly untilMs: number;
}

export function createAwsAccountReader(deps: {
  readonly cache: KVNamespace;
  readonly registry: DurableObjectNamespace<Registry>;
  readonly keks: Keks;
  readonly nowMs: () => number;
  readonly inBackground: (work: Promise<unknown>) => void;
}): (accountId: string) => Promise<Result<string | undefined, Denial>> {
  const { nowMs } = deps;
  const memory = new BoundedMap<Known>(MAX_ACCOUNTS);
  const guesses = new Budget(GUESSES, nowMs);
  let keys: MacKeys | undefined;

  return async (accountId) => {
    const known = memory.get(accountId);
    if (known !== undefined && nowMs() < known.untilMs) return ok(known.projectNumber);
    const copied = await fromKv(accountId);
    if (copied !== undefined) return ok(keep(accountId, copied));
    if (!guesses.take('directory')) return err({ tag: 'unavailable', dependency: 'configuration' });
    try {
      const directory = deps.registry.getByName(DIRECTORY_NAME);
      const projectNumber = await within(PATIENCE_MS, directory.projectOfAwsAccount(accountId));
      if (projectNumber !== undefined) deps.inBackground(toKv(accountId, projectNumber));
      return ok(keep(accountId, projectNumber));
    } catch {
      return err({ tag: 'unavailable', dependency: 'configuration' });
    }
  };

  function keep(accountId: string, projectNumber: string | undefined): string | undefined {
    memory.set(accountId, { projectNumber, untilMs: nowMs() + (projectNumber === undefined ? UNKNOWN_MS : KNOWN_MS) });
    return projectNumber;
  }

  async function fromKv(accountId: string): Promise<string | undefined> {
    try {
      const key = `${KEY}${accountId}`;
      const text = await within(PATIENCE_MS, deps.cache.get(key));
      if (text === null) return undefined;
      keys ??= await macKeys(deps.keks);
      return (await openText(keys, { purpose: 'aws-account', key }, text, nowMs()))?.body;
    } catch {
      return undefined;
    }
  }

  /** A put that fails is made again by the next isolate that has to ask. */
  async function toKv(accountId: string, projectNumber: string): Promise<void> {
    try {
      const key = `${KEY}${accountId}`;
      const notAfterMs = nowMs() + RECORD_LIFE_MS;
      keys ??= await macKeys(deps.keks);
      const record = { purpose: 'aws-account', key, version: nowMs(), notAfterMs, body: projectNumber };
      await deps.cache.put(key, await sealText(keys, record), { expirationTtl: RECORD_LIFE_MS / 1_000 });
    } catch {
      // See above.
    }
  }
}
