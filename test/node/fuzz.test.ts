/** A short run of the fuzzing in every test run; `npm run fuzz` is the long one. And what it is worth: each property finds the broker that is broken for it. */
import { describe, expect, it } from 'vitest';
import { compactVerify, importJWK } from 'jose';
import { type Caller, THE_BROKER } from '../../src/core/admin/caller.ts';
import type { Command } from '../../src/core/admin/commands.ts';
import type { AdminPort } from '../../src/core/admin/port.ts';
import { ok } from '../../src/core/result.ts';
import { CLUSTERS } from '../fuzz/names.ts';
import { discovery } from '../fuzz/properties/discovery.ts';
import { PROPERTIES } from '../fuzz/properties/all.ts';
import { pushes } from '../fuzz/properties/pushes.ts';
import { shutOut } from '../fuzz/properties/shut-out.ts';
import { singleUse } from '../fuzz/properties/single-use.ts';
import { tokenReview } from '../fuzz/properties/token-review.ts';
import { tokens } from '../fuzz/properties/tokens.ts';
import { uploads } from '../fuzz/properties/uploads.ts';
import type { FuzzProperty } from '../fuzz/property.ts';
import { fuzz, fuzzOne } from '../fuzz/run.ts';
import { type Breakage, createWorld } from '../fuzz/world.ts';
import type { Issuer } from '../support/issuer.ts';

const seed = Date.now() % 2 ** 31;

it('whatever comes in, a refusal in its dialect or a right grant goes out', async () => {
  const said: string[] = [];
  const { cases } = await fuzz({ cases: 1_500, seed, say: (line) => said.push(line) });
  expect(cases).toBeGreaterThanOrEqual(1_500);
  expect(said.join('\n')).toContain(`seed ${seed}`);
}, 120_000);

it('the shares of the properties are of a hundred', () => {
  expect(PROPERTIES.reduce((sum, { share }) => sum + share, 0)).toBe(100);
});

/** A broken administration: what it does with a command instead. */
function instead(
  does: (command: Command, admin: AdminPort, ...by: [string, Caller]) => ReturnType<AdminPort['apply']>,
): Breakage {
  return { admin: (admin) => ({ apply: (number, command, caller) => does(command, admin, number, caller) }) };
}

const WRONG_GRANT = /^granted to /;
const WRONGLY_TAKEN = /^taken, though it is wrong/;

describe('finds, and says the seed of, a broker that', () => {
  it.each<[string, FuzzProperty, RegExp, Breakage]>([
    ['does not look at signatures', tokens, WRONG_GRANT, { ports: () => ({ verifySignature: async () => true }) }],
    [
      'takes the first key of an issuer for one that it does not know',
      discovery,
      WRONG_GRANT,
      {
        ports: (ports) => ({
          discoveredKeys: async (name, provider, kid) => {
            const keys = await ports.discoveredKeys(name, provider, kid);
            const isKnown = keys.ok && keys.value.some((key) => key.kid === kid);
            return !keys.ok || isKnown ? keys : ok(keys.value.slice(0, 1).map((key) => ({ ...key, kid })));
          },
        }),
      },
    ],
    [
      'says of an issuer that is away that it has no keys',
      discovery,
      /^400 .* though what is asked is away/s,
      {
        ports: (ports) => ({
          discoveredKeys: async (name, provider, kid) => {
            const keys = await ports.discoveredKeys(name, provider, kid);
            return keys.ok ? keys : ok([]);
          },
        }),
      },
    ],
    [
      'takes an exchange token for a push',
      pushes,
      WRONGLY_TAKEN,
      { door: async (request, { a }) => asPush(request, a) },
    ],
    ['takes a push token twice', pushes, WRONGLY_TAKEN, instead(takingAgain())],
    ['takes a pushed set that goes on from nothing', pushes, WRONGLY_TAKEN, instead(takingAnySet)],
    ['drops private halves without a word', uploads, WRONGLY_TAKEN, instead(droppingSecrets)],
    [
      'marks no token as used',
      singleUse,
      WRONG_GRANT,
      { ports: (ports) => ({ spend: (number, _alone, requestId) => ports.spend(number, undefined, requestId) }) },
    ],
    [
      'does not heed the cluster',
      tokenReview,
      WRONG_GRANT,
      { ports: () => ({ reviewToken: async () => ok(undefined) }) },
    ],
    ['says of a denial that it is done, and does nothing', shutOut, WRONG_GRANT, instead(denyingNobody)],
    ['distrusts no key', shutOut, WRONG_GRANT, instead(distrustingNothing)],
  ])(
    '%s',
    async (_what, property, finding, broken) => {
      const world = await createWorld(broken);
      const found: unknown = await fuzzOne(property, world, 3_000, { seed, say: () => undefined }).catch(
        (error) => error,
      );
      if (!(found instanceof Error) || !(found.cause instanceof Error))
        throw new Error(`nothing was found: ${String(found)}`);
      expect(found.message).toContain(`seed: ${seed}`);
      expect(found.cause.message).toMatch(finding);
    },
    120_000,
  );
});

