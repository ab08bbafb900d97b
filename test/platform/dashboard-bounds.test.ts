/** A page of the dashboard over all that can be there: 90 days of 1,000 providers. Rows are counted, pages are weighed. Real objects. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { type UsageSums, UsageTally, ROW_LIMITS } from '../../src/core/usage.ts';
import type { Quota } from '../../src/platform/quota/object.ts';
import { HOURS_KEPT, MINUTES_KEPT, UsageRows } from '../../src/platform/quota/usage-rows.ts';
import { createProject, type TestProject } from '../support/broker.ts';
import { signIn, type Tab } from '../support/dashboard.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const PROVIDERS = 1_000;
const MAX_PAGE_BYTES = 100 * 1_024;

let project: TestProject;
let tab: Tab;

/** As full as a row of the object can be: what has no room in it is `other`. */
function fullRow(number: string, granted: number): UsageSums {
  const pool = `projects/${number}/locations/global/workloadIdentityPools/all-of-our-clusters.svc.id.goog`;
  const tally = new UsageTally({ provider: PROVIDERS, principal: PROVIDERS, target: PROVIDERS });
  for (let at = 0; at < PROVIDERS; at += 1) {
    const names = {
      provider: `${pool}/providers/cluster-${at}`,
      principal: `principal://iam.googleapis.com/${pool}/subject/ns/namespace-${at % 40}/sa/account-${at}`,
      target: `projects/${number}/targets/target-${at}`,
    };
    for (let one = 0; one < granted; one += 1) tally.add(names, 'granted', true);
    tally.add(names, 'not_granted', true);
  }
  return tally.sums(ROW_LIMITS);
}

beforeAll(async () => {
  project = await createProject();
  tab = await signIn();
  await runInDurableObject(env.QUOTA.getByName(project.number), (_instance: Quota, { storage }) => {
    const rows = new UsageRows(storage.sql);
    rows.prepare();
    rows.putSenders({ byId: new Map(), lost: 0 }, { sinceMs: 0, byReason: {} });
    const [row, nowMs] = [fullRow(project.number, 3), Date.now()];
    for (let ago = 1; ago < HOURS_KEPT; ago += 1) rows.putHour(Math.floor(nowMs / HOUR_MS) - ago, row);
    for (let ago = 1; ago < MINUTES_KEPT; ago += 1) rows.putMinute(Math.floor(nowMs / MINUTE_MS) - ago, row);
  });
}, 240_000);

/** How many rows of the object a page reads, and how large it is. */
async function weigh(path: string): Promise<{ readonly rows: number; readonly bytes: number; readonly ms: number }> {
  const stub = env.QUOTA.getByName(project.number);
  const counted = await runInDurableObject(stub, (_instance: Quota, { storage: { sql } }) => {
    const sum = { rows: 0 };
    const exec = sql.exec.bind(sql);
    sql.exec = ((query: string, ...values: SqlStorageValue[]) => {
      const cursor = exec(query, ...values);
      const toArray = cursor.toArray.bind(cursor);
      cursor.toArray = () => {
        const all = toArray();
        sum.rows += cursor.rowsRead;
        return all;
      };
      return cursor;
    }) as typeof sql.exec;
    return sum;
  });
  const startedMs = performance.now();
  const { status, html } = await tab.get(`/projects/${project.id}/${path}`);
  const ms = performance.now() - startedMs;
  expect(status).toBe(200);
  return { rows: counted.rows, bytes: new TextEncoder().encode(html).byteLength, ms };
}

describe('90 days of counters for 1,000 providers', () => {
  it.each(['quota', 'quota?range=day&by=principal', 'quota?range=90d&by=namespace', 'quota?range=90d&by=target'])(
    '%s: so many rows and no more, and a page below 100 KiB',
    async (path) => {
      const weighed = await weigh(path);
      process.stdout.write(`${path}: ${JSON.stringify(weighed)}\n`);
      expect(weighed.rows).toBeGreaterThan(100);
      expect(weighed.rows).toBeLessThan(10_000);
      expect(weighed.bytes).toBeLessThan(MAX_PAGE_BYTES);
    },
  );
});
