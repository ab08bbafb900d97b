/** Single use over the real object: mark and unit together or not at all, one admission whatever is lost on the way, and nothing kept for ever. */
import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { OnceMarker, SpendAlone } from '../../src/core/ports.ts';
import type { SpendAnswer, SpendAsk } from '../../src/core/quota/spend.ts';
import type { QuotaObjects } from '../../src/platform/quota/asking.ts';
import { createQuotaGate, type QuotaGate } from '../../src/platform/quota/gate.ts';
import type { Quota } from '../../src/platform/quota/object.ts';

type Stub = DurableObjectStub<Quota>;

const REPLAY = { ok: false, error: { denial: { tag: 'unverified', check: 'replay' }, news: { epoch: 1 } } };
const gate = createQuotaGate(env.QUOTA, () => Date.now());

let lastNumber = 720_000_000_000;
async function newProject(limitPerMinute = 6_000): Promise<{ number: string; stub: Stub }> {
  lastNumber += 1;
  const number = String(lastNumber);
  const stub = env.QUOTA.getByName(number);
  await stub.advance({ changes: [{ epoch: 1, shards: ['target:t'] }], limitPerMinute });
  return { number, stub };
}

const alone = (once: OnceMarker): SpendAlone => ({ limits: [], once });

/** The mark of a token that lives an hour. */
function marker(livesSeconds = 3_600): OnceMarker {
  const key = `projects/1/locations/global/workloadIdentityPools/p/providers/q ${crypto.randomUUID()}`;
  return { key, untilSeconds: Math.floor(Date.now() / 1_000) + livesSeconds };
}

function setClock(stub: Stub, nowMs: number): Promise<void> {
  return runInDurableObject<Quota, void>(stub, (instance) => {
    instance.clock = () => nowMs;
  });
}

async function countedPermits(stub: Stub): Promise<number> {
  return (await stub.usage()).countedPermits;
}

function reservedPermits(stub: Stub): Promise<number> {
  return runInDurableObject(
    stub,
    (_instance, ctx) => ctx.storage.sql.exec<{ n: number }>('SELECT sum(reserved) AS n FROM ledger').one().n,
  );
}

function marksOf(stub: Stub): Promise<Record<string, unknown>[]> {
  return runInDurableObject(stub, (_instance, ctx) =>
    ctx.storage.sql.exec('SELECT * FROM taken_token ORDER BY until_ms').toArray(),
  );
}

/** The real objects behind a network that loses answers, after the object has done its work; `onLoss` runs before the asker hears of it. */
function losing(answersToLose: number, onLoss: () => Promise<void> = async () => undefined): QuotaObjects {
  let left = answersToLose;
  return {
    getByName(name) {
      const stub = env.QUOTA.getByName(name);
      return {
        async spend(asked: SpendAsk): Promise<SpendAnswer> {
          const answer = await stub.spend(asked);
          if (left <= 0) return answer;
          left -= 1;
          await onLoss();
          throw Object.assign(new Error('Network connection lost.'), { retryable: true });
        },
        news: () => stub.news(),
        usage: () => stub.usage(),
        ping: () => stub.ping(),
      };
    },
  };
}

describe('a token that is taken once', () => {
  it('is admitted once; after that it is a replay that costs nothing and carries the news', async () => {
    const { number, stub } = await newProject();
    const once = marker();
    expect(await gate.spend(number, alone(once))).toMatchObject({ ok: true, value: { news: { epoch: 1 } } });
    expect(await gate.spend(number, alone(once))).toMatchObject(REPLAY);
    expect(await gate.spend(number, alone(once))).toMatchObject(REPLAY);
    expect(await gate.spend(number, alone(marker()))).toMatchObject({ ok: true });
    expect(await countedPermits(stub)).toBe(2);
  });

  it('has exactly one winner among 20 at once, each with a gate of his own', async () => {
    const { number, stub } = await newProject();
    const once = marker();
    const gates = Array.from({ length: 20 }, () => createQuotaGate(env.QUOTA, () => Date.now()));
    const outcomes = await Promise.all(gates.map(async (one) => one.spend(number, alone(once))));
    expect(outcomes.filter((outcome) => outcome.ok).length).toBe(1);
    for (const outcome of outcomes.filter(({ ok }) => !ok)) expect(outcome).toMatchObject(REPLAY);
    expect(await countedPermits(stub)).toBe(1);
  });

  it('is told apart by its key alone: another provider with the same jti, another jti of the same provider', async () => {
    const { number } = await newProject();
    const once = marker();
    for (const key of [once.key, `${once.key}x`, once.key.replace('providers/q', 'providers/r')]) {
      expect(await gate.spend(number, alone({ ...once, key }))).toMatchObject({ ok: true });
    }
  });

  it('stays taken through eviction, abort and a project that has become full', async () => {
    const { number, stub } = await newProject(2);
    const once = marker();
    expect((await gate.spend(number, alone(once))).ok).toBe(true);
    await evictDurableObject(stub);
    expect(await gate.spend(number, alone(once))).toMatchObject(REPLAY);
    await abortAllDurableObjects();
    expect(await gate.spend(number, alone(once))).toMatchObject(REPLAY);
    expect((await gate.spend(number)).ok).toBe(true);
    expect(await gate.spend(number)).toMatchObject({ ok: false, error: { denial: { tag: 'over_quota' } } });
    expect(await gate.spend(number, alone(once))).toMatchObject(REPLAY);
  });

  it('leaves a hash and a nonce behind, not its jti', async () => {
    const { number, stub } = await newProject();
    const once = marker();
    await gate.spend(number, alone(once));
    const [mark] = await marksOf(stub);
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(once.key));
    const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    expect(mark).toMatchObject({ key_hash: hex, until_ms: once.untilSeconds * 1_000 + 60_000 });
    expect(JSON.stringify(mark)).not.toContain(once.key.split(' ')[1]);
  });

  it('works in an object that was made before tokens could be taken once', async () => {
    const { number, stub } = await newProject();
    const tables = await runInDurableObject(stub, (_instance, ctx) =>
      ctx.storage.sql.exec(`SELECT name FROM sqlite_master WHERE name = 'taken_token'`).toArray(),
    );
    expect(tables).toEqual([]);
    const once = marker();
    expect((await gate.spend(number, alone(once))).ok).toBe(true);
    expect(await gate.spend(number, alone(once))).toMatchObject(REPLAY);
  });
});

