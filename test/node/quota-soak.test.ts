/**
 * The promise on real workerd: eight isolates over the objects of a ninth, twice as many exchanges a minute as the project may make, and its
 * quota object aborted at random, before its work, after it, and in between. Counted from the audit lines alone.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildBundle } from '../../src/local/bundle.ts';
import { createIssuer, workloadClaims } from '../support/issuer.ts';
import { type Edges, startEdges } from '../support/node/workerd.ts';

const EDGES = 8;
const CLIENTS = 50;
const REQUESTS_OF_ONE = 240;
const SOAK_MS = 60_000;
const LIMIT_PER_MINUTE = 6_000;
const ADMIN_TOKEN = `test-only-admin-${randomBytes(32).toString('base64url')}`;
const ISSUER_URI = 'https://kubernetes.default.svc.cluster.local';
const PROJECT = '300000000003';

/**
 * The Worker that owns the objects, and the only one that knows of any harm: product code has no way to be told to fail. An instance that is
 * aborted while nobody asks is one that was evicted: memory gone, rows there, no caller the wiser.
 */
const OWNER = `
import worker, { Quota as Honest, Registry, KeyRing, IssuerKeys } from './bundle.js';
export { Registry, KeyRing, IssuerKeys };
export default worker;
let calmFromMs = 0;
const harm = (what, ctx) => {
  console.log(JSON.stringify({ event: 'harm', what }));
  ctx.abort('harm done by the test');
};
export class Quota extends Honest {
  constructor(ctx, env) {
    super(ctx, env);
    setTimeout(() => { if (Date.now() < calmFromMs) harm('between', this.ctx); }, 500 + Math.random() * 4_000);
  }
  async spend(...question) {
    calmFromMs ||= Date.now() + ${SOAK_MS - 10_000};
    const dice = Date.now() < calmFromMs ? Math.random() : 1;
    if (dice < 0.12) harm('before', this.ctx);
    const answer = await super.spend(...question);
    if (dice < 0.24) harm('after', this.ctx);
    return answer;
  }
}
`;

interface Heard {
  readonly status: number;
  readonly retryAfter: string | null;
}

let workerd: Edges;
let forms: readonly string[] = [];
beforeAll(async () => {
  workerd = await startEdges(
    await buildBundle(),
    (origin) => ({
      PUBLIC_ORIGIN: origin,
      EDGE_STS_KEK: Buffer.from(`test-only-kek-${randomBytes(9).toString('hex')}`).toString('base64'),
      EDGE_STS_ADMIN_TOKEN: ADMIN_TOKEN,
    }),
    { owner: OWNER, edges: EDGES },
  );
  forms = await prepare(workerd.origin);
});
afterAll(async () => workerd?.stop());

/** A project with one cluster; answers the bodies of a few exchanges. */
async function prepare(origin: string): Promise<readonly string[]> {
  const issuer = await createIssuer('ES256');
  const pools = `/v1/projects/${PROJECT}/locations/global/workloadIdentityPools`;
  for (const [path, body] of [
    ['/v1/projects', { projectId: 'soak', projectNumber: PROJECT }],
    [
      `${pools}/soak.svc.id.goog/providers?workloadIdentityPoolProviderId=only`,
      { kubernetes: { clusterUri: 'https://soak.example.com', issuerUri: ISSUER_URI, jwksJson: issuer.jwksJson } },
    ],
  ] as const) {
    const response = await fetch(`${origin}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  }
  const audience = `//iam.googleapis.com${pools.replace('/v1', '')}/soak.svc.id.goog/providers/only`;
  const claims = workloadClaims({ issuerUri: ISSUER_URI, audience: `https:${audience}` });
  return Promise.all(
    Array.from({ length: 8 }, async () =>
      new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        audience,
        requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        subject_token: await issuer.sign(claims),
      }).toString(),
    ),
  );
}

async function exchange(edge: number, turn: number): Promise<Heard> {
  const response = await fetch(`${workerd.edges[edge]}/v1/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: forms[turn % forms.length] ?? '',
  });
  await response.arrayBuffer();
  return { status: response.status, retryAfter: response.headers.get('retry-after') };
}

/** One request in every quarter of a second, each to another isolate; who is late does not wait. */
async function client(number: number, startMs: number): Promise<readonly Heard[]> {
  const everyMs = SOAK_MS / REQUESTS_OF_ONE;
  const heard: Heard[] = [];
  for (let turn = 0; turn < REQUESTS_OF_ONE; turn++) {
    await sleep(Math.max(0, startMs + (turn + number / CLIENTS) * everyMs - Date.now()));
    heard.push(await exchange((number + turn) % EDGES, turn));
  }
  return heard;
}

function lines(): readonly Record<string, unknown>[] {
  return workerd
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Brute force would do; two fingers on the sorted list do the same. */
function fullestMinute(atMs: readonly number[]): number {
  const sorted = atMs.toSorted((one, other) => one - other);
  let from = 0;
  return sorted.reduce((most, at, index) => {
    while ((sorted[from] ?? at) <= at - 60_000) from += 1;
    return Math.max(most, index - from + 1);
  }, 0);
}

test('eight isolates, twice the limit, an object that is aborted at random: no minute over it, every refusal says when, and it recovers', async () => {
  const startMs = Date.now();
  const heard = (await Promise.all(Array.from({ length: CLIENTS }, (_, at) => client(at, startMs)))).flat();
  expect(heard).toHaveLength(CLIENTS * REQUESTS_OF_ONE);
  const granted = heard.filter(({ status }) => status === 200).length;
  for (const { status, retryAfter } of heard) {
    expect([200, 429, 503]).toContain(status);
    if (status !== 200) expect(Number(retryAfter)).toBeGreaterThanOrEqual(1);
  }

  // The harm has ended: each isolate hears what is so, room or none, and no longer that nobody answers.
  for (let edge = 0; edge < EDGES; edge++) expect([200, 429]).toContain((await exchange(edge, 0)).status);
  // And when the first of them are a minute ago, there is room again, without anybody's help.
  let again = await exchange(0, 0);
  for (let turn = 0; again.status !== 200 && turn < 60; turn++) {
    await sleep(500);
    again = await exchange(turn % EDGES, turn);
  }
  expect(again.status).toBe(200);

  const said = lines();
  const harm = said.filter(({ event }) => event === 'harm').map(({ what }) => what);
  expect(new Set(harm)).toEqual(new Set(['before', 'after', 'between']));
  expect(harm.length).toBeGreaterThan(10);
  const admittedAtMs = said.flatMap(({ admittedAtMs: at }) => (typeof at === 'number' ? [at] : []));
  expect(admittedAtMs.length).toBeGreaterThanOrEqual(granted);
  expect(fullestMinute(admittedAtMs)).toBeLessThanOrEqual(LIMIT_PER_MINUTE);
  // It was a load that needed refusing, and most of the limit was used in spite of all the harm.
  expect(heard.filter(({ status }) => status === 429).length).toBeGreaterThan(1_000);
  expect(granted).toBeGreaterThan(LIMIT_PER_MINUTE / 2);
  const unavailable = heard.filter(({ status }) => status === 503).length;
  const tookSeconds = Math.round((Date.now() - startMs) / 1_000);
  process.stdout.write(
    `soak: ${granted} granted, ${unavailable} unavailable, ${harm.length} aborts, ${tookSeconds} s\n`,
  );
}, 180_000);
