/**
 * A project that was deleted thirty days ago goes for good: first nobody finds it any more, then goes whatever could sign or let in, then issuers' keys and KV,
 * and at last the project's own rows. Each step can be done again, so a crash anywhere is finished by the next alarm.
 */
import { shardKey } from '../../core/resources.ts';
import { DIRECTORY_NAME } from '../object-names.ts';
import { within } from '../within.ts';
import type { Copies } from './copies.ts';
import { type Host, PATIENCE_MS, type Turns } from './host.ts';
import { writableKek } from './kek.ts';

interface Ending {
  readonly projectNumber: string;
  readonly kekCheck: string | undefined;
  readonly copies: Copies;
  readonly puts: Turns;
  /** Calls to others. */
  readonly inOneGo: number;
}

/** False: there is more than one go may take away. */
export async function endProject(host: Host, ending: Ending): Promise<boolean> {
  const { projectNumber, kekCheck, copies, puts, inOneGo } = ending;
  const { storage } = host.ctx;
  const kek = await writableKek(host.env(), kekCheck);
  if (!kek.ok) throw new Error('EDGE_STS_KEK is not the key of this state: nothing was destroyed');
  const { REGISTRY, KEY_RING, QUOTA, CACHE } = host.env();
  await within(PATIENCE_MS, REGISTRY.getByName(DIRECTORY_NAME).endProject(projectNumber));
  await within(PATIENCE_MS, KEY_RING.getByName(projectNumber).destroy());
  await within(PATIENCE_MS, QUOTA.getByName(projectNumber).destroy());
  if (await forgetIssuers(host, projectNumber, inOneGo)) return false;
  // In turn, or a put that is on its way would come after.
  const isLast = await puts.take(async () => {
    const keys = copies.keys(inOneGo);
    await Promise.all([...keys, shardKey.ring(projectNumber)].map((key) => within(PATIENCE_MS, CACHE.delete(key))));
    for (const key of keys) copies.gone(key);
    return keys.length < inOneGo;
  });
  if (!isLast) return false;
  await storage.deleteAlarm();
  await storage.deleteAll();
  return true;
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
