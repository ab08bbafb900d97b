/** The sentence itself, over fake ports: what is decided again, what is closed, and that every ending leaves one event. */
import { describe, expect, it } from 'vitest';
import type { ExchangeEvent } from '../../src/core/event.ts';
import { exchange, type ExchangeInput } from '../../src/core/exchange.ts';
import type { EpochNews } from '../../src/core/news.ts';
import { providerName } from '../../src/core/names.ts';
import { createPolicyCompiler } from '../../src/core/policy/cache.ts';
import { type ConfigView, ConfigUnavailable, type ExchangePorts, type SpendAlone } from '../../src/core/ports.ts';
import { err, ok } from '../../src/core/result.ts';
import { base64Url } from '../support/issuer.ts';
import { policyWorld } from '../support/policy-world.ts';
import { NOW_SECONDS, SAMPLE_NAME, sampleClaims, samplePool, sampleProvider } from '../support/core-samples.ts';

const TOKEN = [
  JSON.stringify({ alg: 'ES256', kid: 'k1' }),
  JSON.stringify(sampleClaims({ jti: 'token-1' })),
  'signature',
]
  .map(base64Url)
  .join('.');
const INPUT: ExchangeInput = {
  requestId: 'r1',
  address: '192.0.2.1',
  subjectToken: TOKEN,
  provider: SAMPLE_NAME,
  resource: undefined,
  scopes: [],
};

const PROJECT = policyWorld({ bindings: [], roleIds: [] }).project;

interface World {
  /** Is a view that was opened as the n-th still current? */
  readonly current?: (view: number) => boolean;
  readonly disabled?: (view: number) => boolean;
  readonly singleUse?: (view: number) => boolean;
  /** The expression for the subject, of a provider that is no cluster. */
  readonly subject?: (view: number) => string;
  /** Whose limit is his own. */
  readonly limited?: (view: number) => readonly string[];
  readonly ports?: Partial<ExchangePorts>;
}

async function run(
  world: World = {},
): Promise<{ outcome: string; views: number; events: ExchangeEvent[]; asked: string[] }> {
  let views = 0;
  const events: ExchangeEvent[] = [];
  const asked: string[] = [];
  const news: EpochNews = { epoch: 5, recent: [] };
  const ports: ExchangePorts = {
    publicOrigin: 'https://sts.example.com',
    compiler: createPolicyCompiler(10),
    nowMs: () => NOW_SECONDS * 1_000,
    newTokenId: () => 'id-1',
    openConfig: () => view((views += 1)),
    newsBeforeRefusal: async (_project, who) => {
      asked.push(who);
      return ok(news);
    },
    discoveredKeys: async () => err({ tag: 'unavailable', dependency: 'issuer_keys' }),
    verifySignature: async () => true,
    askAws: async () => err({ tag: 'unavailable', dependency: 'aws_sts' }),
    reviewToken: async () => ok(undefined),
    spend: async () => ok({ news, usableUntilMs: NOW_SECONDS * 1_000 + 1_500 }),
    sign: async () => ok({ jwt: 'signed' }),
    failures: { blockedForSeconds: () => undefined, recordFailure: async () => undefined },
    record: (event) => void events.push(event),
    remember: () => undefined,
    recordPush: () => undefined,
    ...world.ports,
  };

  function view(number: number): ConfigView {
    return {
      project: async () => ({ ...PROJECT, ownLimitKeys: world.limited?.(number) ?? [] }),
      pool: async () => ({ pool: samplePool() }),
      provider: async () => ({
        provider: sampleProvider({
          disabled: world.disabled?.(number) ?? false,
          ...(world.singleUse?.(number) === true ? { singleUse: true } : {}),
          ...(world.subject === undefined
            ? {}
            : { kind: 'oidc', attributeMapping: { 'google.subject': world.subject(number) } }),
        }),
      }),
      target: async () => undefined,
      serviceAccount: async () => undefined,
      aws: async () => undefined,
      currentAt: () => world.current?.(number) ?? true,
    };
  }

  const { issued: result } = await exchange(INPUT, ports);
  return { outcome: result.ok ? result.value.accessToken : result.error.tag, views, events, asked };
}

