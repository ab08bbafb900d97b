/** The bootstrap administrator: nothing presented and something wrong presented are told apart, and nothing else is told. */
import { describe, expect, it } from 'vitest';
import { createBootstrapAuthenticator } from '../../src/platform/administration/bootstrap.ts';

const TOKEN = 'test-only-admin-token-0123456789abcdef';
const authenticate = createBootstrapAuthenticator(TOKEN);

describe('an Authorization header', () => {
  it.each([`Bearer ${TOKEN}`, `bearer  ${TOKEN}`])('%j is the administrator', async (authorization) => {
    expect(await authenticate(authorization)).toEqual({ ok: true, value: { actor: 'bootstrap' } });
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
