/** Not a test of the broker: it writes what must never be written, so that the search of the logs can be seen to find it. */
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createIssuer } from '../support/issuer.ts';

it('leaks a token', async () => {
  const token = await (await createIssuer()).sign({ sub: 'x' });
  expect(token).toMatch(/^eyJ/);
  // oxlint-disable-next-line no-console -- planted
  console.log(JSON.stringify({ event: 'exchange', check: `no target has the uri ${token}` }));
});

it('leaks a secret', () => {
  expect(env.EDGE_STS_ADMIN_TOKEN).toMatch(/^test-only-/);
  // oxlint-disable-next-line no-console -- planted
  console.error(`Bearer ${env.EDGE_STS_ADMIN_TOKEN}`);
});

it('leaks nothing', () => {
  expect(1 + 1).toBe(2);
  // oxlint-disable-next-line no-console -- planted
  console.log('{"event":"exchange","outcome":"granted"}');
});