describe('a grant', () => {
  it('from a current view is minted at once', async () => {
    const { outcome, views, events } = await run();
    expect([outcome, views]).toEqual(['signed', 1]);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ outcome: 'granted', admittedAtMs: NOW_SECONDS * 1_000, tokenId: 'id-1' });
  });

  it('from a view that the news overtook is decided again before anything is minted', async () => {
    expect(await run({ current: (number) => number > 1 })).toMatchObject({ outcome: 'signed', views: 2 });
    expect(await run({ current: (number) => number > 1, disabled: (number) => number > 1 })).toMatchObject({
      outcome: 'disabled',
    });
  });

  it('is not made where even the second view is behind: closed', async () => {
    expect(await run({ current: () => false })).toMatchObject({ outcome: 'unavailable', views: 2 });
  });

  it('is not made from a permit whose time is over', async () => {
    const late = ok({ news: { epoch: 5, recent: [] }, usableUntilMs: NOW_SECONDS * 1_000 });
    const { outcome, events } = await run({ ports: { spend: async () => late } });
    expect(outcome).toBe('unavailable');
    expect(events[0]?.admittedAtMs).toBeUndefined();
  });

  it('is not made without a signature', async () => {
    const away = err({ tag: 'unavailable', dependency: 'key_ring' } as const);
    expect(await run({ ports: { sign: async () => away } })).toMatchObject({ outcome: 'unavailable' });
  });

  it('of more than 8 KiB is foreseen: no permit is spent, and the newest configuration has the last word', async () => {
    let spent = 0;
    const spend = async () => {
      spent += 1;
      return err({ denial: { tag: 'unavailable', dependency: 'quota' } } as const);
    };
    const publicOrigin = `https://sts.example.com/${'x'.repeat(8_192)}`;
    expect(await run({ ports: { spend, publicOrigin } })).toMatchObject({
      outcome: 'token_too_large',
      views: 1,
      asked: ['verified'],
    });
    expect(spent).toBe(0);
  });

  it('of more than 8 KiB is not made', async () => {
    expect(await run({ ports: { sign: async () => ok({ jwt: 'x'.repeat(8_193) }) } })).toMatchObject({
      outcome: 'token_too_large',
    });
    expect((await run({ ports: { sign: async () => ok({ jwt: 'x'.repeat(8_192) }) } })).outcome).toHaveLength(8_192);
  });
});

describe('a refusal', () => {
  it('from a view that the news overtook is decided again; the next word is final', async () => {
    expect(await run({ disabled: (number) => number === 1, current: (number) => number > 1 })).toMatchObject({
      outcome: 'signed',
    });
    expect(await run({ disabled: () => true })).toMatchObject({ outcome: 'disabled', views: 1, asked: ['stranger'] });
  });

  it('of a token that holds is asked for in the name of somebody verified', async () => {
    const overQuota = err({ denial: { tag: 'over_quota', limit: 'project', retryAfterSeconds: 3 } } as const);
    expect(await run({ ports: { spend: async () => overQuota } })).toMatchObject({ outcome: 'over_quota', asked: [] });
  });

  it('over quota gives way to what the news brought: disabled is disabled', async () => {
    const overQuota = err({
      denial: { tag: 'over_quota', limit: 'project', retryAfterSeconds: 3 },
      news: { epoch: 5, recent: [] },
    } as const);
    const world: World = { current: (number) => number > 1, ports: { spend: async () => overQuota } };
    expect(await run({ ...world, disabled: (number) => number > 1 })).toMatchObject({ outcome: 'disabled' });
    expect(await run(world)).toMatchObject({ outcome: 'over_quota' });
  });

  it('is not said where nobody can tell whether it is right: closed', async () => {
    const away = err({ tag: 'unavailable', dependency: 'quota' } as const);
    const world: World = { disabled: () => true, ports: { newsBeforeRefusal: async () => away } };
    expect(await run(world)).toMatchObject({ outcome: 'unavailable' });
  });

  it('of an address that keeps failing is slow_down, and asks nobody', async () => {
    const failures: ExchangePorts['failures'] = { blockedForSeconds: () => 7, recordFailure: async () => undefined };
    expect(await run({ disabled: () => true, ports: { failures } })).toMatchObject({
      outcome: 'too_many_failures',
      asked: [],
    });
    expect(await run({ ports: { failures } })).toMatchObject({ outcome: 'signed' });
  });
});

