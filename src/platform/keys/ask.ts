/** One question to a project's KeyRing object. Every fault is a value: away, overloaded, broken or too slow are all "no answer". */
import { err, ok, type Result } from '../../core/result.ts';
import type { KeyRing } from './object.ts';
import { within } from '../within.ts';

export type KeyRings = DurableObjectNamespace<KeyRing>;

/** Making an RSA key is part of some answers. */
const ANSWER_BUDGET_MS = 5_000;

export async function askRing<T>(
  rings: KeyRings,
  projectNumber: string,
  question: (ring: DurableObjectStub<KeyRing>) => Promise<T>,
): Promise<Result<T, 'no_answer'>> {
  try {
    return ok(await within(ANSWER_BUDGET_MS, question(rings.getByName(projectNumber))));
  } catch {
    return err('no_answer');
  }
}
