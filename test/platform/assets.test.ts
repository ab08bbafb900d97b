/** The folder `assets` through its binding: a text, or nothing, and never a fault. */
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createAssetReader } from '../../src/platform/assets.ts';

it('reads what is there, as it is', async () => {
  expect(await createAssetReader(env.ASSETS)('openapi.json')).toMatch(/^\{"openapi":"3\.1\.0",/);
  expect(await createAssetReader(env.ASSETS)('dashboard/client.js')).toContain('localTimes(document);');
});

it.each([
  ['there is no such binding', undefined, 'openapi.json'],
  ['there is no such text', env.ASSETS, 'none.json'],
  ['a folder is asked for', env.ASSETS, 'dashboard/'],
  ['the binding fails', { fetch: async () => Promise.reject(new Error('gone')) }, 'openapi.json'],
  ['the binding answers a fault', { fetch: async () => new Response('x', { status: 500 }) }, 'openapi.json'],
])('is undefined where %s', async (_what, binding, name) => {
  expect(await createAssetReader(binding)(name)).toBeUndefined();
});
