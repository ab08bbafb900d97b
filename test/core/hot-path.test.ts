/** What an exchange costs in policy work, counted: nothing is parsed twice, and only bindings that can match are looked at. */
import * as cel from '@bufbuild/cel';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { exchange, type ExchangeInput } from '../../src/core/exchange.ts';
import { createPolicyCompiler, type PolicyCompiler } from '../../src/core/policy/cache.ts';
import type { ConfigView, ExchangePorts } from '../../src/core/ports.ts';
import type { Binding, Policy, Shards } from '../../src/core/resources.ts';
import { err, ok } from '../../src/core/result.ts';
import { NOW_SECONDS, SAMPLE_NAME, sampleClaims, samplePool, sampleProvider } from '../support/core-samples.ts';
import { base64Url } from '../support/issuer.ts';
import { policyWorld } from '../support/policy-world.ts';

vi.mock(import('@bufbuild/cel'), { spy: true });

const TARGETS = 66;
const BINDINGS_OF_ONE = 1_500;
const POOL = `iam.googleapis.com/projects/${SAMPLE_NAME.projectNumber}/locations/global/workloadIdentityPools/${SAMPLE_NAME.poolId}`;
const ME = `principal://${POOL}/subject/ns/shop/sa/checkout`;

/** 99,000 bindings on targets and 1,500 on the project, each with a condition of its own; two on each policy are the caller's. */
function bigPolicy(name: string): Policy {
  const bindings = Array.from({ length: BINDINGS_OF_ONE }, (_, index): Binding => {
    const mine = index === 700 || index === 1_400;
    return {
      role: `projects/demo/roles/${index === 1_400 ? 'writer' : 'reader'}`,
      members: [mine ? ME : `principal://${POOL}/subject/ns/${name}/sa/w-${index}`],
      condition: { expression: `request.time > timestamp("2020-01-01T00:00:00Z") && "${name}" != "${index}"` },
    };
  });
  return { version: 3, revision: 1, bindings };
}

const { project, target } = policyWorld({ bindings: [], roleIds: ['reader', 'writer'] });
const targets = new Map(
  Array.from({ length: TARGETS }, (_, index): [string, Shards['target']] => {
    const targetId = `t-${index}`;
    const row = { ...target.target, targetId, uri: `https://${targetId}.example.com` };
    return [targetId, { target: row, policy: bigPolicy(targetId) }];
  }),
);
const bigProject: Shards['project'] = {
  ...project,
  policy: bigPolicy('project'),
  targetIdByUri: Object.fromEntries([...targets].map(([targetId, { target: row }]) => [row.uri, targetId])),
};
const provider = sampleProvider({ attributeCondition: 'assertion.sub.startsWith("system:")' });

const view: ConfigView = {
  project: async () => bigProject,
  pool: async () => ({ pool: samplePool() }),
  provider: async () => ({ provider }),
  target: async (targetId) => targets.get(targetId),
  serviceAccount: async () => undefined,
  aws: async () => undefined,
  currentAt: () => true,
};

const asked: string[] = [];
const real = createPolicyCompiler(2_000);
const compiler: PolicyCompiler = {
  condition: (source, scope) => {
    asked.push(source);
    return real.condition(source, scope);
  },
  mapping: (source) => real.mapping(source),
};

const TOKEN = [JSON.stringify({ alg: 'ES256', kid: 'k1' }), JSON.stringify(sampleClaims()), 'signature']
  .map(base64Url)
  .join('.');

async function ask(targetId: string): Promise<string> {
  const news = { epoch: 1, recent: [] };
  const ports: ExchangePorts = {
    publicOrigin: 'https://sts.example.com',
    compiler,
    nowMs: () => NOW_SECONDS * 1_000,
    newTokenId: () => 'id',
    openConfig: () => view,
    newsBeforeRefusal: async () => ok(news),
    discoveredKeys: async () => err({ tag: 'unavailable', dependency: 'issuer_keys' }),
    verifySignature: async () => true,
    askAws: async () => err({ tag: 'unavailable', dependency: 'aws_sts' }),
    reviewToken: async () => ok(undefined),
    spend: async () => ok({ news, usableUntilMs: NOW_SECONDS * 1_000 + 1_000 }),
    sign: async () => ok({ jwt: 'signed' }),
    failures: { blockedForSeconds: () => undefined, recordFailure: async () => undefined },
    record: () => undefined,
    recordPush: () => undefined,
    remember: () => undefined,
  };
  const input: ExchangeInput = {
    requestId: 'r',
    address: 'a',
    subjectToken: TOKEN,
    provider: SAMPLE_NAME,
    resource: `https://${targetId}.example.com`,
    scopes: [],
  };
  const { issued: result } = await exchange(input, ports);
  return result.ok ? result.value.accessToken : result.error.tag;
}

beforeEach(() => {
  asked.length = 0;
  vi.mocked(cel.parse).mockClear();
  vi.mocked(cel.plan).mockClear();
});

describe('with 100,500 bindings in one project', () => {
  it('an exchange asks for the conditions of the few that name its caller, and for none of the others', async () => {
    expect(await ask('t-3')).toBe('signed');
    const mine = ['t-3', 'project'].flatMap((name) => [700, 1_400].map((index) => `"${name}" != "${index}"`));
    const others = asked.filter((source) => !mine.some((text) => source.endsWith(text)));
    expect(others).toEqual([provider.attributeCondition]);
    expect(asked).toHaveLength(1 + mine.length);
  });

  it('is parsed and planned once, when it is first met, and never again', async () => {
    expect(await ask('t-5')).toBe('signed');
    // The provider's condition and the project's two were met before, the target's own two are new.
    expect(vi.mocked(cel.parse).mock.calls.length).toBeGreaterThan(0);
    vi.mocked(cel.parse).mockClear();
    vi.mocked(cel.plan).mockClear();
    for (let round = 0; round < 50; round += 1) expect(await ask('t-5')).toBe('signed');
    expect(cel.parse).not.toHaveBeenCalled();
    expect(cel.plan).not.toHaveBeenCalled();
  });
});
