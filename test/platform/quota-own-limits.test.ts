/** Own limits over the real object: counted in one transaction with the project's unit, kept through restarts, and nobody else's affair. */
import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { SpendAlone } from '../../src/core/ports.ts';
import { createQuotaGate } from '../../src/platform/quota/gate.ts';
import type { Quota } from '../../src/platform/quota/object.ts';

type Stub = DurableObjectStub<Quota>;

const PROVIDER = 'provider:projects/1/locations/global/workloadIdentityPools/p/providers/q';
const PRINCIPAL =
  'principal:principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/s';
const BOTH: SpendAlone = { limits: [PROVIDER, PRINCIPAL] };

let lastNumber = 740_000_000_000;
async function newProject(
  ownLimits: Readonly<Record<string, number>>,
  limitPerMinute = 6_000,
): Promise<{ number: string; stub: Stub }> {
  lastNumber += 1;
  const number = String(lastNumber);
  const stub = env.QUOTA.getByName(number);
  await stub.advance({ changes: [{ epoch: 1, shards: [] }], limitPerMinute, ownLimits });
  return { number, stub };
}

/** A gate that remembers nothing: what is asked is asked of the object. */
async function outcomeOf(number: string, alone?: SpendAlone): Promise<string> {
  const outcome = await createQuotaGate(env.QUOTA, () => Date.now()).spend(number, alone);
  if (outcome.ok) return 'permit';
  const { denial } = outcome.error;
  return denial.tag === 'over_quota' ? denial.limit : denial.tag;
}

async function permits(number: string, alone: SpendAlone | undefined, atMost: number): Promise<number> {
  for (let given = 0; given < atMost; given++) if ((await outcomeOf(number, alone)) !== 'permit') return given;
  return atMost;
}

function ledgerNames(stub: Stub): Promise<readonly string[]> {
  return runInDurableObject(stub, (_instance, ctx) =>
    ctx.storage.sql
      .exec<{ name: string }>('SELECT DISTINCT name FROM ledger ORDER BY name')
      .toArray()
      .map(({ name }) => name),
  );
}

describe('a limit of its own', () => {
  it('is a cap: who is at it is refused, by its name, and everybody else goes on', async () => {
    const { number } = await newProject({ [PROVIDER]: 3 });
    expect(await permits(number, BOTH, 10)).toBe(3);
    expect(await outcomeOf(number, BOTH)).toBe('provider');
    expect(await permits(number, { limits: ['provider:another', PRINCIPAL] }, 10)).toBe(10);
    expect(await permits(number, undefined, 10)).toBe(10);
    expect(await outcomeOf(number, BOTH)).toBe('provider');
  });

  it.each([
    [{ [PROVIDER]: 5, [PRINCIPAL]: 2 }, 'principal', 2],
    [{ [PROVIDER]: 2, [PRINCIPAL]: 5 }, 'provider', 2],
    [{ [PROVIDER]: 0 }, 'provider', 0],
  ])('counts beside others, and the smallest decides: %j', async (ownLimits, full, given) => {
    const { number, stub } = await newProject(ownLimits);
    expect(await permits(number, BOTH, 10)).toBe(given);
    expect(await outcomeOf(number, BOTH)).toBe(full);
    // What was refused cost the project nothing.
    expect(await stub.usage()).toMatchObject({ countedPermits: given });
  });

  it('gives no room that the project has not, and what the project refuses costs it nothing', async () => {
    const { number, stub } = await newProject({ [PROVIDER]: 5 }, 2);
    expect(await permits(number, BOTH, 10)).toBe(2);
    expect(await outcomeOf(number, BOTH)).toBe('project');
    await stub.advance({ changes: [{ epoch: 2, shards: [] }], limitPerMinute: 100, ownLimits: { [PROVIDER]: 5 } });
    expect(await permits(number, BOTH, 10)).toBe(3);
  });

  it('stays counted through eviction and abort', async () => {
    const { number, stub } = await newProject({ [PROVIDER]: 4 });
    let given = await permits(number, BOTH, 2);
    await evictDurableObject(stub);
    given += await permits(number, BOTH, 2);
    await abortAllDurableObjects();
    given += await permits(number, BOTH, 10);
    expect(given).toBeGreaterThanOrEqual(2);
    expect(given).toBeLessThanOrEqual(4);
    expect(await outcomeOf(number, BOTH)).toBe('provider');
  });

  it('and the project are counted together or not at all', async () => {
    const { number, stub } = await newProject({ [PROVIDER]: 5 });
    const failed = await runInDurableObject<Quota, boolean>(stub, async (instance, ctx) => {
      ctx.storage.sql.exec(
        `CREATE TRIGGER full BEFORE INSERT ON ledger WHEN new.name = 'project' BEGIN SELECT RAISE(ABORT, 'disk full'); END`,
      );
      const outcome = await instance
        .spend({ asker: '', ratePerSecond: 0, settled: [], atMost: 1, limits: BOTH.limits })
        .then(
          () => false,
          () => true,
        );
      ctx.storage.sql.exec('DROP TRIGGER full');
      return outcome;
    });
    expect(failed).toBe(true);
    expect(await ledgerNames(stub)).toEqual([]);
    expect(await permits(number, BOTH, 10)).toBe(5);
  });

  it('holds for a token that is taken once, too, and a full one leaves no mark', async () => {
    const { number, stub } = await newProject({ [PROVIDER]: 1 });
    const untilSeconds = Math.floor(Date.now() / 1_000) + 600;
    const once = (key: string): SpendAlone => ({ ...BOTH, once: { key, untilSeconds } });
    expect(await outcomeOf(number, once('a'))).toBe('permit');
    expect(await outcomeOf(number, once('b'))).toBe('provider');
    await stub.advance({ changes: [{ epoch: 2, shards: [] }], limitPerMinute: 100, ownLimits: { [PROVIDER]: 2 } });
    expect(await outcomeOf(number, once('b'))).toBe('permit');
    expect(await outcomeOf(number, once('b'))).toBe('unverified');
  });

  it('that is taken away leaves nothing behind', async () => {
    const { number, stub } = await newProject({ [PROVIDER]: 2, [PRINCIPAL]: 50 });
    expect(await permits(number, BOTH, 5)).toBe(2);
    expect(await ledgerNames(stub)).toEqual([PRINCIPAL, 'project', PROVIDER]);
    await stub.advance({ changes: [{ epoch: 2, shards: [] }], limitPerMinute: 6_000, ownLimits: { [PRINCIPAL]: 50 } });
    expect(await ledgerNames(stub)).toEqual([PRINCIPAL, 'project']);
    expect(await permits(number, BOTH, 5)).toBe(5);
  });
});

describe('a refusal by a limit of its own', () => {
  it('is remembered for it alone: neither others nor leases are held back', async () => {
    const { number, stub } = await newProject({ [PROVIDER]: 1 });
    const gate = createQuotaGate(env.QUOTA, () => Date.now());
    expect((await gate.spend(number, BOTH)).ok).toBe(true);
    expect((await gate.spend(number, BOTH)).ok).toBe(false);
    await stub.advance({ changes: [{ epoch: 2, shards: [] }], limitPerMinute: 6_000, ownLimits: { [PROVIDER]: 9 } });
    // Not asked again for a while …
    expect((await gate.spend(number, BOTH)).ok).toBe(false);
    expect((await gate.spend(number, { limits: ['provider:another', PRINCIPAL] })).ok).toBe(true);
    expect((await gate.spend(number)).ok).toBe(true);
    // … unless it is known that something has changed.
    gate.drop(number);
    expect((await gate.spend(number, BOTH)).ok).toBe(true);
  });
});
