/** Providers of kind `aws` through the front door: AWS is asked for who signed, and its word counts for one account. AWS is played by whoever knows the secret. */
import { AwsV4Signer } from 'aws4fetch';
import { env } from 'cloudflare:workers';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createBroker } from '../../src/worker.ts';
import {
  type Answer,
  claimsOf,
  createProject,
  must,
  postToken,
  type TestProject,
  tokenForm,
  admin,
  administerThrough,
} from '../support/broker.ts';
import { addAccount, bind, impersonate, USER } from '../support/accounts.ts';

const ACCOUNT = '123456789012';
const ARN = `arn:aws:sts::${ACCOUNT}:assumed-role/builder/session-1`;
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'test-only-aws-secret' };
const HOST = 'sts.eu-central-1.amazonaws.com';
const QUESTION = `https://${HOST}/?Action=GetCallerIdentity&Version=2011-06-15`;

const broker = createBroker(env);
let project: TestProject;
let pools: string;
let audience: string;
/** What left for elsewhere. */
let sent: string[] = [];
/** What AWS answers to a signature that holds. */
let answer: () => Response;

function identity(arn = ARN, account = ACCOUNT, userId = 'AROAEXAMPLE:session-1'): string {
  return `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>${arn}</Arn><UserId>${userId}</UserId><Account>${account}</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>`;
}

beforeAll(async () => {
  project = await createProject();
  pools = `/v1/projects/${project.number}/locations/global/workloadIdentityPools`;
  await must('POST', `${pools}?workloadIdentityPoolId=aws-pool`, {});
  await must('POST', `${pools}/aws-pool/providers?workloadIdentityPoolProviderId=main`, {
    aws: { accountId: ACCOUNT },
  });
  audience = `//iam.googleapis.com/projects/${project.number}/locations/global/workloadIdentityPools/aws-pool/providers/main`;
});

beforeEach(() => {
  sent = [];
  answer = () => new Response(identity(), { headers: { 'content-type': 'text/xml' } });
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    sent.push(`${request.method} ${request.url}`);
    // Signed again with the secret over what was signed: only who knows it made this signature.
    const expected = await signature(request.headers.get('x-amz-date') ?? '', QUESTION, headersSigned(request.headers));
    return request.headers.get('authorization') === expected
      ? answer()
      : new Response('<ErrorResponse/>', { status: 403 });
  });
});

afterEach(() => {
  vi.mocked(globalThis.fetch).mockRestore();
});

function headersSigned(headers: Headers): Record<string, string> {
  const names = /SignedHeaders=([^,]+)/.exec(headers.get('authorization') ?? '')?.[1]?.split(';') ?? [];
  const own = ['host', 'x-amz-date', 'x-amz-security-token'];
  return Object.fromEntries(names.filter((name) => !own.includes(name)).map((name) => [name, headers.get(name) ?? '']));
}

async function signature(datetime: string, url: string, headers: Record<string, string>, keys = KEYS): Promise<string> {
  const signer = new AwsV4Signer({
    ...keys,
    url,
    method: 'POST',
    region: 'eu-central-1',
    service: 'sts',
    datetime,
    headers,
    allHeaders: true,
  });
  return (await signer.sign()).headers.get('authorization') ?? '';
}

interface Made {
  readonly target?: string;
  readonly signsTarget?: boolean;
  readonly keys?: typeof KEYS;
  readonly atMs?: number;
  readonly url?: string;
  readonly host?: string;
}

async function subjectToken({
  target = audience,
  signsTarget = false,
  keys = KEYS,
  atMs = Date.now(),
  url = QUESTION,
  host = HOST,
}: Made = {}): Promise<string> {
  const datetime = new Date(atMs).toISOString().replaceAll(/[:-]|\.\d{3}/g, '');
  const named = { 'x-goog-cloud-target-resource': target };
  const authorization = await signature(datetime, QUESTION, signsTarget ? named : {}, keys);
  const headers = { authorization, 'x-amz-date': datetime, host, ...named };
  const listed = Object.entries(headers).map(([key, value]) => ({ key, value }));
  return encodeURIComponent(JSON.stringify({ url, method: 'POST', headers: listed }));
}

function post(token: string, more: Record<string, string | undefined> = {}): Promise<Answer> {
  const form = tokenForm(audience, token, {
    subject_token_type: 'urn:ietf:params:aws:token-type:aws4_request',
    ...more,
  });
  return postToken(form, {}, async (request) => broker.fetch(request, env));
}

describe('a role of the account', () => {
  it.each([false, true])('is known by its ARN, whether the target is signed or not: %s', async (signsTarget) => {
    const granted = await post(await subjectToken({ signsTarget }));
    expect([granted.status, granted.text.slice(0, 300)]).toEqual([200, granted.text.slice(0, 300)]);
    expect(claimsOf(granted)).toMatchObject({
      sub: ARN,
      principal: `principal:${audience.replace(/\/providers.*/, '')}/subject/${ARN}`,
    });
    expect(sent).toEqual([`POST ${QUESTION}`]);
  });

  it('impersonates by the attribute that Google’s default mapping makes of it', async () => {
    const account = await addAccount(project, 'from-aws');
    const members = [
      `principalSet:${audience.replace(/\/providers.*/, '')}/attribute.aws_role/arn:aws:sts::${ACCOUNT}:assumed-role/builder`,
    ];
    await bind(account, { role: USER, members });
    const token = String((await post(await subjectToken())).body['access_token']);
    expect((await impersonate(account, token)).status).toBe(200);
  });

  it('is found by the target that it signed for, where no audience is named', async () => {
    expect((await post(await subjectToken(), { audience: undefined })).status).toBe(200);
    expect((await post(await subjectToken({ target: `https:${audience}` }), { audience: undefined })).status).toBe(200);
  });
});

