/**
 * JSONTestSuite's 340 documents through every door that JSON comes in by: alone, where none of them is what is asked for, and inside a
 * document that is, where exactly the strict ones may pass. Never a 5xx, never a wrong 200, no hang.
 */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { discoverKeys } from '../../src/platform/issuer-keys/discovery.ts';
import {
  addCluster,
  addTarget,
  admin,
  type Answer,
  call,
  claimsOf,
  type Cluster,
  createProject,
  must,
  postToken,
  type TestProject,
  type TestTarget,
  tokenForm,
} from '../support/broker.ts';
import { workloadClaims } from '../support/issuer.ts';
import { type JsonRow, jsonRows } from '../support/vectors.ts';

const ROWS = jsonRows();
const SLOW_MS = 5_000;
const DOOR_TIMEOUT_MS = 180_000;

/** JSON that we refuse on purpose: a member twice, numbers beyond 2^53. */
const REFUSED_ON_PURPOSE = new Set([
  'y_number.json',
  'y_number_real_capital_e.json',
  'y_number_real_exponent.json',
  'y_number_real_fraction_exponent.json',
  'y_object_extreme_numbers.json',
  'y_object_duplicated_key.json',
  'y_object_duplicated_key_and_value.json',
]);

let project: TestProject;
let cluster: Cluster;
let target: TestTarget;
let pools: string;

beforeAll(async () => {
  project = await createProject();
  cluster = await addCluster(project);
  target = await addTarget(project);
  pools = `/v1/projects/${project.number}/locations/global/workloadIdentityPools`;
});

it('all 340 are here', () => {
  expect(ROWS).toHaveLength(340);
  expect(new Set(ROWS.map((row) => row.id)).size).toBe(340);
});

describe('the payload of a token', () => {
  it(
    'alone is nobody’s',
    () => eachRow(async (row) => refused(await exchangeOf(header(), row.bytes), row)),
    DOOR_TIMEOUT_MS,
  );

  it(
    'passes as one claim among others exactly where it is strict JSON',
    () =>
      eachRow(async (row) => {
        const claims = JSON.stringify(
          workloadClaims({ issuerUri: cluster.issuerUri, audience: `https:${cluster.audience}` }),
        );
        return grantedIfStrict(await exchangeOf(header(), within(`${claims.slice(0, -1)},"x":`, row, '}')), row);
      }),
    DOOR_TIMEOUT_MS,
  );
});

describe('the header of a token', () => {
  it(
    'alone names no key',
    () => eachRow(async (row) => refused(await exchangeOf(row.bytes, payload()), row)),
    DOOR_TIMEOUT_MS,
  );

  it(
    'passes as a member that we tolerate and never read exactly where it is strict JSON',
    () =>
      eachRow(async (row) =>
        grantedIfStrict(await exchangeOf(within(`${header().slice(0, -1)},"x5t":`, row, '}'), payload()), row),
      ),
    DOOR_TIMEOUT_MS,
  );
});

describe('the JSON body of a token request', () => {
  const send = (body: Uint8Array): Promise<Answer> =>
    call('/v1/token', { method: 'POST', headers: { 'content-type': 'application/json', ...from() }, body });

  it('alone asks for nothing', () => eachRow(async (row) => refused(await send(row.bytes), row)), DOOR_TIMEOUT_MS);

  it(
    'passes as a member that means nothing exactly where it is strict JSON',
    () =>
      eachRow(async (row) => {
        const form = JSON.stringify(Object.fromEntries(tokenForm(cluster.audience, await cluster.token())));
        return grantedIfStrict(await send(within(`${form.slice(0, -1)},"x":`, row, '}')), row);
      }),
    DOOR_TIMEOUT_MS,
  );
});

