/** Where the broker says it is: the origin of its issuers. Behind another name it would not know itself. */
import { usageFault } from './fault.ts';
import { needProject, type Connection } from './connection.ts';
import { poolIn } from './references.ts';
import { answered } from './reply.ts';

export async function ownOrigin(connection: Connection): Promise<string> {
  const pool = await poolIn(connection, {});
  const name = `projects/${needProject(connection)}/locations/global/workloadIdentityPools/${pool}`;
  const { issuer } = answered(`get ${name}`, await connection.administration.get(name));
  if (typeof issuer !== 'string' || !URL.canParse(issuer)) throw usageFault(`${name} names no issuer.`);
  return new URL(issuer).origin;
}
