/** Each error of WIRE.md F.3, by a real cause: what the AWS SDK raises, and how often it tries. Real HTTP to a running broker. */
import {
  AssumeRoleWithWebIdentityCommand,
  ExpiredTokenException,
  GetAccessKeyInfoCommand,
  GetCallerIdentityCommand,
  IDPCommunicationErrorException,
  IDPRejectedClaimException,
  InvalidIdentityTokenException,
  MalformedPolicyDocumentException,
  PackedPolicyTooLargeException,
  RegionDisabledException,
  STSClient,
  STSServiceException,
} from '@aws-sdk/client-sts';
import { AwsV4Signer } from 'aws4fetch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createIssuer } from '../support/issuer.ts';
import { type AwsWorld, clientConfig, EKS_ISSUER, ROLE_ARN, startAwsWorld } from '../support/node/aws-world.ts';

let world: AwsWorld;

beforeAll(async () => {
  world = await startAwsWorld();
});

afterAll(() => world.broker.stop());

type Input = ConstructorParameters<typeof AssumeRoleWithWebIdentityCommand>[0];

async function assume(change: Partial<Input> = {}): Promise<unknown> {
  const input = { RoleArn: ROLE_ARN, RoleSessionName: 'test', WebIdentityToken: await world.eksToken(), ...change };
  return new STSClient(clientConfig(world.endpoint)).send(new AssumeRoleWithWebIdentityCommand(input));
}

interface Raised {
  readonly error: STSServiceException;
  /** Requests that the SDK made, by the broker's own lines. */
  readonly tries: number;
}

async function raised(call: () => Promise<unknown>): Promise<Raised> {
  const from = world.lines.length;
  const error: unknown = await call().then(
    () => 'was let in',
    (fault: unknown) => fault,
  );
  expect(error).toBeInstanceOf(STSServiceException);
  return { error: error as STSServiceException, tries: (await world.attempts(from)).length };
}

function expectRaised({ error, tries }: Raised, kind: Function, status: number, expectedTries: number): void {
  expect(error).toBeInstanceOf(kind);
  expect([error.$metadata.httpStatusCode, tries]).toEqual([status, expectedTries]);
  expect(error.$metadata.requestId).toMatch(/^[0-9a-f-]{36}$/);
}

