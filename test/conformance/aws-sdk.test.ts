/** The AWS SDK for JavaScript and aws4fetch, unmodified, over real HTTP (WIRE.md F): web identity by environment alone, and signed calls with what it brought. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AssumeRoleWithWebIdentityCommand,
  DecodeAuthorizationMessageCommand,
  GetAccessKeyInfoCommand,
  GetCallerIdentityCommand,
  STSClient,
} from '@aws-sdk/client-sts';
import { fromTokenFile } from '@aws-sdk/credential-provider-web-identity';
import { AwsClient } from 'aws4fetch';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import {
  ACCOUNT,
  type AwsWorld,
  clientConfig,
  EKS_PREFIX,
  ROLE_ARN,
  startAwsWorld,
} from '../support/node/aws-world.ts';

let world: AwsWorld;
let folder: string;

beforeAll(async () => {
  world = await startAwsWorld();
  folder = mkdtempSync(join(tmpdir(), 'edge-sts-aws-'));
});

afterAll(async () => {
  await world.broker.stop();
  rmSync(folder, { recursive: true, force: true });
});

afterEach(() => vi.unstubAllEnvs());

/** What `amazon-eks-pod-identity-webhook` puts into a pod, and where this broker is. */
async function asInPod(): Promise<void> {
  const file = join(folder, 'token');
  writeFileSync(file, `${await world.eksToken()}\n`);
  vi.stubEnv('AWS_ROLE_ARN', ROLE_ARN);
  vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', file);
  vi.stubEnv('AWS_ROLE_SESSION_NAME', 'checkout-1');
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_ENDPOINT_URL_STS', world.endpoint);
}

it('web identity by environment alone, then GetCallerIdentity', async () => {
  await asInPod();
  const credentials = fromTokenFile();
  const first = await credentials();
  expect(first.accessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/);
  expect(first.secretAccessKey).toHaveLength(40);
  expect(first.accountId).toBe(ACCOUNT);
  expect((first.expiration?.getTime() ?? 0) - Date.now()).toBeGreaterThan(3_500_000);
  const identity = await new STSClient({ credentials }).send(new GetCallerIdentityCommand({}));
  expect(identity).toMatchObject({
    Account: ACCOUNT,
    Arn: `arn:aws:sts::${ACCOUNT}:assumed-role/checkout/checkout-1`,
  });
  expect(identity.UserId).toMatch(/^AROA[A-Z2-7]{13,}:checkout-1$/);
});

it('AssumeRoleWithWebIdentity answers all that AWS answers', async () => {
  const answer = await new STSClient(clientConfig(world.endpoint)).send(
    new AssumeRoleWithWebIdentityCommand({
      RoleArn: ROLE_ARN,
      RoleSessionName: 'one@two',
      WebIdentityToken: await world.eksToken(),
      DurationSeconds: 900,
    }),
  );
  expect(answer).toMatchObject({
    SubjectFromWebIdentityToken: 'system:serviceaccount:shop:checkout',
    Audience: 'sts.amazonaws.com',
    Provider: `arn:aws:iam::${ACCOUNT}:oidc-provider/${EKS_PREFIX}`,
    AssumedRoleUser: { Arn: `arn:aws:sts::${ACCOUNT}:assumed-role/checkout/one@two` },
  });
  expect(answer.PackedPolicySize).toBeUndefined();
  expect((answer.Credentials?.Expiration?.getTime() ?? 0) - Date.now()).toBeLessThan(901_000);
});

it('aws4fetch signs a GetCallerIdentity, in a header and presigned', async () => {
  await asInPod();
  const { accessKeyId, secretAccessKey, sessionToken = '' } = await fromTokenFile()();
  const aws = new AwsClient({ accessKeyId, secretAccessKey, sessionToken, service: 'sts', region: 'us-east-1' });
  const body = 'Action=GetCallerIdentity&Version=2011-06-15';
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const posted = await aws.fetch(world.endpoint, { method: 'POST', headers, body, aws: { allHeaders: true } });
  expect([posted.status, posted.headers.get('content-type')]).toEqual([200, 'text/xml']);
  expect(await posted.text()).toContain(`<Account>${ACCOUNT}</Account>`);
  const url = `${world.endpoint}/?${body}&X-Amz-Expires=60`;
  const presigned = await aws.sign(url, { aws: { signQuery: true } });
  expect((await fetch(presigned.url)).status).toBe(200);
  expect((await fetch(presigned.url.replace('us-east-1', 'us-east-2'))).status).toBe(403);
});

it('the account of a key id, and why a role was refused, for who may see explanations', async () => {
  await asInPod();
  const client = new STSClient({ credentials: fromTokenFile() });
  const { accessKeyId } = await fromTokenFile()();
  expect(await client.send(new GetAccessKeyInfoCommand({ AccessKeyId: accessKeyId }))).toMatchObject({
    Account: ACCOUNT,
  });
  const refused: Error = await new STSClient(clientConfig(world.endpoint))
    .send(
      new AssumeRoleWithWebIdentityCommand({
        RoleArn: ROLE_ARN,
        RoleSessionName: 'other',
        WebIdentityToken: await world.eksToken({ serviceAccount: 'cart' }),
      }),
    )
    .then(
      () => new Error('was let in'),
      (error: Error) => error,
    );
  expect([refused.name, refused.message]).toEqual([
    'AccessDenied',
    expect.stringContaining('Encoded authorization failure message: '),
  ]);
  const EncodedMessage = refused.message.split(': ').at(-1) ?? '';
  const decode = new DecodeAuthorizationMessageCommand({ EncodedMessage });
  await expect(client.send(decode)).rejects.toMatchObject({ name: 'AccessDenied' });
  const email = `checkout@world.iam.${new URL(world.broker.origin).hostname}`;
  await world.must('POST', `/v1/projects/${world.projectNumber}:setIamPolicy`, {
    policy: { bindings: [{ role: 'roles/iam.securityReviewer', members: [`serviceAccount:${email}`] }] },
  });
  const { DecodedMessage = '' } = await client.send(decode);
  expect(JSON.parse(DecodedMessage)).toMatchObject({
    allowed: false,
    explicitDeny: false,
    check: `Statement[0]: StringEquals on ${EKS_PREFIX}:sub is not true`,
    context: { resource: ROLE_ARN, principal: expect.stringContaining('/subject/ns/shop/sa/cart') },
  });
});
