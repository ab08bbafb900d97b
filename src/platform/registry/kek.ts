/**
 * Is the KEK at hand the one that this object was made under? A wrong one, pasted or lost, must destroy nothing:
 * every write is refused by name and no record at the edge is overwritten (DESIGN §5).
 */
import type { AdminDenial } from '../../core/admin/denial.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { historyKey, kekCheck, type Keks } from '../secrets.ts';
import { readKeks } from '../settings.ts';
import type { HistoryKeys } from './history-chain.ts';

/** A wrong one is an operator's to mend: nobody asks again sooner. */
export const WRONG_KEK_RETRY_MS = 300_000;

/** `previous`: made under EDGE_STS_KEK_PREVIOUS, still good. `other`: made under neither. */
export type KekStanding = 'unset' | 'current' | 'previous' | 'other';

export interface WritableKek {
  readonly keks: Keks;
  /** To be stored with the write: from then on the current KEK is this object's. */
  readonly check: string;
  readonly history: HistoryKeys;
}

export async function kekStanding(env: Env, stored: string | undefined): Promise<KekStanding> {
  if (stored === undefined) return 'unset';
  const keks = readKeks(env);
  if (!keks.ok) return 'other';
  if (stored === (await kekCheck(keks.value.current))) return 'current';
  const { previous } = keks.value;
  return previous !== undefined && stored === (await kekCheck(previous)) ? 'previous' : 'other';
}

/** The KEK to write under, or the sentence that tells the operator why nothing may be written. */
export async function writableKek(env: Env, stored: string | undefined): Promise<Result<WritableKek, AdminDenial>> {
  const keks = readKeks(env);
  if (!keks.ok) return err(unusable(keks.error));
  if ((await kekStanding(env, stored)) === 'other') {
    return err(
      unusable(
        'EDGE_STS_KEK is not the key that this state was made under (nor is EDGE_STS_KEK_PREVIOUS): set it back; nothing was written',
      ),
    );
  }
  return ok({ keks: keks.value, check: await kekCheck(keks.value.current), history: await historyKeys(keks.value) });
}

function unusable(description: string): AdminDenial {
  return { tag: 'unavailable', dependency: 'EDGE_STS_KEK', description };
}

async function historyKeys({ current, previous }: Keks): Promise<HistoryKeys> {
  const key = await historyKey(current);
  return previous === undefined ? { current: key } : { current: key, previous: await historyKey(previous) };
}