describe('an uploaded key set', () => {
  const kubernetes = (jwksJson: Uint8Array): Uint8Array =>
    concat(
      `{"kubernetes":{"clusterUri":"${cluster.clusterUri}","issuerUri":"${cluster.issuerUri}","jwksJson":"`,
      escaped(jwksJson),
      '"}}',
    );

  it(
    'alone makes no provider',
    async () => {
      await eachRow(async (row) => {
        const path = `${pools}/${cluster.pool}/providers?workloadIdentityPoolProviderId=never-made`;
        return adminRefused(await adminBytes('POST', path, kubernetes(row.bytes)), row);
      });
      expect((await admin('GET', `${pools}/${cluster.pool}/providers/never-made`)).status).toBe(404);
    },
    DOOR_TIMEOUT_MS,
  );

  it(
    'alone replaces no keys',
    async () => {
      const before = await must('GET', `/v1/${cluster.name}`);
      await eachRow(async (row) =>
        adminRefused(await adminBytes('PATCH', `/v1/${cluster.name}`, kubernetes(row.bytes)), row),
      );
      expect(await must('GET', `/v1/${cluster.name}`)).toEqual(before);
    },
    DOOR_TIMEOUT_MS,
  );

  it(
    'passes beside good keys exactly where it is strict JSON, and those keys are all that is kept',
    async () => {
      await eachRow(async (row) => {
        const set = within(`${cluster.issuer.jwksJson.slice(0, -1)},"x":`, row, '}');
        return adminTakenIfStrict(await adminBytes('PATCH', `/v1/${cluster.name}`, kubernetes(set)), row);
      });
      const kept = (await must('GET', `/v1/${cluster.name}`))['kubernetes'] as { readonly jwksJson: string };
      expect(JSON.parse(kept.jwksJson)).toMatchObject({ keys: [{ kid: cluster.issuer.kid }] });
      expect((await postToken(tokenForm(cluster.audience, await cluster.token()), from())).status).toBe(200);
    },
    DOOR_TIMEOUT_MS,
  );
});

describe('the body of an administrator', () => {
  it(
    'alone changes nothing',
    async () => {
      const before = await must('GET', target.path);
      await eachRow(async (row) => {
        const answers = [
          await adminBytes('PATCH', target.path, row.bytes),
          await adminBytes('POST', `${target.path}:setIamPolicy`, row.bytes),
          await adminBytes('POST', '/v1/projects', row.bytes),
        ];
        // No body and an object without members ask for no change; the other two need more than that.
        const [patched, ...others] = answers.map((answer) => adminRefused(answer, row));
        return (
          (isEmptyDocument(row) ? takenUnchanged(answers[0]) : patched) ?? others.find((fault) => fault !== undefined)
        );
      });
      const { updateTime: _, etag: __, ...unchanged } = before;
      expect(await must('GET', target.path)).toMatchObject(unchanged);
    },
    DOOR_TIMEOUT_MS,
  );

  it(
    'passes as a description exactly where it is a strict string, and is read back as that',
    async () => {
      const taken: string[] = [];
      await eachRow(async (row) => {
        const answer = await adminBytes('PATCH', target.path, within('{"displayName":', row, '}'));
        if (answer.status !== 200) return adminRefused(answer, row);
        taken.push(row.id);
        const read = (await must('GET', target.path))['displayName'] ?? '';
        const sent: unknown = JSON.parse(new TextDecoder().decode(row.bytes));
        return read === sent ? undefined : `was read back as ${JSON.stringify(read)}`;
      });
      expect(taken).toEqual(
        expect.arrayContaining(['y_structure_lonely_string.json', 'y_structure_string_empty.json']),
      );
    },
    DOOR_TIMEOUT_MS,
  );
});

describe('the documents of an issuer', () => {
  const issuerUri = 'https://issuer.example.com';
  const rules = { loopbackAllowed: false, ownHost: 'sts.example.com' };
  const discovery = `{"issuer":"${issuerUri}","jwks_uri":"${issuerUri}/jwks"}`;
  const discovered = async (served: Uint8Array | string, jwks: Uint8Array | string): Promise<boolean> => {
    const fetcher = async (url: string): Promise<Response> =>
      new Response(url.endsWith('/jwks') ? jwks : served, { headers: { 'content-type': 'application/json' } });
    const provider = { issuerUri, allowedJwksHosts: [], maxStaleSeconds: 0 };
    const found = await discoverKeys(provider, rules, fetcher);
    if (found.ok) expect(found.value.keys.map(({ kid }) => kid)).toEqual([cluster.issuer.kid]);
    else expect(found.error).toMatch(/^The (discovery document|JWKS)/);
    return found.ok;
  };

  it('are taken when they are right', async () => {
    expect(await discovered(discovery, cluster.issuer.jwksJson)).toBe(true);
  });

  it(
    'alone bring no keys',
    () =>
      eachRow(async (row) => {
        if (await discovered(row.bytes, cluster.issuer.jwksJson)) return 'passed as discovery';
        return (await discovered(discovery, row.bytes)) ? 'passed as JWKS' : undefined;
      }),
    DOOR_TIMEOUT_MS,
  );

  it(
    'pass beside what is right exactly where they are strict JSON',
    () =>
      eachRow(async (row) => {
        const { jwksJson } = cluster.issuer;
        const asDiscovery = await discovered(within(`${discovery.slice(0, -1)},"x":`, row, '}'), jwksJson);
        const asJwks = await discovered(discovery, within(`${jwksJson.slice(0, -1)},"x":`, row, '}'));
        return verdict(asDiscovery, row, 'as discovery') ?? verdict(asJwks, row, 'as JWKS');
      }),
    DOOR_TIMEOUT_MS,
  );
});