describe('the modelled ones', () => {
  it('InvalidIdentityToken: signed by somebody else; once', async () => {
    const other = await createIssuer('RS256', world.eksIssuer.kid);
    const [, payload = ''] = (await world.eksToken()).split('.');
    const token = await other.signText(
      JSON.stringify({ alg: 'RS256', kid: world.eksIssuer.kid }),
      Buffer.from(payload, 'base64url'),
    );
    expectRaised(await raised(() => assume({ WebIdentityToken: token })), InvalidIdentityTokenException, 400, 1);
  });

  it('InvalidIdentityToken: an issuer that the account does not know, another audience', async () => {
    const unknown = await world.eksToken({ issuerUri: 'https://issuer.example.com' });
    const raisedUnknown = await raised(() => assume({ WebIdentityToken: unknown }));
    expectRaised(raisedUnknown, InvalidIdentityTokenException, 400, 1);
    expect(raisedUnknown.error.message).toMatch(/^No OpenIDConnect provider found in your account/);
    const elsewhere = await world.eksToken({ audience: 'https://elsewhere.example.com' });
    const raisedAudience = await raised(() => assume({ WebIdentityToken: elsewhere }));
    expect(raisedAudience.error.message).toBe('Incorrect token audience');
  });

  it('ExpiredTokenException: an old token; once', async () => {
    const token = await world.eksToken({ issuedAtSeconds: Math.floor(Date.now() / 1_000) - 7_200 });
    expectRaised(await raised(() => assume({ WebIdentityToken: token })), ExpiredTokenException, 400, 1);
  });

  it("IDPRejectedClaim: the provider's attribute condition is false; once", async () => {
    const condition = (attributeCondition: string) =>
      world.must('PATCH', `${world.providerPath}?updateMask=attributeCondition`, { attributeCondition });
    await condition('assertion.sub == "somebody else"');
    expectRaised(await raised(() => assume()), IDPRejectedClaimException, 403, 1);
    await condition('');
    await assume();
  });

  it('IDPRejectedClaim: session tags that are none', async () => {
    const claims = JSON.parse(
      Buffer.from((await world.eksToken()).split('.')[1] ?? '', 'base64url').toString(),
    ) as object;
    const token = await world.eksIssuer.sign({
      ...claims,
      'https://aws.amazon.com/tags': { principal_tags: { a: [] } },
    });
    expectRaised(await raised(() => assume({ WebIdentityToken: token })), IDPRejectedClaimException, 403, 1);
  });

  it('IDPCommunicationError: the issuer does not answer; three times', async () => {
    const providers = world.providerPath.replace(/\/providers\/.*/, '/providers');
    // Nobody listens there.
    const issuerUri = 'http://127.0.0.1:9';
    await world.must('POST', `${providers}?workloadIdentityPoolProviderId=away`, {
      kubernetes: { clusterUri: 'https://clusters.example.com/away', issuerUri },
    });
    const token = await world.eksToken({ issuerUri });
    expectRaised(await raised(() => assume({ WebIdentityToken: token })), IDPCommunicationErrorException, 400, 3);
  });

  it('MalformedPolicyDocument and PackedPolicyTooLarge: what narrows a session is refused, for nothing would enforce it', async () => {
    const policy = '{"Version":"2012-10-17","Statement":[]}';
    expectRaised(await raised(() => assume({ Policy: policy })), MalformedPolicyDocumentException, 400, 1);
    const arns = [{ arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }];
    expectRaised(await raised(() => assume({ PolicyArns: arns })), MalformedPolicyDocumentException, 400, 1);
    expectRaised(await raised(() => assume({ Policy: 'x'.repeat(2_049) })), PackedPolicyTooLargeException, 400, 1);
  });

  it('PackedPolicyTooLarge: more tags than a session holds', async () => {
    await world.addRole('tagged', {
      arn: 'arn:aws:iam::111122223333:role/tagged',
      trustPolicy: {
        Statement: {
          Effect: 'Allow',
          Principal: { Federated: `arn:aws:iam::111122223333:oidc-provider/${EKS_ISSUER.slice(8)}` },
          Action: ['sts:AssumeRoleWithWebIdentity', 'sts:TagSession', 'sts:SetSourceIdentity'],
        },
      },
    });
    const tagged = async (values: number): Promise<unknown> => {
      const claims = JSON.parse(
        Buffer.from((await world.eksToken()).split('.')[1] ?? '', 'base64url').toString(),
      ) as object;
      const tags = Object.fromEntries(Array.from({ length: values }, (_, at) => [`key-${at}`, ['v'.repeat(200)]]));
      const extra = {
        'https://aws.amazon.com/tags': { principal_tags: tags, transitive_tag_keys: ['key-0'] },
        'https://aws.amazon.com/source_identity': 'ada',
      };
      const WebIdentityToken = await world.eksIssuer.sign({ ...claims, ...extra });
      return assume({ RoleArn: 'arn:aws:iam::111122223333:role/tagged', WebIdentityToken });
    };
    expect(await tagged(5)).toMatchObject({ PackedPolicySize: expect.any(Number), SourceIdentity: 'ada' });
    expectRaised(await raised(() => tagged(12)), PackedPolicyTooLargeException, 400, 1);
  });
});