/** A token that verifies, with the audience that a push wants in place of an exchange's: as if nobody looked at it. */
async function asPush(request: Request, issuer: Issuer): Promise<Request> {
  const token = request.headers.get('authorization')?.replace(/^Bearer /, '') ?? '';
  if (!request.url.endsWith(`${CLUSTERS.pushed.provider}:pushKeys`)) return request;
  try {
    const { payload } = await compactVerify(token, await importJWK(issuer.publicJwk, 'ES256'));
    const claims = JSON.parse(new TextDecoder().decode(payload)) as { readonly aud?: readonly string[] };
    if (claims.aud?.join() !== `https:${CLUSTERS.pushed.audience}`) return request;
    const headers = new Headers(request.headers);
    headers.set('authorization', `Bearer ${await issuer.sign({ ...claims, aud: `${claims.aud.join()}:pushKeys` })}`);
    return new Request(request.url, { method: request.method, headers, body: await request.arrayBuffer() });
  } catch {
    return request;
  }
}

type Doing = Parameters<typeof instead>[0];

function takingAgain(): Doing {
  let times = 0;
  return (command, admin, number, caller) => {
    if (command.type !== 'provider.pushKeys') return admin.apply(number, command, caller);
    const once = { ...command.once, key: `${command.once.key} ${(times += 1)}` };
    return admin.apply(number, { ...command, once }, caller);
  };
}

const takingAnySet: Doing = async (command, admin, number, caller) => {
  const answer = await admin.apply(number, command, caller);
  if (answer.ok || answer.error.tag !== 'invalid_argument' || command.type !== 'provider.pushKeys') return answer;
  const { poolId, providerId, jwksJson } = command;
  const input = { kubernetes: { jwksJson } };
  return admin.apply(
    number,
    { type: 'provider.patch', poolId, providerId, input, mask: ['kubernetes.jwksJson'] },
    THE_BROKER,
  );
};

const droppingSecrets: Doing = async (command, admin, number, caller) => {
  const isUpload = command.type === 'provider.patch' || command.type === 'provider.create';
  if (!isUpload || command.input.kubernetes?.jwksJson === undefined) return admin.apply(number, command, caller);
  const { kubernetes } = command.input;
  const jwksJson = withoutSecrets(kubernetes.jwksJson ?? '');
  return admin.apply(
    number,
    { ...command, input: { ...command.input, kubernetes: { ...kubernetes, jwksJson } } },
    caller,
  );
};

function withoutSecrets(jwksJson: string): string {
  try {
    const { keys } = JSON.parse(jwksJson) as { readonly keys: readonly Readonly<Record<string, unknown>>[] };
    return JSON.stringify({ keys: keys.map(({ d: _d, k: _k, oth: _oth, ...rest }) => rest) });
  } catch {
    return jwksJson;
  }
}

/** A right command is answered as if it were done. */
const denyingNobody: Doing = async (command, admin, number, caller) => {
  if (command.type !== 'pool.denyUids') return admin.apply(number, command, caller);
  const lifted = await admin.apply(
    number,
    { ...command, uids: command.uids.map((uid) => uid.toLowerCase()).map(reversed) },
    caller,
  );
  return lifted.ok ? admin.read(number, { type: 'pool.get', poolId: command.poolId }) : lifted;
};

const reversed = (text: string): string => [...text].toReversed().join('');

const distrustingNothing: Doing = async (command, admin, number, caller) => {
  if (command.type !== 'provider.distrustKey') return admin.apply(number, command, caller);
  const { poolId, providerId } = command;
  const isThumbprint = /^[\w-]{43}$/.test(command.thumbprint);
  return isThumbprint
    ? admin.read(number, { type: 'provider.get', poolId, providerId })
    : admin.apply(number, command, caller);
};
