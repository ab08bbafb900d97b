/** What is kept of requests is as small as it looks: a part of a text keeps all of it in V8's memory, and here that is a body of 64 KiB. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { parseAssertion } from '../../src/core/assertion.ts';
import { shardKey } from '../../src/core/resources.ts';
import { parseForm } from '../../src/protocols/google-sts/request.ts';

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');

function heapBytes(): number {
  if (typeof collect === 'function') collect();
  return process.memoryUsage().heapUsed;
}

const REQUESTS = 1_000;
const BODY_CHARACTERS = 64_000;
const base64Url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** As it comes from the wire: one text in one piece, which nothing else holds. */
function bodyOf(members: readonly string[]): string {
  const around = members.join('&');
  return Buffer.from(`${around}&filling=${'x'.repeat(BODY_CHARACTERS - around.length)}`).toString('latin1');
}

const TYPE = 'urn:ietf:params:oauth:';
const GIVEN = [
  `grant_type=${TYPE}grant-type:token-exchange`,
  `subject_token_type=${TYPE}token-type:jwt`,
  `requested_token_type=${TYPE}token-type:access_token`,
];
const audience = (pool: string): string =>
  `audience=//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/${pool}/providers/${pool}`;
const token = (kid: string, filling = ''): string =>
  `${base64Url({ alg: 'RS256', kid })}.${base64Url({ filling })}.c2ln`;

function ask(body: string): void {
  const read = parseForm(body);
  if (!read.ok || read.value.kind !== 'exchange') throw new Error('not read');
  parseAssertion(read.value.subjectToken);
  const { provider } = read.value;
  if (provider === undefined) return;
  shardKey.pool(provider.projectNumber, provider.poolId);
  shardKey.provider(provider.projectNumber, provider.poolId, provider.providerId);
}

/** Twice, for what was known before must not come to be kept with a later body either. */
function keptBytesOf(bodyFor: (index: number) => string): number {
  const before = heapBytes();
  for (let time = 0; time < 2; time += 1) for (let index = 0; index < REQUESTS; index += 1) ask(bodyFor(index));
  return (heapBytes() - before) / REQUESTS;
}

test.each<readonly [string, (index: number) => string]>([
  ['key ids', (index) => bodyOf([...GIVEN, `subject_token=${token(`a-stranger-${index}`)}`, audience('some-pool')])],
  ['providers', (index) => bodyOf([...GIVEN, `subject_token=${token('k')}`, audience(`a-strangers-pool-${index}`)])],
  [
    'requests whose token stands last',
    (index) =>
      Buffer.from(
        [
          ...GIVEN,
          `resource=https://a-stranger.example/${index}`,
          `subject_token=${token('k', 'x'.repeat(11_000))}`,
        ].join('&'),
      ).toString('latin1'),
  ],
])('whoever makes up %s by the thousand leaves no bodies behind', (_what, bodyFor) => {
  expect(keptBytesOf(bodyFor)).toBeLessThan(4_096);
});