describe('the others', () => {
  const expectCode = ({ error, tries }: Raised, code: string, status: number, expectedTries: number): void => {
    expect([error.name, error.$metadata.httpStatusCode, tries]).toEqual([code, status, expectedTries]);
  };

  it('AccessDenied: the trust policy names another subject, or there is no such role; once', async () => {
    const token = await world.eksToken({ serviceAccount: 'cart' });
    const refused = await raised(() => assume({ WebIdentityToken: token }));
    expectCode(refused, 'AccessDenied', 403, 1);
    expect(refused.error.message).toMatch(/^Not authorized to perform sts:AssumeRoleWithWebIdentity/);
    const nobody = await raised(() => assume({ RoleArn: 'arn:aws:iam::111122223333:role/nobody' }));
    expectCode(nobody, 'AccessDenied', 403, 1);
    // Another path is another role.
    expectCode(await raised(() => assume({ RoleArn: ROLE_ARN.replace('/shop/', '/') })), 'AccessDenied', 403, 1);
  });

  it.each([
    ['ValidationError', { RoleSessionName: 'a b' }],
    ['ValidationError', { RoleArn: 'arn:aws:iam::111122223333:user/someone' }],
    ['ValidationError', { DurationSeconds: 899 }],
    ['ValidationError', { DurationSeconds: 43_201 }],
    // The role allows an hour.
    ['ValidationError', { DurationSeconds: 3_601 }],
    ['ValidationError', { ProviderId: 'www.amazon.com' }],
    ['InvalidParameterValue', { DurationSeconds: 900.5 }],
    ['MissingParameter', { RoleSessionName: '' }],
  ])('%s: %j; once', async (code, change) => {
    expectCode(await raised(() => assume(change)), code, 400, 1);
  });

  it('Throttling: the quota is spent; three times', async () => {
    const limit = (tokenExchangesPerMinute: number) =>
      world.must('PATCH', `/v1/projects/${world.projectNumber}?updateMask=tokenExchangesPerMinute`, {
        tokenExchangesPerMinute,
      });
    await limit(0);
    expectCode(await raised(() => assume()), 'Throttling', 400, 3);
    await limit(6_000);
    await assume();
  });

  it('InvalidAction and repeated parameters', async () => {
    const post = async (body: string): Promise<string> => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const answer = await fetch(world.endpoint, { method: 'POST', headers, body });
      return `${answer.status} ${/<Code>(.*)<\/Code>/.exec(await answer.text())?.[1]}`;
    };
    expect(await post('Action=AssumeRole&Version=2011-06-15')).toBe('400 InvalidAction');
    expect(await post('Action=GetCallerIdentity&Version=2010-01-01')).toBe('400 InvalidAction');
    expect(await post('Version=2011-06-15')).toBe('400 MissingParameter');
    expect(await post('Action=GetCallerIdentity&Action=X&Version=2011-06-15')).toBe('400 InvalidParameterValue');
    expect(await post('Action=GetCallerIdentity&Version=2011-06-15')).toBe('403 MissingAuthenticationToken');
  });
});

