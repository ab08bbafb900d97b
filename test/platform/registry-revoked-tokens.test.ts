/** Whoever holds a token may end it, and makes as many as he likes by downscoping: what he fills must leave room for who shuts him out. */
import { runInDurableObject } from 'cloudflare:test';
import { beforeEach, expect, it } from 'vitest';
import type { HomedIdentity } from '../../src/core/admin/caller.ts';
import type { Revocation } from '../../src/core/token-care/revocation.ts';
import { provisioned } from './registry-support.ts';

type Registry = Awaited<ReturnType<typeof provisioned>>['registry'];

const nowSeconds = Math.floor(Date.now() / 1_000);
const FULL = { ok: false, error: { tag: 'limit_reached' } };

const one = (tokenId: string, isByHolder?: true): Revocation => ({
  kind: 'token',
  tokenId,
  expiresAtSeconds: nowSeconds + 3_600,
  ...(isByHolder === undefined ? {} : { isByHolder }),
});

let projectNumber: string;
let registry: Registry;
let robot: Omit<Extract<HomedIdentity, { kind: 'serviceAccount' }>, 'token'>;

beforeEach(async () => {
  const made = await provisioned();
  registry = made.registry;
  projectNumber = made.project.projectNumber;
  const command = { type: 'serviceAccount.create', accountId: 'robot', input: {} } as const;
  const answer = await registry.apply(command, { name: 'test', requestId: '', identity: { kind: 'bootstrap' } });
  if (!answer.ok || answer.value.kind !== 'serviceAccount') throw new Error(JSON.stringify(answer));
  const { accountId, uniqueId, email } = answer.value.serviceAccount;
  robot = { kind: 'serviceAccount', projectNumber, accountId, uniqueId, email };
});

const stands = (tokenId: string, fromTokenId?: string): Promise<boolean> =>
  Promise.resolve(
    registry.stands({
      ...robot,
      token: {
        tokenId,
        issuedAtSeconds: nowSeconds - 10,
        expiresAtSeconds: nowSeconds + 3_600,
        ...(fromTokenId === undefined ? {} : { fromTokenId }),
      },
    }),
  );

const robotsTokens = (): Revocation => ({
  kind: 'principal',
  principal: `serviceAccount:${robot.email}`,
  beforeSeconds: nowSeconds,
});

/** As many again as there are, until there are `count`: written by the first of them, and like it. */
async function copies(of: Revocation, count: number): Promise<void> {
  expect(await registry.revoke(of)).toEqual({ ok: true, value: null });
  await runInDurableObject(registry, (_instance, state) => {
    state.storage.sql.exec(
      `WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       INSERT INTO revoked SELECT what || '-' || i, before_seconds, until_seconds FROM n, revoked`,
      count,
    );
  });
}

it('tokens ended by their holders fill their own share, and nobody’s who has the right', async () => {
  await copies(one('own', true), 50_000);
  expect(await registry.revoke(one('own-more', true))).toMatchObject(FULL);
  expect(await registry.revoke(one('stolen'))).toEqual({ ok: true, value: null });
  expect([await stands('stolen'), await stands('other')]).toEqual([false, true]);
});

it('a principal is shut out although as many tokens are revoked as can be kept', async () => {
  await copies(one('given'), 100_000);
  expect(await registry.revoke(one('given-more'))).toMatchObject(FULL);
  expect(await stands('other')).toBe(true);
  expect(await registry.revoke(robotsTokens())).toEqual({ ok: true, value: null });
  expect(await stands('other')).toBe(false);
});

it('what is revoked already is revoked once more, however many there are', async () => {
  await copies(one('given'), 100_000);
  expect(await registry.revoke(one('given'))).toEqual({ ok: true, value: null });
});

it('a token that its holder ended is dead, and so is what was made of it', async () => {
  expect([await stands('mine'), await stands('narrowed', 'mine')]).toEqual([true, true]);
  expect(await registry.revoke(one('mine', true))).toEqual({ ok: true, value: null });
  expect([await stands('mine'), await stands('narrowed', 'mine'), await stands('other')]).toEqual([false, false, true]);
});