describe('over quota', () => {
  it('leaves no mark: the same token is taken when there is room', async () => {
    const { number, stub } = await newProject(0);
    const once = marker();
    expect(await gate.spend(number, alone(once))).toMatchObject({
      ok: false,
      error: { denial: { tag: 'over_quota' } },
    });
    expect(await marksOf(stub)).toEqual([]);
    await stub.advance({ changes: [{ epoch: 2, shards: [] }], limitPerMinute: 1 });
    // The refusal is remembered where it was heard, until something is known to have changed.
    expect((await gate.spend(number, alone(once))).ok).toBe(false);
    gate.drop(number);
    expect((await gate.spend(number, alone(once))).ok).toBe(true);
  });
});

describe('an answer that is lost after the object did its work', () => {
  it('is asked for again: one admission, one unit, and no honest first use is called a replay', async () => {
    const { number, stub } = await newProject();
    await setClock(stub, Date.now());
    const once = marker();
    const lossy = createQuotaGate(losing(1), () => Date.now());
    expect(await lossy.spend(number, alone(once))).toMatchObject({ ok: true });
    expect(await countedPermits(stub)).toBe(1);
    expect(await gate.spend(number, alone(once))).toMatchObject(REPLAY);
  });

  it('is found again by a new instance, too', async () => {
    const { number, stub } = await newProject();
    const once = marker();
    const startMs = Date.now();
    await setClock(stub, startMs);
    let counted = 0;
    const crash = async (): Promise<void> => {
      await evictDurableObject(stub);
      await setClock(env.QUOTA.getByName(number), startMs + 100);
      // What was reserved, all of it.
      counted = await countedPermits(env.QUOTA.getByName(number));
    };
    const crashing = createQuotaGate(losing(1, crash), () => startMs);
    expect(await crashing.spend(number, alone(once))).toMatchObject({ ok: true });
    expect(await countedPermits(env.QUOTA.getByName(number))).toBe(counted);
    expect(await gate.spend(number, alone(once))).toMatchObject(REPLAY);
  });

  it('for each of 20 at once still leaves exactly one winner and one unit', async () => {
    const { number, stub } = await newProject();
    await setClock(stub, Date.now());
    const once = marker();
    const gates = Array.from({ length: 20 }, () => createQuotaGate(losing(1), () => Date.now()));
    const outcomes = await Promise.all(gates.map(async (one) => one.spend(number, alone(once))));
    expect(outcomes.filter((outcome) => outcome.ok).length).toBe(1);
    for (const outcome of outcomes.filter(({ ok }) => !ok)) expect(outcome).toMatchObject(REPLAY);
    expect(await countedPermits(stub)).toBe(1);
  });

  it('gives a permit that lives from its grant, not from the second asking', async () => {
    const { number, stub } = await newProject();
    const startMs = Date.now();
    let nowMs = startMs;
    await setClock(stub, startMs);
    const later = async (): Promise<void> => {
      nowMs = startMs + 900;
      await setClock(stub, nowMs);
    };
    const lossy = createQuotaGate(losing(1, later), () => nowMs);
    const outcome = await lossy.spend(number, alone(marker()));
    expect(outcome).toMatchObject({ ok: true, value: { usableUntilMs: startMs + 2_000 - 500 } });
    expect(await countedPermits(stub)).toBe(1);
  });

  it('too long ago costs a second unit, and is still the same use', async () => {
    const { number, stub } = await newProject();
    const once = marker();
    const startMs = Date.now();
    let nowMs = startMs;
    await setClock(stub, startMs);
    const muchLater = async (): Promise<void> => {
      nowMs = startMs + 1_400;
      await setClock(stub, nowMs);
    };
    const lossy = createQuotaGate(losing(1, muchLater), () => nowMs);
    expect(await lossy.spend(number, alone(once))).toMatchObject({ ok: true, value: { usableUntilMs: nowMs + 1_500 } });
    expect(await countedPermits(stub)).toBe(2);
    expect(await gate.spend(number, alone(once))).toMatchObject(REPLAY);
  });

  it('twice is no permit: closed, and the token stays taken', async () => {
    const { number, stub } = await newProject();
    const once = marker();
    const dead = createQuotaGate(losing(2), () => Date.now());
    const closed = { ok: false, error: { denial: { tag: 'unavailable', dependency: 'quota' } } };
    expect(await dead.spend(number, alone(once))).toEqual(closed);
    expect(await countedPermits(stub)).toBe(1);
    expect(await gate.spend(number, alone(once))).toMatchObject(REPLAY);
  });
});

