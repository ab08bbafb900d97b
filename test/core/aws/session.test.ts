/** What a session's token says, and the ids that go with it: written and read back, whatever stands in it. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  accountOfKeyId,
  decodeSession,
  encodeSession,
  packedBytes,
  roleId,
  type RoleSession,
  sessionKeyId,
} from '../../../src/core/aws/session.ts';

const digits = (min: number, max: number): fc.Arbitrary<string> =>
  fc.stringMatching(new RegExp(`^[1-9][0-9]{${min - 1},${max - 1}}$`));

const session: fc.Arbitrary<RoleSession> = fc
  .record({
    projectNumber: digits(6, 19),
    uniqueId: digits(10, 40),
    roleArn: fc.string(),
    sessionName: fc.string(),
    principal: fc.string(),
    issuedAtSeconds: fc.nat(),
    expiresAtSeconds: fc.nat(),
    tags: fc.uniqueArray(fc.record({ key: fc.stringMatching(/^[\w +=.:/@-]{1,20}$/), value: fc.string() }), {
      selector: ({ key }) => key,
      maxLength: 10,
    }),
    sourceIdentity: fc.string(),
  })
  .map((all) => ({ ...all, transitiveKeys: all.tags.filter((_, at) => at % 2 === 0).map(({ key }) => key) }));

it('a session is read back as it was written', () => {
  fc.assert(
    fc.property(session, (one) => {
      expect(decodeSession(encodeSession(one))).toEqual(one);
    }),
  );
});

it('tags count with their keys; none count nothing', () => {
  expect(packedBytes({ tags: [], transitiveKeys: [] })).toBe(0);
  expect(packedBytes({ tags: [{ key: 'a', value: 'ä' }], transitiveKeys: [] })).toBe('{"-a":"ä"}'.length + 1);
});

it.each(['', '[]', '{}', '[1,2,3,4,5,6,7,8,9]', '["1","2","a","s","p",1,2,[],null]', 'null'])(
  'anything else is no session: %s',
  (text) => {
    expect(decodeSession(text)).toBeUndefined();
  },
);

it('a key id tells its account, and nothing else does', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^\d{12}$/), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (account, random) => {
      const id = sessionKeyId(account, random);
      expect(id).toMatch(/^ASIA[A-Z2-7]{16}$/);
      expect(accountOfKeyId(id)).toBe(account);
    }),
  );
  for (const id of [
    '',
    'ASIA',
    'AKIAIOSFODNN7EXAMPLE',
    'ASIA0000000000000000',
    `${sessionKeyId('111122223333', 0n)}A`,
  ]) {
    expect(accountOfKeyId(id)).toBeUndefined();
  }
});

it('two roles never have the same id', () => {
  fc.assert(
    fc.property(digits(10, 40), digits(10, 40), (one, other) => {
      expect(roleId(one)).toMatch(/^AROA[A-Z2-7]{17,}$/);
      expect(roleId(one) === roleId(other)).toBe(one === other);
    }),
  );
});
