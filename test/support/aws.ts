/** AWS's door through the front door, inside workerd: query in, XML out, and requests signed by aws4fetch with what it gave. */
import { AwsV4Signer } from 'aws4fetch';
import { admin, type Answer, call, createProject, must, type TestProject } from './broker.ts';

export interface AwsAnswer extends Answer {
  readonly code: string;
  /** The text of an element. */
  of(name: string): string;
}

let accounts = 0;

/** Of nobody else in this run. */
export function newAccountId(): string {
  accounts += 1;
  return `7${String(Math.floor(Math.random() * 1e8)).padStart(8, '0')}${String(accounts).padStart(3, '0')}`;
}

export interface AwsProject extends TestProject {
  readonly account: string;
}

export async function createAwsProject(): Promise<AwsProject> {
  const project = await createProject();
  const account = newAccountId();
  await setAccount(project, account);
  return { ...project, account };
}

export async function setAccount(project: TestProject, awsAccountId: string): Promise<Answer> {
  return admin('PATCH', `/v1/projects/${project.number}?updateMask=awsAccountId`, { awsAccountId });
}

export interface TestRole {
  readonly arn: string;
  readonly accountId: string;
  readonly email: string;
  readonly path: string;
}

export async function addAwsRole(project: AwsProject, awsRole: object = {}, name = 'checkout'): Promise<TestRole> {
  const accountId = `sa-${crypto.randomUUID().slice(0, 8)}`;
  const arn = `arn:aws:iam::${project.account}:role/${name}`;
  const account = await must('POST', `/v1/projects/${project.number}/serviceAccounts`, {
    accountId,
    serviceAccount: { awsRole: { arn, ...awsRole } },
  });
  const email = String(account['email']);
  return { arn, accountId, email, path: `/v1/projects/${project.number}/serviceAccounts/${email}` };
}

/** A trust policy that lets in one issuer's tokens, under a condition if there is one. */
export function trusting(project: AwsProject, issuerUri: string, condition?: object): { trustPolicy: object } {
  const prefix = issuerUri.replace('https://', '');
  return {
    trustPolicy: {
      Version: '2012-10-17',
      Statement: {
        Effect: 'Allow',
        Principal: { Federated: `arn:aws:iam::${project.account}:oidc-provider/${prefix}` },
        Action: 'sts:AssumeRoleWithWebIdentity',
        ...(condition === undefined ? {} : { Condition: condition }),
      },
    },
  };
}

export async function askAws(parameters: Record<string, string>, init: RequestInit = {}): Promise<AwsAnswer> {
  const body = new URLSearchParams({ Version: '2011-06-15', ...parameters }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return read(await call('/aws/sts', { method: 'POST', headers, body, ...init }));
}

export async function assumeRole(arn: string, token: string, more: Record<string, string> = {}): Promise<AwsAnswer> {
  return askAws({
    Action: 'AssumeRoleWithWebIdentity',
    RoleArn: arn,
    RoleSessionName: 'test',
    WebIdentityToken: token,
    ...more,
  });
}

export function read(answer: Answer): AwsAnswer {
  const of = (name: string): string => new RegExp(`<${name}>([^<]*)</${name}>`).exec(answer.text)?.[1] ?? '';
  return { ...answer, code: of('Code'), of };
}

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

export function keysOf(answer: AwsAnswer): Keys {
  return {
    accessKeyId: answer.of('AccessKeyId'),
    secretAccessKey: answer.of('SecretAccessKey'),
    sessionToken: answer.of('SessionToken'),
  };
}

/** How long the session is, in seconds. */
export function lifeOf(answer: AwsAnswer): number {
  return Math.round((Date.parse(answer.of('Expiration')) - Date.now()) / 1_000);
}

type SignerOptions = ConstructorParameters<typeof AwsV4Signer>[0];

export async function signed(keys: Keys, options: Omit<SignerOptions, keyof Keys>): Promise<Request> {
  const signer = new AwsV4Signer({ service: 'sts', region: 'us-east-1', allHeaders: true, ...options, ...keys });
  const { method, url, headers, body } = await signer.sign();
  return new Request(url, { method, headers, ...(method === 'GET' || body === undefined ? {} : { body }) });
}