describe('closed', () => {
  it('where the object is away: a token that cannot be marked is not taken', async () => {
    const away: QuotaObjects = {
      getByName() {
        throw Object.assign(new Error('Durable Object is overloaded.'), { overloaded: true });
      },
    };
    const denial = { tag: 'unavailable', dependency: 'quota' };
    expect(await createQuotaGate(away, () => Date.now()).spend('1', alone(marker()))).toEqual({
      ok: false,
      error: { denial },
    });
  });

  it.each([
    ['the mark', 'taken_token'],
    ['the unit', 'ledger'],
  ])('where %s cannot be written: neither is, and the token is still good', async (_what, table) => {
    const { number, stub } = await newProject();
    expect((await gate.spend(number, alone(marker()))).ok).toBe(true);
    const once = marker();
    await setTrigger(stub, `CREATE TRIGGER full BEFORE INSERT ON ${table} BEGIN SELECT RAISE(ABORT, 'disk full'); END`);
    const reserved = await reservedPermits(stub);
    expect(await failsInside(stub, once)).toBe(true);
    expect(await reservedPermits(stub)).toBe(reserved);
    // Nothing that failed stays in memory: what counts is what the rows say.
    expect(await countedPermits(stub)).toBe(reserved);
    await setTrigger(stub, 'DROP TRIGGER full');
    expect((await marksOf(stub)).length).toBe(1);
    expect((await gate.spend(number, alone(once))).ok).toBe(true);
    expect(await countedPermits(stub)).toBe(reserved + 1);
  });

  function setTrigger(stub: Stub, sql: string): Promise<void> {
    return runInDurableObject(stub, (_instance, ctx) => {
      ctx.storage.sql.exec(sql);
    });
  }

  function failsInside(stub: Stub, { key }: OnceMarker): Promise<boolean> {
    return runInDurableObject<Quota, boolean>(stub, (instance) =>
      instance
        .spend({
          asker: '',
          ratePerSecond: 0,
          settled: [],
          atMost: 1,
          once: { keyHash: key.padEnd(64).slice(0, 64), untilMs: Date.now() + 60_000, nonce: 'n' },
        })
        .then(
          () => false,
          () => true,
        ),
    );
  }
});

describe('marks', () => {
  it('go once their tokens are dead by themselves and a minute more, a few a call', async () => {
    const { number, stub } = await newProject(1_000);
    const startMs = Date.now();
    let nowMs = startMs;
    const timed: QuotaGate = createQuotaGate(env.QUOTA, () => nowMs);
    await setClock(stub, nowMs);
    const untilSeconds = Math.floor(startMs / 1_000) + 600;
    for (let i = 0; i < 20; i++) await timed.spend(number, alone({ key: `dead ${i}`, untilSeconds }));
    await timed.spend(number, alone({ key: 'alive', untilSeconds: untilSeconds + 3_000 }));

    nowMs = untilSeconds * 1_000 + 59_999;
    await setClock(stub, nowMs);
    expect(await timed.spend(number, alone({ key: 'dead 0', untilSeconds }))).toMatchObject(REPLAY);
    await timed.spend(number, alone(marker(7_200)));
    expect((await marksOf(stub)).length).toBe(22);

    nowMs += 1;
    await setClock(stub, nowMs);
    const left: number[] = [];
    for (let i = 0; i < 4; i++) {
      await timed.spend(number, alone(marker(7_200)));
      left.push((await marksOf(stub)).length);
    }
    expect(left).toEqual([15, 8, 5, 6]);
    expect(await timed.spend(number, alone({ key: 'alive', untilSeconds }))).toMatchObject(REPLAY);
  });

  it('are not written for exchanges without one', async () => {
    const { number, stub } = await newProject();
    expect((await gate.spend(number)).ok).toBe(true);
    const tables = await runInDurableObject(stub, (_instance, ctx) =>
      ctx.storage.sql.exec(`SELECT name FROM sqlite_master WHERE name LIKE 'taken%'`).toArray(),
    );
    expect(tables).toEqual([]);
  });
});
