/** Who is revoked is out of the roles that he took, too: their sessions last for hours. */
import { expect, it } from 'vitest';
import { workloadMember } from '../support/accounts.ts';
import { addAwsRole, assumeRole, createAwsProject, type Keys, keysOf, signed, trusting } from '../support/aws.ts';
import { addCluster, admin } from '../support/broker.ts';
import { workloadClaims } from '../support/issuer.ts';

const ISSUER = 'https://oidc.example.com/id/REVOKED';
const HOST = 'files.example.com';

async function reasonOf(keys: Keys): Promise<string> {
  const sent = await signed(keys, { url: `https://${HOST}/a`, method: 'GET', service: 'files' });
  const headers = { host: HOST, ...Object.fromEntries(sent.headers) };
  const answer = await admin('POST', '/aws/verify', { method: 'GET', path: '/a', headers, expectedHost: HOST });
  return `${answer.status} ${/"reason":"(\w+)"/.exec(answer.text.replaceAll(/\s/g, ''))?.[1] ?? ''}`.trim();
}

it('a principal’s sessions of before are over with his tokens of before; others’, and those that he begins anew, are not', async () => {
  const project = await createAwsProject();
  const cluster = await addCluster(project, { issuerUri: ISSUER });
  const role = await addAwsRole(project, trusting(project, ISSUER));
  const take = async (serviceAccount: string): Promise<Keys> => {
    const claims = workloadClaims({ issuerUri: ISSUER, audience: 'sts.amazonaws.com', serviceAccount });
    return keysOf(await assumeRole(role.arn, await cluster.issuer.sign(claims)));
  };
  const [stolen, other] = [await take('checkout'), await take('cart')];
  expect([await reasonOf(stolen), await reasonOf(other)]).toEqual(['200', '200']);
  const earlier = new Date(Date.now() - 60_000).toISOString();
  const principal = workloadMember(cluster);
  expect((await admin('POST', '/v1/revoke', { principal, before: earlier })).status).toBe(200);
  expect(await reasonOf(stolen)).toBe('200');
  expect((await admin('POST', '/v1/revoke', { principal })).status).toBe(200);
  expect([await reasonOf(stolen), await reasonOf(other)]).toEqual(['403 SESSION_REVOKED', '200']);
  await expect.poll(async () => reasonOf(await take('checkout')), { timeout: 5_000 }).toBe('200');
});
