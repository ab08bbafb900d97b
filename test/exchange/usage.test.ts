/** Usage through the front door: what REST says is what the audit lines say, to the unit. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import {
  addCluster,
  addRole,
  addTarget,
  admin,
  type Answer,
  call,
  captureAudit,
  createProject,
  exchange,
  member,
  must,
  setPolicy,
} from '../support/broker.ts';

const audit = captureAudit();

type Counts = Record<string, number>;
interface Group {
  readonly name: string;
  readonly granted: number;
  readonly refused: number;
  readonly byReason: Counts;
}
interface Usage {
  readonly points: readonly (Omit<Group, 'name'> & { readonly startTime: string; readonly groups?: Group[] })[];
  readonly top?: readonly Group[];
  readonly completeUntil: string;
}

async function usageOf(path: string, query = ''): Promise<Usage> {
  return (await must('GET', `${path}/usage${query}`)) as unknown as Usage;
}

function sum(all: readonly Counts[]): Counts {
  const sums: Counts = {};
  for (const counts of all) for (const [key, count] of Object.entries(counts)) sums[key] = (sums[key] ?? 0) + count;
  return sums;
}

function grouped<T>(all: readonly T[], keyOf: (one: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, readonly T[]>();
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return groups;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : 'none';
}

it('equals the audit lines by reason, provider, principal and target, at both resolutions', async () => {
  const project = await createProject();
  const path = `/v1/projects/${project.number}`;
  const [one, two] = [await addCluster(project), await addCluster(project)];
  const [open, shut] = [await addTarget(project), await addTarget(project)];
  const reader = await addRole(project);
  await setPolicy(open.path, [{ role: reader, members: [member(project, project.builtInPool, '*', 'principalSet')] }]);
  const nobody = { ...one, audience: `${one.audience}-nobody` };
  const kinds: readonly (() => Promise<Answer>)[] = [
    () => exchange(one, open.uri),
    async () => exchange(one, open.uri, await one.token({ serviceAccount: 'other' })),
    () => exchange(two),
    () => exchange(two, shut.uri),
    () => exchange(one, 'https://nowhere.example.com'),
    async () => exchange(one, open.uri, await two.token()),
    () => exchange(one, open.uri, 'x.y.z'),
    async () => exchange(nobody, open.uri, await one.token()),
  ];
  const answers: Answer[] = [];
  for (let round = 0; round < 20; round++) for (const kind of kinds) answers.push(await kind());
  const quota = `${path}/locations/global/services/sts/quotaInfos/TokenExchangeRequestsPerMinutePerProject`;
  expect((await must('GET', quota))['forecast']).toEqual({});
  await must('PATCH', `${path}?updateMask=tokenExchangesPerMinute`, { tokenExchangesPerMinute: 100 });
  expect(await must('GET', quota)).toMatchObject({ forecast: { refusalsStartInSeconds: expect.any(Number) } });
  await must('PATCH', `${path}?updateMask=tokenExchangesPerMinute`, { tokenExchangesPerMinute: 0 });
  for (let round = 0; round < 5; round++) answers.push(await exchange(one, open.uri));
  const lines = await Promise.all(answers.map((answer) => audit.lineFor(answer)));
  expect(new Set(lines.map(({ reason }) => reason))).toEqual(
    new Set(['granted', 'not_granted', 'unknown_target', 'unverified', 'unknown_provider', 'over_quota']),
  );

  const total = async (): Promise<number> =>
    (await usageOf(path)).points.reduce((all, { granted, refused }) => all + granted + refused, 0);
  await expect.poll(total, { timeout: 10_000 }).toBe(lines.length);

  const counted = (of: readonly (typeof lines)[number][]): Counts =>
    sum(of.map((line) => ({ [String(line.reason)]: 1 })));
  for (const resolution of ['MINUTE', 'HOUR']) {
    const { points } = await usageOf(path, `?resolution=${resolution}`);
    expect(sum(points.map(({ byReason }) => byReason))).toEqual(counted(lines));
    for (const { granted, refused, byReason } of points) {
      expect([granted, granted + refused]).toEqual([
        byReason['granted'] ?? 0,
        Object.values(byReason).reduce((a, b) => a + b, 0),
      ]);
    }
    for (const by of ['provider', 'principal', 'target'] as const) {
      const { top = [] } = await usageOf(path, `?resolution=${resolution}&groupBy=${by}`);
      const said = grouped(lines, (line) => textOf(line[by]));
      expect(Object.fromEntries(top.map(({ name, byReason }) => [name, byReason]))).toEqual(
        Object.fromEntries([...said].map(([name, all]) => [name, counted(all)])),
      );
    }
  }
  const perMinute = grouped(lines, ({ admittedAtMs, time }) =>
    new Date(admittedAtMs === undefined ? String(time) : Number(admittedAtMs)).toISOString().slice(0, 16),
  );
  const { points } = await usageOf(path);
  expect(points.map(({ startTime, byReason }) => [startTime.slice(0, 16), byReason])).toEqual(
    [...perMinute].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([minute, all]) => [minute, counted(all)]),
  );
}, 60_000);

it('of a project that strangers make up is written nowhere', async () => {
  const project = await createProject();
  const cluster = await addCluster(project);
  const made = '799999999999';
  const stranger = { ...cluster, audience: cluster.audience.replace(project.number, made) };
  expect((await exchange(stranger, undefined, 'x.y.z')).status).toBe(400);
  await new Promise((resolve) => void setTimeout(resolve, 1_500));
  const names = await runInDurableObject(env.QUOTA.getByName(made), (_instance, ctx) =>
    ctx.storage.sql.exec(`SELECT name FROM sqlite_master WHERE name LIKE 'usage%'`).toArray(),
  );
  expect(names).toEqual([]);
});

it('is for administrators, and says what it does not understand', async () => {
  const project = await createProject();
  const path = `/v1/projects/${project.number}/usage`;
  expect((await call(path)).status).toBe(401);
  for (const query of [
    'resolution=DAY',
    'groupBy=pod',
    'startTime=yesterday',
    'startTime=2026-02-01T00:00:00Z&endTime=2026-01-01T00:00:00Z',
    'pageToken=eA',
    'filter=x',
  ]) {
    expect((await admin('GET', `${path}?${query}`)).status, query).toBe(400);
  }
  expect(await usageOf(path.replace('/usage', ''))).toMatchObject({ points: [], resolution: 'MINUTE' });
});
