/** The epoch before a refusal, within budgets: what one workload without any right may make the project's object do. */
import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { ok } from '../../src/core/result.ts';
import { createQuotaGate } from '../../src/platform/quota/gate.ts';
import { createNewsBeforeRefusal } from '../../src/platform/quota/news-before-refusal.ts';
import { silenceableObjects } from '../support/faulty-bindings.ts';

let numbers = 747_000_000_000;
let NUMBER = '';
beforeEach(() => void (NUMBER = String(++numbers)));

it('one principal that is refused over and over asks 100 times, then 5 times a second, and the others are asked for all the same', async () => {
  const { quota, clock, askNews } = await world();
  for (let n = 0; n < 300; n++) await askNews(NUMBER, 'verified', 'principal://busy');
  expect(quota.calls('news')).toBe(100);
  clock.nowMs += 3_000;
  for (let n = 0; n < 300; n++) await askNews(NUMBER, 'verified', 'principal://busy');
  expect(quota.calls('news')).toBe(115);
  expect(await askNews(NUMBER, 'verified', 'principal://honest')).toMatchObject({ value: { epoch: 1 } });
  // Of many together there is an end as well.
  for (let n = 0; n < 300; n++) await askNews(NUMBER, 'verified', `principal://one-of-many-${n}`);
  expect(quota.calls('news')).toBeLessThanOrEqual(115 + 1 + 200);
});

it.each([
  ['strangers', 'stranger', undefined, 30],
  ['one principal', 'verified', 'principal://one', 100],
] as const)('a crowd of %s all hear the epoch, by few questions', async (_whose, who, principal, burst) => {
  const { quota, askNews } = await world();
  const heard = await Promise.all(Array.from({ length: 200 }, () => askNews(NUMBER, who, principal)));
  expect(heard.every((one) => one.ok && one.value?.epoch === 1)).toBe(true);
  expect(quota.calls('news')).toBe(burst);
});

it('who comes when the budget is empty hears what is less than a second old, without waiting', async () => {
  const { quota, clock, askNews, advance } = await world();
  for (let n = 0; n < 60; n++) await askNews(NUMBER, 'stranger');
  expect(quota.calls('news')).toBe(30);
  await advance(2);
  expect(await askNews(NUMBER, 'stranger')).toMatchObject({ value: { epoch: 1 } });
  clock.nowMs += 1_000;
  expect(await askNews(NUMBER, 'stranger')).toMatchObject({ value: { epoch: 2 } });
  expect(await askNews(NUMBER, 'stranger')).toMatchObject({ value: { epoch: 2 } });
  expect(quota.calls('news')).toBe(31);
});

it('a crowd that nobody answers is told to come again, not that it is refused, and does not wait without bound', async () => {
  const { quota, askNews } = await world();
  await askNews(NUMBER, 'stranger');
  quota.silence();
  const crowd = await Promise.all(Array.from({ length: 500 }, () => askNews(NUMBER, 'stranger')));
  for (const one of crowd) expect(one).toEqual({ ok: false, error: { tag: 'unavailable', dependency: 'quota' } });
});

it('a crowd that asks for a project this isolate has never heard of is let through when one of them has found it', async () => {
  const asked: string[] = [];
  const { askNews } = await world(async (number) => {
    asked.push(number);
    await new Promise((resolve) => setTimeout(resolve, 30));
    return ok(number === NUMBER);
  });
  const heard = await Promise.all(Array.from({ length: 200 }, () => askNews(NUMBER, 'stranger')));
  expect(heard.every((one) => one.ok && one.value?.epoch === 1)).toBe(true);
  expect(asked).toHaveLength(30);
  expect(await askNews('747000000999', 'stranger')).toEqual({ ok: true, value: undefined });
});

type Exists = Parameters<typeof createNewsBeforeRefusal>[1];

async function world(exists: Exists = async () => ok(true)) {
  const object = env.QUOTA.getByName(NUMBER);
  const advance = async (to: number): Promise<void> => {
    await object.advance({ changes: [{ epoch: to, shards: [] }], limitPerMinute: 10 });
  };
  await advance(1);
  const quota = silenceableObjects(env.QUOTA);
  const clock = { nowMs: Date.now() };
  const nowMs = (): number => clock.nowMs;
  const askNews = createNewsBeforeRefusal(createQuotaGate(quota.namespace, nowMs), exists, nowMs);
  return { quota, clock, askNews, advance };
}
