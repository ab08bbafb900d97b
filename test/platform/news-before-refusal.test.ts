/** The epoch before a refusal, within budgets: what one workload without any right may make the project's object do. */
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { ok } from '../../src/core/result.ts';
import { createQuotaGate } from '../../src/platform/quota/gate.ts';
import { createNewsBeforeRefusal } from '../../src/platform/quota/news-before-refusal.ts';
import { silenceableObjects } from '../support/faulty-bindings.ts';

const NUMBER = '747000000001';

it('one principal that is refused over and over asks 100 times, then 5 times a second, and the others are asked for all the same', async () => {
  await env.QUOTA.getByName(NUMBER).advance({ changes: [{ epoch: 1, shards: [] }], limitPerMinute: 10 });
  const quota = silenceableObjects(env.QUOTA);
  let nowMs = Date.now();
  const clock = (): number => nowMs;
  const askNews = createNewsBeforeRefusal(createQuotaGate(quota.namespace, clock), async () => ok(true), clock);
  for (let n = 0; n < 300; n++) await askNews(NUMBER, 'verified', 'principal://busy');
  expect(quota.calls('news')).toBe(100);
  nowMs += 3_000;
  for (let n = 0; n < 300; n++) await askNews(NUMBER, 'verified', 'principal://busy');
  expect(quota.calls('news')).toBe(115);
  expect(await askNews(NUMBER, 'verified', 'principal://honest')).toMatchObject({ value: { epoch: 1 } });
  // Of many together there is an end as well.
  for (let n = 0; n < 300; n++) await askNews(NUMBER, 'verified', `principal://one-of-many-${n}`);
  expect(quota.calls('news')).toBeLessThanOrEqual(115 + 1 + 200);
});
