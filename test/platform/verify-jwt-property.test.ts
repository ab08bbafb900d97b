/** What our verifier takes, jose takes: tokens changed at random in header, claims, text and keys, whose signature the attacker can make. jose is the independent judge. */
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { createAccessAuthenticator } from '../../src/platform/administration/access.ts';
import { createSignatureVerifier } from '../../src/platform/issuer-keys/verify.ts';
import { createIssuer, type Issuer } from '../support/issuer.ts';
import { AUDIENCE, claims, EXPECTED, ISSUER, joseTakes, NOW_MS, NOW_SECONDS, oursTakes } from './verify-jwt-support.ts';

let issuers: Issuer[];
let keys: readonly object[];

beforeAll(async () => {
  issuers = [await createIssuer('ES256', 'one'), await createIssuer('RS256', 'two')];
  keys = issuers.map(({ publicJwk }) => publicJwk);
});

type Changes = Readonly<Record<string, unknown>>;

/** No change, or one or two members that get another value or go. */
const changes = (members: readonly string[], value: fc.Arbitrary<unknown>): fc.Arbitrary<Changes> =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant<Changes>({}) },
    { weight: 1, arbitrary: fc.dictionary(fc.constantFrom(...members), value, { minKeys: 1, maxKeys: 2 }) },
  );

const odd = fc.constantFrom<unknown>(undefined, null, '', 0, -1, 1.5, true, [], {}, ['sig'], '__proto__', '\u0000');
const header = changes(
  ['alg', 'kid', 'typ', 'cty', 'crit', 'b64', 'zip', 'enc', 'jwk', 'x5t', 'constructor'],
  fc.oneof(
    odd,
    fc.constantFrom('ES256', 'RS256', 'es256', 'none', 'one', 'two', 'JWT', 'at+jwt', ['b64'], ['exp'], false),
  ),
);
const times = fc.integer({ min: -2, max: 2 }).map((seconds) => NOW_SECONDS + seconds);
const payload = changes(
  ['iss', 'aud', 'sub', 'exp', 'iat', 'nbf', 'email', 'type'],
  fc.oneof(
    odd,
    times,
    times.map((seconds) => seconds + 0.5),
    fc.constantFrom(
      ISSUER,
      AUDIENCE,
      [AUDIENCE],
      [AUDIENCE, 'x'],
      [[AUDIENCE]],
      [ISSUER],
      NOW_MS,
      String(NOW_SECONDS),
      1e20,
    ),
  ),
);

interface Edit {
  readonly at: number;
  readonly cut: number;
  readonly put: string;
}
const putIn = fc.oneof(
  fc.constantFrom('', '.', '=', ' ', '\n', '"', ',', '{', '}', '"sub":"u-0",', '\\u0073', 'A', '-'),
  fc.string({ maxLength: 2 }),
);
const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.nat(2),
  put: putIn,
});
const edits = fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: edit });

function edited(text: string, change: Edit | undefined): string {
  if (change === undefined) return text;
  const at = Math.floor(change.at * text.length);
  return `${text.slice(0, at)}${change.put}${text.slice(at + change.cut)}`;
}

const token = fc.record({ by: fc.nat(1), header, payload, inHeader: edits, inPayload: edits, inToken: edits });
type Drawn = typeof token extends fc.Arbitrary<infer T> ? T : never;

/** Signed by whoever has the key, after all changes but those of the finished token. */
async function tokenOf(drawn: Drawn, more: object = {}): Promise<string> {
  const issuer = issuers[drawn.by] ?? expect.fail('there are two issuers');
  const headerText = JSON.stringify({ alg: issuer.alg, kid: issuer.kid, ...drawn.header });
  const payloadText = JSON.stringify(claims({ ...more, ...drawn.payload }));
  const signed = await issuer.signText(edited(headerText, drawn.inHeader), edited(payloadText, drawn.inPayload));
  return edited(signed, drawn.inToken);
}

it('takes no token that jose refuses', async () => {
  const seen = { taken: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(token, async (drawn) => {
      const text = await tokenOf(drawn);
      const [ours, jose] = [await oursTakes(text, keys), await joseTakes(text, keys)];
      if (ours) expect(jose).toBe(true);
      seen[ours ? 'taken' : 'refused'] += 1;
    }),
    { numRuns: 3_000 },
  );
  expect(Math.min(seen.taken, seen.refused)).toBeGreaterThan(100);
});

const keyChanges = changes(
  ['kty', 'kid', 'use', 'alg', 'key_ops', 'ext', 'crv', 'x', 'n', 'e', 'd', 'k', 'x5c'],
  fc.oneof(
    odd,
    fc.constantFrom<unknown>('sig', 'enc', 'one', 'two', 'ES256', 'RS256', 'RSA', 'EC', 'P-384', 'AQAB', 'Aw'),
    fc.constantFrom(['verify'], ['sign'], ['verify', 'verify'], ['sign', 'verify']),
  ),
);

it('lets nobody in through Access, with whatever keys, whom jose would not', async () => {
  const seen = { taken: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(token, fc.array(keyChanges, { minLength: 2, maxLength: 3 }), async (drawn, changed) => {
      const published = JSON.stringify({ keys: changed.map((change, at) => ({ ...keys[at % 2], ...change })) });
      const text = await tokenOf(drawn, { email: 'ada@example.com' });
      const signIn = createAccessAuthenticator({
        teamDomain: new URL(ISSUER).hostname,
        audience: AUDIENCE,
        verifySignature: createSignatureVerifier(),
        nowMs: () => NOW_MS,
        fetch: async () => new Response(published),
      });
      const ours = (await signIn(text)).ok;
      if (ours)
        expect(await joseTakes(text, JSON.parse(published).keys, { ...EXPECTED, required: ['iat'] })).toBe(true);
      seen[ours ? 'taken' : 'refused'] += 1;
    }),
    { numRuns: 2_000 },
  );
  expect(Math.min(seen.taken, seen.refused)).toBeGreaterThan(100);
});

it('takes every token that an honest issuer makes', async () => {
  const honest = fc.record({
    by: fc.nat(1),
    iat: fc.integer({ min: NOW_SECONDS - 3_600, max: NOW_SECONDS }),
    left: fc.integer({ min: 1, max: 86_400 }),
    sub: fc.string({ minLength: 1, unit: 'grapheme' }),
    aud: fc.constantFrom(AUDIENCE, [AUDIENCE], ['x', AUDIENCE]),
    typ: fc.constantFrom(undefined, 'JWT', 'at+jwt'),
    extra: fc.dictionary(
      fc.string({ unit: 'grapheme' }).map((name) => `x-${name}`),
      fc.string({ unit: 'grapheme' }),
      { maxKeys: 3 },
    ),
  });
  await fc.assert(
    fc.asyncProperty(honest, async ({ by, iat, left, sub, aud, typ, extra }) => {
      const issuer = issuers[by] ?? expect.fail('there are two issuers');
      const body = { ...claims({ iat, nbf: iat, exp: NOW_SECONDS + left, sub, aud }), ...extra };
      const text = await issuer.sign(body, { typ });
      expect([await oursTakes(text, keys), await joseTakes(text, keys)]).toEqual([true, true]);
    }),
    { numRuns: 300 },
  );
});