describe('nobody is', () => {
  it.each<[string, () => Promise<string> | string, string]>([
    [
      'who does not know the secret',
      () => subjectToken({ keys: { ...KEYS, secretAccessKey: 'test-only-guess' } }),
      'invalid_grant',
    ],
    [
      'who signed for another provider',
      () => subjectToken({ target: audience.replace('main', 'other') }),
      'invalid_grant',
    ],
    ['who signed a quarter of an hour ago', () => subjectToken({ atMs: Date.now() - 901_000 }), 'invalid_grant'],
    ['who will sign', () => subjectToken({ atMs: Date.now() + 300_000 }), 'invalid_grant'],
    [
      'who sends us elsewhere',
      () => subjectToken({ url: QUESTION.replace(HOST, 'evil.example.com'), host: 'evil.example.com' }),
      'invalid_grant',
    ],
    [
      'who asks another question',
      () => subjectToken({ url: QUESTION.replace('GetCallerIdentity', 'GetSessionToken') }),
      'invalid_grant',
    ],
    ['who sends a JWT', () => 'a.b.c', 'invalid_grant'],
  ])('%s', async (_who, token, error) => {
    const refused = await post(await token());
    expect([refused.status, refused.body['error']]).toEqual([400, error]);
    expect(sent.every((one) => one === `POST ${QUESTION}`)).toBe(true);
  });

  it.each<[string, () => Response, number]>([
    ['of another account', () => new Response(identity(`arn:aws:iam::999999999999:user/x`, '999999999999')), 400],
    [
      'of an account that its ARN does not bear out',
      () => new Response(identity(ARN.replace(ACCOUNT, '999999999999'))),
      503,
    ],
    ['whose answer is no answer', () => new Response('<html/>'), 503],
    ['whose answer names two', () => new Response(identity().replace('<UserId>', `<Arn>${ARN}</Arn><UserId>`)), 503],
    [
      'whose answer has entities of its own',
      () => new Response(`<!DOCTYPE x [<!ENTITY a "${ARN}">]>${identity('&a;')}`),
      503,
    ],
    ['whose answer has no end', () => new Response(identity().slice(0, -5)), 503],
    ['whose answer is too long', () => new Response(identity().padEnd(70_000, ' ')), 503],
    [
      'whose answer leads elsewhere',
      () => new Response(null, { status: 302, headers: { location: 'https://evil.example.com' } }),
      400,
    ],
    ['of whom AWS says nothing', () => new Response(null, { status: 500 }), 503],
    ['of whom AWS says it is busy', () => new Response(null, { status: 429 }), 503],
  ])('%s', async (_who, aws, status) => {
    answer = aws;
    expect((await post(await subjectToken())).status).toBe(status);
  });

  it('at a provider of another kind, and with a JWT at this one', async () => {
    const { jwksJson } = await (await import('../support/issuer.ts')).createIssuer();
    await must('POST', `${pools}?workloadIdentityPoolId=oidc-pool`, {});
    await must('POST', `${pools}/oidc-pool/providers?workloadIdentityPoolProviderId=main`, {
      oidc: { issuerUri: 'https://ci.example.com', jwksJson },
      attributeMapping: { 'google.subject': 'assertion.sub' },
    });
    const other = audience.replace('aws-pool', 'oidc-pool');
    expect((await post(await subjectToken({ target: other }), { audience: other })).body['error']).toBe(
      'invalid_grant',
    );
    expect(sent).toEqual([]);
  });

  it('once the provider is disabled, whatever AWS says', async () => {
    // Who changes something in an isolate sees it there at once.
    administerThrough(async (request) => broker.fetch(request, env));
    await must('PATCH', `${pools}/aws-pool/providers/main`, { disabled: true });
    expect((await post(await subjectToken())).body['error']).toBe('invalid_target');
    await must('PATCH', `${pools}/aws-pool/providers/main`, { disabled: false });
    administerThrough();
  });
});

describe('a provider for an account', () => {
  it('is read as it was written, with Google’s mapping', async () => {
    const read = await must('GET', `${pools}/aws-pool/providers/main`);
    expect(read).toMatchObject({
      aws: { accountId: ACCOUNT },
      attributeMapping: { 'google.subject': 'assertion.arn' },
    });
    expect(read).not.toHaveProperty('keys');
  });

  it.each<[string, object]>([
    ['an account that is none', { aws: { accountId: '123' } }],
    ['a number', { aws: { accountId: 123_456_789_012 } }],
    ['another kind beside it', { aws: { accountId: ACCOUNT }, oidc: { issuerUri: 'https://x.example.com' } }],
    ['what means nothing to it', { aws: { accountId: ACCOUNT }, singleUse: true }],
    [
      'a mapping without a subject',
      { aws: { accountId: ACCOUNT }, attributeMapping: { 'attribute.x': 'assertion.arn' } },
    ],
  ])('is refused with %s', async (_what, body) => {
    expect((await admin('POST', `${pools}/aws-pool/providers?workloadIdentityPoolProviderId=more`, body)).status).toBe(
      400,
    );
  });

  it('never changes its account, and is never in the pool of clusters', async () => {
    const path = `${pools}/aws-pool/providers/main`;
    expect((await admin('PATCH', path, { aws: { accountId: '999999999999' } })).status).toBe(400);
    const builtIn = `${pools}/${project.builtInPool}/providers?workloadIdentityPoolProviderId=more`;
    expect((await admin('POST', builtIn, { aws: { accountId: ACCOUNT } })).status).toBe(400);
  });
});
