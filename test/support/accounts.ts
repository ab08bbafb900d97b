/** Service accounts through the front door: made, bound, impersonated. */
import { type Answer, call, type Cluster, exchange, must, type TestProject } from './broker.ts';

export interface TestAccount {
  readonly email: string;
  readonly uniqueId: string;
  /** `/v1/projects/…/serviceAccounts/EMAIL`. */
  readonly path: string;
}

export async function addAccount(project: TestProject, accountId: string, extra: object = {}): Promise<TestAccount> {
  const path = `/v1/projects/${project.number}/serviceAccounts`;
  const made = await must('POST', path, { accountId, serviceAccount: extra });
  const email = String(made['email']);
  return { email, uniqueId: String(made['uniqueId']), path: `${path}/${email}` };
}

export interface TestGrant {
  readonly role: string;
  readonly members: readonly string[];
  readonly condition?: object;
}

export async function bind({ path }: Pick<TestAccount, 'path'>, ...bindings: readonly TestGrant[]): Promise<void> {
  await must('POST', `${path}:setIamPolicy`, { policy: { version: 3, bindings } });
}

export const USER = 'roles/iam.workloadIdentityUser';
export const CREATOR = 'roles/iam.serviceAccountTokenCreator';

/** A workload of the cluster, as policies name it. */
export function workloadMember({ audience }: Cluster, subject = 'ns/shop/sa/checkout'): string {
  return `principal:${audience.replace(/\/providers\/.*/, '')}/subject/${subject}`;
}

/** A token for the broker itself. */
export async function brokerToken(cluster: Cluster): Promise<string> {
  const answer = await exchange(cluster);
  if (answer.status !== 200) throw new Error(answer.text);
  return String(answer.body['access_token']);
}

export type Method = 'generateAccessToken' | 'generateIdToken' | 'signJwt' | 'signBlob';

export const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';

const DEFAULTS: Readonly<Record<Method, object>> = {
  generateAccessToken: { scope: [SCOPE] },
  generateIdToken: { audience: 'https://service.example.com' },
  signJwt: { payload: '{"sub":"me"}' },
  signBlob: { payload: btoa('bytes') },
};

export function impersonate(
  account: Pick<TestAccount, 'email'>,
  bearer: string,
  method: Method = 'generateAccessToken',
  body: object = {},
): Promise<Answer> {
  return call(`/v1/projects/-/serviceAccounts/${account.email}:${method}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...DEFAULTS[method], ...body }),
  });
}

/** What must succeed. */
export async function accessToken(account: TestAccount, bearer: string, body: object = {}): Promise<string> {
  const answer = await impersonate(account, bearer, 'generateAccessToken', body);
  if (answer.status !== 200) throw new Error(answer.text);
  return String(answer.body['accessToken']);
}