describe('a permit', () => {
  const LIMITS = [
    `provider:${providerName(SAMPLE_NAME)}`,
    `principal:principal://iam.googleapis.com/projects/${SAMPLE_NAME.projectNumber}/locations/global/workloadIdentityPools/${SAMPLE_NAME.poolId}/subject/ns/shop/sa/checkout`,
  ];
  const news: EpochNews = { epoch: 5, recent: [] };

  /** What was asked of the quota, in order. */
  async function asksOf(world: World): Promise<readonly (SpendAlone | undefined)[]> {
    const asks: (SpendAlone | undefined)[] = [];
    const spend: ExchangePorts['spend'] = async (_project, alone) => {
      asks.push(alone);
      return ok({ news, usableUntilMs: NOW_SECONDS * 1_000 + 1_500 });
    };
    expect(await run({ ...world, ports: { spend } })).toMatchObject({ outcome: 'signed' });
    return asks;
  }

  it('comes from whatever the isolate holds where nobody but the project has a limit', async () => {
    expect(await asksOf({ limited: () => ['provider:another', `${LIMITS[1]}x`] })).toEqual([undefined]);
  });

  it.each(LIMITS)('is asked for alone, in every limit that may be there, where there is %s', async (limit) => {
    expect(await asksOf({ limited: () => [limit] })).toEqual([{ limits: LIMITS }]);
  });

  it('is asked for anew where a limit of its own turns out to be set', async () => {
    const late: World = { current: (view) => view > 1, limited: (view) => (view > 1 ? LIMITS : []) };
    expect(await asksOf(late)).toEqual([undefined, { limits: LIMITS }]);
  });

  it('is asked for anew where he who is limited turns out to go by another name', async () => {
    const subject = (view: number): string => (view > 1 ? "'renamed'" : "'before'");
    const late: World = { current: (view) => view > 1, limited: () => LIMITS.slice(0, 1), subject };
    const named = (name: string): RegExp => new RegExp(`^principal:.*/subject/${name}$`);
    expect(await asksOf(late)).toEqual([
      { limits: [LIMITS[0], expect.stringMatching(named('before'))] },
      { limits: [LIMITS[0], expect.stringMatching(named('renamed'))] },
    ]);
  });

  it('is asked for anew, with the mark, where single use turns out to be on: also by who asked alone before', async () => {
    const once = { key: expect.any(String), untilSeconds: expect.any(Number) };
    const late: World = { current: (view) => view > 1, singleUse: (view) => view > 1 };
    expect(await asksOf(late)).toEqual([undefined, { limits: LIMITS, once }]);
    expect(await asksOf({ ...late, limited: () => LIMITS })).toEqual([{ limits: LIMITS }, { limits: LIMITS, once }]);
    // Never twice: the mark that the first asking left would make a replay of the second.
    const subject = (view: number): string => `'by the view ${view}'`;
    expect(await asksOf({ ...late, limited: () => LIMITS, singleUse: () => true, subject })).toHaveLength(1);
  });
});

describe('whatever is thrown', () => {
  it.each([
    [new ConfigUnavailable('nobody answers'), 'unavailable', 'configuration'],
    [new TypeError('with a token in its message'), 'internal', 'TypeError'],
    ['not even an error', 'internal', 'unknown'],
  ])('%s ends as a refusal with one event that quotes nothing', async (fault, tag, check) => {
    const openConfig = (): ConfigView => {
      throw fault;
    };
    const { outcome, events } = await run({ ports: { openConfig } });
    expect(outcome).toBe(tag);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ reason: tag, check });
    expect(JSON.stringify({ ...events[0], rawSubjectToken: '' })).not.toContain('message');
  });
});
