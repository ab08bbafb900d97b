import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
it('pings', async () => {
  expect(await env.QUOTA.getByName('x').ping()).toBe('pong');
});
