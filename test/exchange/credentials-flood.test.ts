/** Strangers who make up addresses: the one object that knows all projects answers few of them, and nobody else is refused for it. */
import { env } from 'cloudflare:workers';
import { beforeAll, expect, it } from 'vitest';
import { createBroker } from '../../src/worker.ts';
import { addAccount, bind, brokerToken, SCOPE, type TestAccount, USER, workloadMember } from '../support/accounts.ts';
import { addCluster, type Answer, call, createProject, type Fetch } from '../support/broker.ts';

let account: TestAccount;
let federated: string;

beforeAll(async () => {
  const project = await createProject();
  const cluster = await addCluster(project);
  account = await addAccount(project, 'robot');
  await bind(account, { role: USER, members: [workloadMember(cluster)] });
  federated = await brokerToken(cluster);
});

/** An isolate that knows no project yet. */
const newIsolate = (): Fetch => {
  const broker = createBroker(env);
  return async (request) => broker.fetch(request, env);
};
const impersonateBy = (fetch: Fetch, email: string): Promise<Answer> => {
  const headers = { authorization: `Bearer ${federated}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ scope: [SCOPE] });
  return call(`/v1/projects/-/serviceAccounts/${email}:generateAccessToken`, { method: 'POST', headers, body }, fetch);
};
const keysOf = (fetch: Fetch, email: string): Promise<Answer> => call(`/v1/metadata/jwk/${email}`, {}, fetch);
const madeUp = (at: number): string => `robot@made-up-${at}.iam.sts.example.com`;

it('that ask for keys of made-up accounts keep nobody from his own account', async () => {
  const fetch = newIsolate();
  for (let at = 0; at < 100; at++) await keysOf(fetch, madeUp(at));
  expect((await impersonateBy(fetch, account.email)).status).toBe(200);
});

it('that are known, and ask to be made-up accounts: others hear to try again, not that they may not', async () => {
  const fetch = newIsolate();
  const answers = [];
  for (let at = 0; at < 100; at++) answers.push((await impersonateBy(fetch, madeUp(at))).status);
  expect([answers[0], answers.at(-1)]).toEqual([403, 503]);
  expect([200, 503]).toContain((await impersonateBy(fetch, account.email)).status);
});

it('nor do they make an account look as if it were gone to who verifies its signatures', async () => {
  const fetch = newIsolate();
  for (let at = 0; at < 100; at++) await keysOf(fetch, madeUp(at));
  expect([200, 503]).toContain((await keysOf(fetch, account.email)).status);
});
