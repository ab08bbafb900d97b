/**
 * A project that was deleted thirty days ago goes for good: first nobody finds it any more, then goes whatever could sign or let in, then issuers' keys and KV,
 * and at last the project's own rows. Each step can be done again, so a crash anywhere is finished by the next alarm.
 */
import { shardKey } from '../../core/resources.ts';
import { ringOf } from '../../core/rings.ts';
import { credentialQuotaName, DIRECTORY_NAME } from '../object-names.ts';
import { within } from '../within.ts';
import type { Copies } from './copies.ts';
import { type Host, PATIENCE_MS, type Turns } from './host.ts';
import { writableKek } from './kek.ts';

interface Ending {
  readonly projectNumber: string;
  readonly kekCheck: string | undefined;
  readonly accounts: {
    /** Unique ids of some of those that are left. */
    some(max: number): readonly string[];
    gone(uniqueId: string): void;
  };
  readonly copies: Copies;
  readonly puts: Turns;
  /** Calls to others. */
  readonly inOneGo: number;
}

/** False: there is more than one go may take away. */
export async function endProject(host: Host, ending: Ending): Promise<boolean> {
  const { projectNumber, kekCheck, accounts, copies, puts, inOneGo } = ending;
  const { storage } = host.ctx;
  const kek = await writableKek(host.env(), kekCheck);
  if (!kek.ok) throw new Error('EDGE_STS_KEK is not the key of this state: nothing was destroyed');
  const { REGISTRY, KEY_RING, QUOTA, CACHE } = host.env();
  await within(PATIENCE_MS, REGISTRY.getByName(DIRECTORY_NAME).endProject(projectNumber));
  const rings = [ringOf.exchanges(projectNumber), ringOf.accountTokens(projectNumber)];
  await Promise.all(rings.map(destroyRing));
  for (const quota of [projectNumber, credentialQuotaName(projectNumber)]) {
    await within(PATIENCE_MS, QUOTA.getByName(quota).destroy());
  }
  if (await forgetIssuers(host, projectNumber, inOneGo)) return false;
  // In turn, or a put that is on its way would come after.
  const isLast = await puts.take(async () => {
    const keys = copies.keys(inOneGo);
    await Promise.all(keys.map((key) => within(PATIENCE_MS, CACHE.delete(key))));
    for (const key of keys) copies.gone(key);
    return keys.length < inOneGo;
  });
  if (!isLast) return false;
  const some = accounts.some(inOneGo / 2);
  await Promise.all(some.map((uniqueId) => destroyRing(ringOf.accountKeys(projectNumber, uniqueId))));
  for (const uniqueId of some) accounts.gone(uniqueId);
  if (some.length === inOneGo / 2) return false;
  await storage.deleteAlarm();
  await storage.deleteAll();
  return true;

  async function destroyRing(ring: string): Promise<void> {
    await within(PATIENCE_MS, KEY_RING.getByName(ring).destroy());
    await within(PATIENCE_MS, CACHE.delete(shardKey.ring(ring)));
  }
}

/** The objects that hold the keys of the project's issuers. A row goes with its object, so that the next go finds those that are left. False: there were none. */
async function forgetIssuers(host: Host, projectNumber: string, inOneGo: number): Promise<boolean> {
  const { sql } = host.ctx.storage;
  const providers = sql
    .exec<{ parent: string; id: string }>(
      `SELECT parent, id FROM resources WHERE kind = 'provider' ORDER BY parent, id LIMIT ?`,
      inOneGo,
    )
    .toArray();
  const { ISSUER_KEYS } = host.env();
  await Promise.all(
    providers.map(({ parent, id }) =>
      within(PATIENCE_MS, ISSUER_KEYS.getByName(`${projectNumber}/${parent}/${id}`).destroy()),
    ),
  );
  for (const { parent, id } of providers)
    sql.exec(`DELETE FROM resources WHERE kind = 'provider' AND parent = ? AND id = ?`, parent, id);
  return providers.length > 0;
}
