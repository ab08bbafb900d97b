/** `aws4_request` subject tokens: what Google's own client makes of AWS credentials is read, and whom we would call is never the token's to choose. */
import { AwsClient } from 'google-auth-library';
import { describe, expect, it } from 'vitest';
import { AWS_QUESTION, parseAwsRequest } from '../../src/core/aws/request.ts';

const AUDIENCE =
  '//iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools/aws-pool/providers/aws-one';

const GOOD = {
  url: 'https://sts.eu-central-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15',
  method: 'POST',
  headers: [
    { key: 'Authorization', value: 'AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-central-1/sts/aws4_request, …' },
    { key: 'X-Amz-Date', value: '20260101T000000Z' },
    { key: 'Host', value: 'sts.eu-central-1.amazonaws.com' },
    { key: 'x-goog-cloud-target-resource', value: AUDIENCE },
  ].map(({ key, value }) => ({ key, value: value.replace('…', 'SignedHeaders=host, Signature=0') })),
};

const parse = (document: object) => parseAwsRequest(encodeURIComponent(JSON.stringify(document)));
const withHeader = (key: string, value: string) => ({ ...GOOD, headers: [...GOOD.headers, { key, value }] });
const without = (name: string) => ({
  ...GOOD,
  headers: GOOD.headers.filter(({ key }) => key.toLowerCase() !== name),
});

describe('a signed question to AWS', () => {
  it('of google-auth-library is read', async () => {
    const client = new AwsClient({
      audience: AUDIENCE,
      subject_token_type: 'urn:ietf:params:aws:token-type:aws4_request',
      aws_security_credentials_supplier: {
        getAwsRegion: async () => 'us-east-2',
        getAwsSecurityCredentials: async () => ({
          accessKeyId: 'AKID',
          secretAccessKey: 'test-only-secret',
          token: 'session',
        }),
      },
    });
    const request = parseAwsRequest(await client.retrieveSubjectToken());
    if (!request.ok) throw new Error(JSON.stringify(request.error));
    const { host, headers, targetResource, requestTimeSeconds } = request.value;
    expect([host, targetResource]).toEqual(['sts.us-east-2.amazonaws.com', AUDIENCE]);
    expect(Math.abs(requestTimeSeconds - Date.now() / 1_000)).toBeLessThan(60);
    expect([...headers.keys()].toSorted()).toEqual([
      'authorization',
      'host',
      'x-amz-date',
      'x-amz-security-token',
      'x-goog-cloud-target-resource',
    ]);
  });

  it('is read in each encoding: as it is, percent-encoded, with a plus for a blank', () => {
    const text = JSON.stringify(GOOD);
    const encodings = [text, encodeURIComponent(text), encodeURIComponent(text).replaceAll('%20', '+')];
    for (const token of encodings)
      expect(parseAwsRequest(token)).toMatchObject({ ok: true, value: { targetResource: AUDIENCE } });
  });

  it.each([
    'sts.amazonaws.com',
    'sts.us-gov-west-1.amazonaws.com',
    'sts-fips.us-east-1.amazonaws.com',
    'sts.cn-north-1.amazonaws.com.cn',
    'sts.ap-southeast-2.api.aws',
  ])('may be put to %s', (host) => {
    const headers = GOOD.headers.map((one) => (one.key === 'Host' ? { ...one, value: host } : one));
    expect(parse({ ...GOOD, url: `https://${host}${AWS_QUESTION}`, headers })).toMatchObject({
      ok: true,
      value: { host },
    });
  });

  it.each<[string, string]>([
    ['another host', 'https://evil.example.com/'],
    ['a host that ends so', 'https://sts.amazonaws.com.evil.example.com/'],
    ['a host that begins so', 'https://evil-sts.amazonaws.com/'],
    ['another service of AWS', 'https://s3.eu-central-1.amazonaws.com/'],
    ['a bucket called like it', 'https://sts.eu-central-1.s3.amazonaws.com/'],
    ['no TLS', 'http://sts.amazonaws.com/'],
    ['a port', 'https://sts.amazonaws.com:8443/'],
    ['a user', 'https://evil@sts.amazonaws.com/'],
    ['a path', 'https://sts.amazonaws.com/x'],
    ['a fragment', 'https://sts.amazonaws.com/#x'],
    ['an address', 'https://169.254.169.254/'],
    ['a host in capitals of another alphabet', 'https://ѕts.amazonaws.com/'],
    ['no URL', 'sts.amazonaws.com'],
  ])('is put nowhere else: %s', (_what, base) => {
    const at = base.indexOf('#');
    const url = at < 0 ? `${base}?Action=GetCallerIdentity&Version=2011-06-15` : base;
    const host = URL.canParse(url) ? new URL(url).host : base;
    const headers = GOOD.headers.map((one) => (one.key === 'Host' ? { ...one, value: host } : one));
    expect(parse({ ...GOOD, url, headers }).ok).toBe(false);
  });

  it.each<[string, object]>([
    ['another action', { ...GOOD, url: GOOD.url.replace('GetCallerIdentity', 'AssumeRole') }],
    ['a second action', { ...GOOD, url: `${GOOD.url}&Action=AssumeRole` }],
    ['another parameter', { ...GOOD, url: `${GOOD.url}&RoleArn=x` }],
    ['another method', { ...GOOD, method: 'GET' }],
    [
      'another Host',
      { ...without('host'), headers: [...without('host').headers, { key: 'host', value: 'sts.amazonaws.com' }] },
    ],
    ['a header twice', withHeader('HOST', 'sts.eu-central-1.amazonaws.com')],
    ['a header that could change the meaning', withHeader('x-forwarded-host', 'evil.example.com')],
    ['a cookie', withHeader('cookie', 'x=y')],
    ['a header with a line break', withHeader('x-amz-user-agent', 'a\r\nhost: evil')],
    ['no signature', without('authorization')],
    ['no date', without('x-amz-date')],
    ['no target', without('x-goog-cloud-target-resource')],
    [
      'a date that is none',
      {
        ...without('x-amz-date'),
        headers: [...without('x-amz-date').headers, { key: 'x-amz-date', value: '2026-01-01' }],
      },
    ],
    ['headers that are no list', { ...GOOD, headers: { host: 'x' } }],
    [
      'too many headers',
      { ...GOOD, headers: Array.from({ length: 21 }, (_, index) => ({ key: `x-amz-${index}`, value: 'x' })) },
    ],
  ])('with %s is none', (_what, document) => {
    expect(parse(GOOD).ok).toBe(true);
    expect(parse(document).ok).toBe(false);
  });

  it.each(['', '{', '%', '[]', '{"url":1}', 'a.b.c'])('is not %j', (token) => {
    expect(parseAwsRequest(token).ok).toBe(false);
  });
});
