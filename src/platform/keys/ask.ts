/** One question to a project's KeyRing object. Every fault is a value: away, overloaded, broken or too slow are all "no answer". */
import { err, ok, type Result } from '../../core/result.ts';
import type { KeyRing } from './object.ts';

export type KeyRings = DurableObjectNamespace<KeyRing>;

/** Making an RSA key is part of some answers. */
const ANSWER_BUDGET_MS = 5_000;

export async function askRing<T>(
  rings: KeyRings,
  projectNumber: string,
  question: (ring: DurableObjectStub<KeyRing>) => Promise<T>,
): Promise<Result<T, 'no_answer'>> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('the key ring did not answer in time')), ANSWER_BUDGET_MS);
  });
  try {
    return ok(await Promise.race([question(rings.getByName(projectNumber)), tooLate]));
  } catch {
    return err('no_answer');
  } finally {
    clearTimeout(timer);
  }
}
