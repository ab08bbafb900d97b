/**
 * KV as the worst day would have it: stale, lost, altered, swapped, replayed and throwing, at random, under isolates that come and go. Never
 * a wrong acceptance, and the service goes on from memory and the objects. The seed is said where it fails.
 */
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createBroker } from '../../src/worker.ts';
import {
  addCluster,
  addRole,
  addTarget,
  administerThrough,
  claimsOf,
  createProject,
  type Fetch,
  member,
  must,
  postToken,
  setPolicy,
  tokenForm,
} from '../support/broker.ts';
import { aheadClock } from '../support/clock.ts';

const HABITS = ['honest', 'stale', 'oldest', 'lost', 'altered', 'swapped', 'garbage', 'empty', 'throws'] as const;
type Habit = (typeof HABITS)[number];

/** All that was ever read of each key, shared by all isolates: what somebody who can write KV has kept. */
const kept = new Map<string, string[]>();
const tampered = new Set<Habit>();

function hostileKv(habitOf: (read: number) => Habit): KVNamespace {
  let reads = 0;
  return new Proxy(env.CACHE, {
    get(kv, property) {
      const real: unknown = Reflect.get(kv, property);
      if (typeof real !== 'function') return real;
      if (property !== 'get') return real.bind(kv) as unknown;
      return async (key: string, ...rest: unknown[]): Promise<unknown> => {
        const value: unknown = await Reflect.apply(real, kv, [key, ...rest]);
        const seen = kept.get(key) ?? [];
        if (typeof value === 'string' && seen.at(-1) !== value) kept.set(key, [...seen, value]);
        reads += 1;
        return tamper(habitOf(reads), key, value);
      };
    },
  });
}

function tamper(habit: Habit, key: string, value: unknown): unknown {
  const versions = kept.get(key) ?? [];
  const others = [...kept].filter(([other]) => other !== key && other.split(':')[0] === key.split(':')[0]);
  tampered.add(habit);
  switch (habit) {
    case 'honest':
      return value;
    case 'stale':
      return versions.at(-2) ?? value;
    case 'oldest':
      return versions[0] ?? value;
    case 'lost':
      return null;
    case 'altered':
      return typeof value === 'string'
        ? value.replace('"disabled":true', '"disabled":false').replace(/\d(?=\D*$)/, '7')
        : value;
    case 'swapped':
      return others.at(-1)?.[1].at(-1) ?? [...kept.values()][0]?.[0] ?? value;
    case 'garbage':
      return '{"v":1,"body":';
    case 'empty':
      return '';
    case 'throws':
      throw new Error('KV GET failed: 503 Service Unavailable');
  }
}

const habits = fc.array(fc.constantFrom(...HABITS), { minLength: 1, maxLength: 12 });
const step = fc.constantFrom(
  'bind',
  'unbind',
  'disable',
  'enable',
  'swap keys',
  'new isolate',
  'ask',
  'ask',
  'ask',
  'ask other',
);

it('decides every exchange as the authority would, whatever KV says: at once where it was changed, elsewhere a lease later', async () => {
  const clock = aheadClock();
  const project = await createProject();
  const role = await addRole(project);
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 6, maxLength: 24 }),
      fc.array(habits, { minLength: 2, maxLength: 2 }),
      async (steps, ways) => {
        const [cluster, target] = [await addCluster(project), await addTarget(project)];
        const stranger = await addCluster(project);
        const isolate = (way: number): Fetch => {
          const list = ways[way] ?? [];
          const bound: Env = { ...env, CACHE: hostileKv((read) => list[read % list.length] ?? 'honest') };
          const broker = createBroker(bound);
          return async (request) => broker.fetch(request, bound);
        };
        const isolates = [isolate(0), isolate(1)];
        const truth = { bound: false, enabled: true, keys: cluster };
        let turn = 0;
        for (const one of steps) {
          if (one === 'new isolate') isolates[turn % 2] = isolate(turn % 2);
          turn += 1;
          // Whoever is asked next made the change; when the other's turn comes, the longest lease is over.
          const edge = isolates[turn % 2];
          administerThrough(edge);
          clock.ahead(10_000);
          if (one === 'bind' || one === 'unbind') {
            truth.bound = one === 'bind';
            const members = [member(project, cluster.pool, 'subject/ns/shop/sa/checkout')];
            await setPolicy(target.path, truth.bound ? [{ role, members }] : []);
          } else if (one === 'disable' || one === 'enable') {
            truth.enabled = one === 'enable';
            await must('PATCH', `/v1/${cluster.name}?updateMask=disabled`, { disabled: !truth.enabled });
          } else if (one === 'swap keys') {
            truth.keys = truth.keys === cluster ? stranger : cluster;
            const { clusterUri, issuerUri } = cluster;
            const { jwksJson } = truth.keys.issuer;
            await must('PATCH', `/v1/${cluster.name}?updateMask=kubernetes`, {
              kubernetes: { clusterUri, issuerUri, jwksJson },
            });
          }
          // Signed by one of two keys, of which the provider knows one at a time.
          const signer = one === 'ask other' ? stranger : cluster;
          const token = await signer.issuer.sign(JSON.parse(payloadOf(await cluster.token())) as object);
          const form = tokenForm(cluster.audience, token, { resource: target.uri });
          const answer = await postToken(form, { 'cf-connecting-ip': `192.0.2.${turn}` }, edge);
          const right = truth.bound && truth.enabled && truth.keys === signer;
          expect([one, answer.status, answer.text]).toEqual([one, right ? 200 : 400, answer.text]);
          if (right) expect(claimsOf(answer)).toMatchObject({ aud: target.uri, sub: 'ns/shop/sa/checkout' });
        }
      },
    ),
    { numRuns: 25, endOnFailure: true },
  );
  clock.restore();
  administerThrough();
  expect([...tampered].toSorted()).toEqual([...HABITS].toSorted());
}, 180_000);

function payloadOf(token: string): string {
  return atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'));
}