/** Runs all, and says what was wrong with which. */
async function eachRow(judge: (row: JsonRow) => Promise<string | undefined>): Promise<void> {
  const wrong: string[] = [];
  for (const row of ROWS) {
    const startMs = Date.now();
    const fault = await judge(row);
    if (fault !== undefined) wrong.push(`${row.id} ${fault}`);
    if (Date.now() - startMs > SLOW_MS) wrong.push(`${row.id} took ${Date.now() - startMs} ms`);
  }
  expect(wrong).toEqual([]);
}

function refused(answer: Answer, row: JsonRow): string | undefined {
  const status = row.bytes.length > 40_000 ? 413 : 400;
  const isRefusal = answer.status === status && typeof answer.body['error'] === 'string';
  return isRefusal ? undefined : `answered ${answer.status} ${answer.text}`;
}

function grantedIfStrict(answer: Answer, row: JsonRow): string | undefined {
  if (answer.status !== 200) return verdict(false, row, '') ?? refused(answer, row);
  if (claimsOf(answer)['sub'] !== 'ns/shop/sa/checkout') return `made somebody else: ${answer.text}`;
  return verdict(true, row, answer.text);
}

function adminRefused(answer: Answer, row: JsonRow): string | undefined {
  const error = answer.body['error'] as { readonly code?: unknown; readonly status?: unknown } | undefined;
  const isRefusal = answer.status === 400 && error?.code === 400 && typeof error.status === 'string';
  return isRefusal ? undefined : `(${row.expect}) answered ${answer.status} ${answer.text}`;
}

function adminTakenIfStrict(answer: Answer, row: JsonRow): string | undefined {
  return (
    verdict(answer.status === 200, row, answer.text) ?? (answer.status === 200 ? undefined : adminRefused(answer, row))
  );
}

function takenUnchanged(answer: Answer | undefined): string | undefined {
  return answer?.status === 200 ? undefined : `answered ${answer?.status} ${answer?.text}`;
}

/** The suite's word on what is JSON, less what we refuse on purpose; where it leaves the choice, either will do. */
function verdict(taken: boolean, row: JsonRow, said: string): string | undefined {
  if (row.expect === 'reject' && taken) return `is no JSON and passed ${said}`;
  if (row.expect === 'parse' && taken === REFUSED_ON_PURPOSE.has(row.id))
    return `${taken ? 'passed' : 'was refused'} ${said}`;
  return undefined;
}

/** No bytes at all, or an object without members. */
function isEmptyDocument(row: JsonRow): boolean {
  const text = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(row.bytes);
  return text === '' || /^[ \t\r\n]*\{[ \t\r\n]*\}[ \t\r\n]*$/.test(text);
}

let address = 0;
/** A new one each time: whoever fails a thousand times is slowed down, and that is another test's matter. */
function from(): Record<string, string> {
  address += 1;
  return { 'cf-connecting-ip': `2001:db8:${address.toString(16)}::1` };
}

function header(): string {
  return JSON.stringify({ alg: 'ES256', kid: cluster.issuer.kid });
}

function payload(): string {
  return JSON.stringify(workloadClaims({ issuerUri: cluster.issuerUri, audience: `https:${cluster.audience}` }));
}

async function exchangeOf(head: string | Uint8Array, claims: string | Uint8Array): Promise<Answer> {
  return postToken(tokenForm(cluster.audience, await cluster.issuer.signText(head, claims)), from());
}

async function adminBytes(method: string, path: string, body: Uint8Array): Promise<Answer> {
  const headers = { authorization: `Bearer ${env.EDGE_STS_ADMIN_TOKEN ?? ''}`, 'content-type': 'application/json' };
  return call(path, { method, headers, body });
}

function within(before: string, row: JsonRow, after: string): Uint8Array<ArrayBuffer> {
  return concat(before, row.bytes, after);
}

function concat(before: string, middle: Uint8Array, after: string): Uint8Array<ArrayBuffer> {
  const [head, tail] = [new TextEncoder().encode(before), new TextEncoder().encode(after)];
  const all = new Uint8Array(head.length + middle.length + tail.length);
  all.set(head);
  all.set(middle, head.length);
  all.set(tail, head.length + middle.length);
  return all;
}

/** As the inside of a JSON string, byte by byte: what is broken UTF-8 stays so. */
function escaped(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(
    [...bytes].flatMap((byte) => {
      if (byte >= 0x20 && byte !== 0x22 && byte !== 0x5c) return [byte];
      return [...`\\u${byte.toString(16).padStart(4, '0')}`].map((character) => character.charCodeAt(0));
    }),
  );
}
