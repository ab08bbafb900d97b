/** Whatever is done to it, no 60 s hold more than the limit: isolates, restarts, limits changed, own limits set and taken away, over the real object. */
import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { SpendAlone } from '../../src/core/ports.ts';
import { createQuotaGate } from '../../src/platform/quota/gate.ts';
import type { Quota } from '../../src/platform/quota/object.ts';

const PROVIDER = 'provider:projects/1/locations/global/workloadIdentityPools/p/providers/q';
const OWN: SpendAlone = { limits: [PROVIDER] };
const T = Date.UTC(2026, 6, 1);
const WINDOW_MS = 60_000;
/** What an instance that was replaced reserved under the old limit may still be used so long (docs/design/quota-leases.md). */
const OLD_LIMIT_MS = 21_000;

/** Of each isolate's clock from the object's: any two are within the 500 ms that are promised. */
const SKEW_MS = [-200, 0, 290] as const;

interface Admission {
  readonly atMs: number;
  readonly isOwn: boolean;
}
interface Limits {
  readonly fromMs: number;
  readonly project: number;
  readonly own: number | undefined;
}

/** The largest that was in force in the window, or shortly before it. */
function largest(history: readonly Limits[], fromMs: number, limitOf: (limits: Limits) => number): number {
  const inForce = history.filter(
    ({ fromMs: began }, index) =>
      began < fromMs + WINDOW_MS && (history[index + 1]?.fromMs ?? Infinity) >= fromMs - OLD_LIMIT_MS,
  );
  return Math.max(...inForce.map(limitOf));
}

let lastNumber = 746_000_000_000;

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('burst' as const, 'own burst' as const),
      who: fc.nat(2),
      n: fc.integer({ min: 1, max: 25 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('limits' as const),
      project: fc.constantFrom(0, 3, 10, 25),
      own: fc.constantFrom(undefined, 0, 2, 8),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('evict' as const, 'abort' as const, 'new isolate' as const),
      who: fc.nat(2),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(fc.integer({ min: 50, max: 3_000 }), fc.integer({ min: 5_000, max: 40_000 })),
    }),
  },
);

it('never more than the limit that was in force, nor than an own one', async () => {
  let refused = 0;
  let admitted = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
      const number = String((lastNumber += 1));
      let nowMs = T;
      let epoch = 0;
      const history: Limits[] = [];
      const admissions: Admission[] = [];
      const stub = (): DurableObjectStub<Quota> => env.QUOTA.getByName(number);
      const setClock = (): Promise<void> =>
        runInDurableObject<Quota, void>(stub(), (instance) => {
          instance.clock = () => nowMs;
        });
      const setLimits = async (project: number, own: number | undefined): Promise<void> => {
        history.push({ fromMs: nowMs, project, own });
        await stub().advance({
          changes: [{ epoch: (epoch += 1), shards: [] }],
          limitPerMinute: project,
          ownLimits: own === undefined ? {} : { [PROVIDER]: own },
        });
      };
      const clockOf = (who: number): number => nowMs + (SKEW_MS[who] ?? 0);
      const gate = (who: number) =>
        createQuotaGate(env.QUOTA, () => clockOf(who), {
          wait: async (ms) => {
            nowMs += ms;
          },
        });
      const gates = [gate(0), gate(1), gate(2)];
      await setLimits(10, undefined);
      for (const one of steps) {
        await setClock();
        if (one.do === 'wait') nowMs += one.ms;
        else if (one.do === 'limits') await setLimits(one.project, one.own);
        else if (one.do === 'evict') await evictDurableObject(stub());
        else if (one.do === 'abort') await abortAllDurableObjects();
        else if (one.do === 'new isolate') gates[one.who] = gate(one.who);
        else if ('n' in one) {
          for (let n = 0; n < one.n; n++) {
            const permit = await gates[one.who]?.spend(number, one.do === 'burst' ? undefined : OWN);
            nowMs += 7;
            if (permit?.ok !== true) {
              refused += 1;
              if (permit?.error.denial.tag !== 'over_quota') continue;
              expect(Number.isSafeInteger(permit.error.denial.retryAfterSeconds)).toBe(true);
              expect(permit.error.denial.retryAfterSeconds).toBeGreaterThanOrEqual(1);
              expect(permit.error.denial.retryAfterSeconds).toBeLessThanOrEqual(140);
            } else if (clockOf(one.who) < permit.value.usableUntilMs) {
              admitted += 1;
              admissions.push({ atMs: clockOf(one.who), isOwn: one.do === 'own burst' });
            }
          }
        }
      }
      for (const { atMs } of admissions) {
        const inWindow = admissions.filter((one) => one.atMs >= atMs && one.atMs < atMs + WINDOW_MS);
        expect(inWindow.length).toBeLessThanOrEqual(largest(history, atMs, ({ project }) => project));
        expect(inWindow.filter(({ isOwn }) => isOwn).length).toBeLessThanOrEqual(
          largest(history, atMs, ({ own }) => own ?? Infinity),
        );
      }
    }),
    { numRuns: 40 },
  );
  expect(refused).toBeGreaterThan(100);
  expect(admitted).toBeGreaterThan(100);
}, 120_000);
