/** Readiness: what an exchange needs, asked in its own words. The reason names what an operator must set, never a secret. */
import { DIRECTORY_NAME } from './object-names.ts';
import type { Registry } from './registry/object.ts';

/** undefined: ready. */
export async function notReadyReason(
  registry: DurableObjectNamespace<Registry>,
  quotaAnswers: () => Promise<boolean>,
): Promise<string | undefined> {
  const [kek, quota] = await Promise.all([kekStanding(registry), quotaAnswers()]);
  if (kek === 'away') return 'the Registry object does not answer';
  if (kek === 'other') {
    return 'EDGE_STS_KEK is not the key that this deployment sealed its keys with: set the right one, or the old one as EDGE_STS_KEK_PREVIOUS';
  }
  return quota ? undefined : 'the Quota object does not answer';
}

async function kekStanding(registry: DurableObjectNamespace<Registry>): Promise<string> {
  try {
    return (await registry.getByName(DIRECTORY_NAME).ping()).kek;
  } catch {
    return 'away';
  }
}
