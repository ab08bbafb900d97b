/** The search of all that a run logs: what it would find, what it would not take for anything, and that a planted token fails a run. */
import { createHash, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createIssuer } from '../support/issuer.ts';
import { findingsIn } from '../support/node/log-search.ts';
import { runVitest } from '../support/node/run-vitest.ts';

const token = await (await createIssuer()).sign({ iss: 'https://issuer.example', sub: 'x' }, { typ: 'JWT' });
const kek = Buffer.from('test-only-kek-0123456789abcdef01').toString('base64');
const admin = 'test-only-admin-0123456789';

describe('is found', () => {
  it.each([
    ['a token', 'a token', token],
    ['a token in a sentence', 'a token', `no target has the uri ${token}.`],
    ['its first part', 'a token', `… ${token.split('.')[0]} …`],
    ['its payload', 'a token', `x.${token.split('.')[1]}`],
    ['its first eight characters', 'a token', `"${token.slice(0, 8)}…"`],
    ['a token in a token’s place in a URL', 'a token', `GET /v1/token?subject_token=${token}`],
    ['a token in base64', 'a token', Buffer.from(token).toString('base64')],
    ['a token escaped in JSON in JSON', 'a token', JSON.stringify(JSON.stringify({ token }))],
    ['the KEK', 'a secret of the tests', `kek=${kek}`],
    ['the KEK’s bytes', 'a secret of the tests', Buffer.from(kek, 'base64').toString('latin1')],
    ['the KEK in hex', 'a secret of the tests', Buffer.from(kek, 'base64').toString('hex').toUpperCase()],
    ['the admin token', 'a secret of the tests', `Bearer ${admin}`],
    ...['', 'x', 'xy'].map((before): [string, string, string] => [
      'the admin token in base64',
      'a secret of the tests',
      Buffer.from(`${before}${admin}`).toString('base64'),
    ]),
    ['a private key', 'a private key', `{"kty":"EC","d":"${randomBytes(32).toString('base64url')}"}`],
    ['a private key in JSON in JSON', 'a private key', JSON.stringify(JSON.stringify({ d: 'x'.repeat(43) }))],
    ['a private key in PEM', 'a private key', '-----BEGIN EC PRIVATE KEY-----'],
  ])('%s', (_what, kind, text) => {
    expect(findingsIn(text)).toContain(kind);
  });
});

describe('is nothing', () => {
  it.each([
    'the tokens eyJ and ZXlK are how they begin',
    '{"event":"exchange","outcome":"granted","jti":"0d8f…","d":"short"}',
    `"${createHash('sha256').update('eyJ').digest('hex')}"`,
  ])('%s', (text) => {
    expect(findingsIn(text)).toEqual([]);
  });

  it('a thumbprint, whatever letters it has', () => {
    const around = Array.from({ length: 20_000 }, () => randomBytes(32).toString('base64url'));
    // Each of them with the three letters put into it, which by chance happens to one in some thousands.
    const found = around.filter((one, at) => findingsIn(`${one.slice(0, at % 30)}eyJ${one.slice(at % 30)}`).length > 0);
    expect(found.length).toBeLessThan(around.length / 50);
  });
});

it('a token and a secret that a test in workerd writes are found in its run, which passes but for them', async () => {
  const config = fileURLToPath(new URL('../planted/vitest.config.ts', import.meta.url));
  const { tally, logs } = await runVitest(config, [], 'ignore');
  expect(tally.line).toBe('3 passed, 0 failed');
  expect(logs.lines).toBe(3);
  expect(logs.findings).toEqual([
    'leak.ts > leaks a token: a token',
    'leak.ts > leaks a secret: a secret of the tests',
  ]);
}, 60_000);
