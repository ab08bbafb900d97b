/** AWS's door at the root of a host of its own, its settings, and what it says where the broker is not configured or at fault. */
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createApp, createUnconfiguredApp } from '../../src/app.ts';
import { ConfigUnavailable } from '../../src/core/ports.ts';
import { readSettings } from '../../src/platform/settings.ts';
import { createBroker } from '../../src/worker.ts';
import { unreachable } from '../support/unreachable.ts';

const BODY = 'Action=GetCallerIdentity&Version=2011-06-15';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const ask = (url: string, body = BODY): Request => new Request(url, { method: 'POST', headers: FORM, body });
const codeOf = async (answer: Response): Promise<string> =>
  `${answer.status} ${/<Code>(.*)<\/Code>/.exec(await answer.text())?.[1] ?? ''}`.trim();

it('answers at / of that host and of no other', async () => {
  const broker = createBroker({ ...env, AWS_STS_HOST: 'sts-aws.example.com' });
  expect(await codeOf(await broker.fetch(ask('https://sts-aws.example.com/')))).toBe('403 MissingAuthenticationToken');
  expect(await codeOf(await broker.fetch(ask('https://sts.example.com/')))).toBe('404');
  const without = createBroker({ ...env });
  expect(await codeOf(await without.fetch(ask('https://sts-aws.example.com/')))).toBe('404');
});

it.each([
  ['sts-aws.example.com', true],
  ['sts-aws.example.com:8443', true],
  ['https://sts-aws.example.com', false],
  ['sts-aws.example.com/', false],
  ['STS-AWS.example.com', false],
  ['sts.example.com', false],
])('AWS_STS_HOST %s: %s', (AWS_STS_HOST, isTaken) => {
  expect(readSettings({ PUBLIC_ORIGIN: 'https://sts.example.com', AWS_STS_HOST }).ok).toBe(isTaken);
});

it('says in its own words that there is no configuration, and that something of ours broke', async () => {
  const unconfigured = createUnconfiguredApp('nothing is set', () => 'id');
  expect(await codeOf(await unconfigured.fetch(ask('https://sts.example.com/aws/sts/')))).toBe(
    '503 ServiceUnavailable',
  );
  const faults: unknown[] = [];
  const broken = createApp({ ...unreachable(), reportFault: (_id, fault) => faults.push(fault) });
  expect(await codeOf(await broken.fetch(ask('https://sts.example.com/aws/sts')))).toBe('500 InternalFailure');
  expect(faults).toHaveLength(1);
});

it.each([
  [new ConfigUnavailable('away'), '503 ServiceUnavailable'],
  [new TypeError('a secret'), '500 InternalFailure'],
])('an exchange that ends in %s leaves its line', async (fault, expected) => {
  const lines: string[] = [];
  const base = unreachable();
  const app = createApp({
    ...base,
    aws: { ...base.aws, projectOfAccount: async () => ({ ok: true, value: '123456789012' }) },
    exchange: {
      ...base.exchange,
      openConfig: () => {
        throw fault;
      },
      record: ({ reason, check }) => void lines.push(`${reason} ${check}`),
    },
  });
  const part = (value: object): string => btoa(JSON.stringify(value)).replaceAll('=', '');
  const token = `${part({ alg: 'RS256', kid: 'k' })}.${part({ iss: 'https://x.example.com' })}.${'A'.repeat(86)}`;
  const body = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: 'arn:aws:iam::111122223333:role/one',
    RoleSessionName: 'test',
    WebIdentityToken: token,
  }).toString();
  expect(await codeOf(await app.fetch(ask('https://sts.example.com/aws/sts', body)))).toBe(expected);
  expect(lines).toEqual([fault instanceof TypeError ? 'internal TypeError' : 'unavailable configuration']);
});