describe('signed calls', () => {
  async function credentials(lifetimeSeconds = 3_600) {
    const WebIdentityToken = await world.eksToken({ lifetimeSeconds });
    const { Credentials } = (await assume({ WebIdentityToken })) as { Credentials: Record<string, string> };
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = Credentials;
    return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
  }
  type Keys = Awaited<ReturnType<typeof credentials>>;
  const whoami = (keys: Keys): Promise<unknown> =>
    new STSClient({ ...clientConfig(world.endpoint), credentials: keys }).send(new GetCallerIdentityCommand({}));
  const nameOf = async (call: Promise<unknown>): Promise<unknown> =>
    call.then(
      () => 'was let in',
      (error: STSServiceException) =>
        `${error.$metadata.httpStatusCode} ${error.name}, tried ${error.$metadata.attempts}`,
    );

  it('InvalidClientTokenId and SignatureDoesNotMatch: keys of nobody, a key with the token of another, a wrong secret', async () => {
    const keys = await credentials();
    const others = await credentials();
    expect(await nameOf(whoami({ ...keys, sessionToken: others.sessionToken }))).toBe(
      '403 InvalidClientTokenId, tried 1',
    );
    expect(await nameOf(whoami({ ...keys, sessionToken: '' }))).toBe('403 InvalidClientTokenId, tried 1');
    expect(await nameOf(whoami({ ...keys, accessKeyId: 'AKIAIOSFODNN7EXAMPLE' }))).toBe(
      '403 InvalidClientTokenId, tried 1',
    );
    expect(await nameOf(whoami({ ...keys, secretAccessKey: others.secretAccessKey }))).toBe(
      '403 SignatureDoesNotMatch, tried 1',
    );
    expect(await nameOf(whoami(keys))).toBe('was let in');
  });

  it('ExpiredToken: the session ends with the token that began it', async () => {
    const keys = await credentials(4);
    expect(await nameOf(whoami(keys))).toBe('was let in');
    await new Promise((resolve) => setTimeout(resolve, 4_500));
    expect(await nameOf(whoami(keys))).toBe('403 ExpiredToken, tried 1');
  });

  it('IncompleteSignature names the header that is rewritten on the way; RequestExpired an old signature', async () => {
    const keys = await credentials();
    const body = 'Action=GetCallerIdentity&Version=2011-06-15';
    const sign = async (headers: Record<string, string>, datetime?: string): Promise<string> => {
      const all = { 'content-type': 'application/x-www-form-urlencoded', ...headers };
      const when = datetime === undefined ? {} : { datetime };
      const place = { url: world.endpoint, method: 'POST', service: 'sts', region: 'us-east-1', allHeaders: true };
      const signed = await new AwsV4Signer({ ...keys, ...place, headers: all, body, ...when }).sign();
      const answer = await fetch(signed.url, { method: 'POST', headers: signed.headers, body });
      const text = await answer.text();
      return `${answer.status} ${/<Code>(.*)<\/Code>/.exec(text)?.[1]} ${/<Message>(.*)<\/Message>/.exec(text)?.[1]}`;
    };
    expect(await sign({ 'accept-encoding': 'gzip' })).toMatch(
      /^400 IncompleteSignature .*the header accept-encoding is signed/,
    );
    expect(await sign({ 'x-forwarded-for': '10.0.0.1' })).toMatch(/^400 IncompleteSignature .*x-forwarded-for/);
    expect(await sign({}, '20260101T000000Z')).toMatch(/^400 RequestExpired/);
  });

  it('a role that is disabled is dead at the next request', async () => {
    const keys = await credentials();
    const email = `checkout@world.iam.${new URL(world.broker.origin).hostname}`;
    const account = `/v1/projects/${world.projectNumber}/serviceAccounts/${email}`;
    await world.must('POST', `${account}:disable`, {});
    expect(await nameOf(whoami(keys))).toBe('403 InvalidClientTokenId, tried 1');
    expect(await nameOf(assume())).toBe('403 AccessDenied, tried 1');
    await world.must('POST', `${account}:enable`, {});
    expect(await nameOf(whoami(keys))).toBe('was let in');
  });

  it('GetAccessKeyInfo tells of keys of the own account only', async () => {
    const client = new STSClient({ ...clientConfig(world.endpoint), credentials: await credentials() });
    const ask = (AccessKeyId: string) => nameOf(client.send(new GetAccessKeyInfoCommand({ AccessKeyId })));
    expect(await ask('ASIAAAAAAAAAAAAAAAAA')).toBe('403 AccessDenied, tried 1');
    expect(await ask('AKIAIOSFODNN7EXAMPLE')).toBe('400 ValidationError, tried 1');
  });
});

// The last: the project is gone after it.
it('RegionDisabledException: the project of the account is deleted; once', async () => {
  await world.must('DELETE', `/v1/projects/${world.projectNumber}`);
  expectRaised(await raised(() => assume()), RegionDisabledException, 403, 1);
});
