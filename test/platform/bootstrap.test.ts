/** The bootstrap administrator: nothing presented and something wrong presented are told apart, and nothing else is told. */
import { describe, expect, it, vi } from 'vitest';
import { err, ok } from '../../src/core/result.ts';
import { createAdminAuthenticator } from '../../src/platform/administration/authenticate.ts';
import { createBootstrapAuthenticator, retirementOf } from '../../src/platform/administration/bootstrap.ts';

const TOKEN = 'test-only-admin-token-0123456789abcdef';
const bootstrap = createBootstrapAuthenticator(TOKEN, async () => ok([]));
const door = createAdminAuthenticator({ bootstrap, federated: async () => err({ tag: 'bad_credentials' }) });
const authenticate = async (authorization?: string) => door({ authorization, accessAssertion: undefined });

describe('an Authorization header', () => {
  it.each([`Bearer ${TOKEN}`, `bearer  ${TOKEN}`])('%j is the administrator', async (authorization) => {
    const value = { name: 'bootstrap', identity: { kind: 'bootstrap' } };
    expect(await authenticate(authorization)).toEqual({ ok: true, value });
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

describe('a retired token', () => {
  const withRetired = (token: string, retired: Awaited<ReturnType<typeof retirementOf>>) =>
    createBootstrapAuthenticator(token, async () => ok([retired]))(token);

  it('is known again by a salted digest that holds nothing of it', async () => {
    const [one, other] = [await retirementOf(TOKEN), await retirementOf(TOKEN)];
    expect(one.digest).not.toBe(other.digest);
    expect(JSON.stringify(one)).not.toContain(TOKEN.slice(0, 12));
    expect(await withRetired(TOKEN, one)).toEqual({ ok: false, error: { tag: 'bad_credentials' } });
  });

  it('leaves another value of the secret alone', async () => {
    const next = TOKEN.replace('0123', '3210');
    expect(await withRetired(next, await retirementOf(TOKEN))).toMatchObject({ ok: true });
  });

  it('may be what nobody can tell: then nobody comes in', async () => {
    const away = { tag: 'unavailable', dependency: 'directory', description: '' } as const;
    expect(await createBootstrapAuthenticator(TOKEN, async () => err(away))(TOKEN)).toEqual(err(away));
  });
});
