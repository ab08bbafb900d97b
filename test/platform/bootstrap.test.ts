/** The bootstrap administrator: nothing presented and something wrong presented are told apart, and nothing else is told. */
import { describe, expect, it, vi } from 'vitest';
import { createBootstrapAuthenticator } from '../../src/platform/administration/bootstrap.ts';

const TOKEN = 'test-only-admin-token-0123456789abcdef';
const authenticate = createBootstrapAuthenticator(TOKEN);

describe('an Authorization header', () => {
  it.each([`Bearer ${TOKEN}`, `bearer  ${TOKEN}`])('%j is the administrator', async (authorization) => {
    expect(await authenticate(authorization)).toEqual({ ok: true, value: { name: 'bootstrap' } });
  });

  it.each([undefined, '', '  '])('%j presents nothing', async (authorization) => {
    expect(await authenticate(authorization)).toEqual({ ok: false, error: { tag: 'unauthenticated' } });
  });

  it.each(['Bearer', 'Bearer wrong', `Bearer ${TOKEN}x`, `Bearer ${TOKEN} x`, `Basic ${TOKEN}`, TOKEN])(
    '%j presents what is not good',
    async (authorization) => {
      expect(await authenticate(authorization)).toEqual({ ok: false, error: { tag: 'bad_credentials' } });
    },
  );
});

it('is compared by digests of one length, in constant time, whatever is shown', async () => {
  const compare = vi.spyOn(crypto.subtle, 'timingSafeEqual');
  for (const shown of ['x', TOKEN.slice(0, -1), `${TOKEN}x`, 'x'.repeat(4_096), TOKEN])
    await authenticate(`Bearer ${shown}`);
  const lengths = compare.mock.calls.map((sides) => sides.map(({ byteLength }) => byteLength));
  expect(lengths).toEqual(Array.from({ length: 5 }, () => [32, 32]));
  expect(compare.mock.results.map(({ value }): unknown => value)).toEqual([false, false, false, false, true]);
});
