/** Which of our own tokens are credentials at our own endpoints: those for the broker itself, and no other kind. */
import { expect, it } from 'vitest';
import { isForBroker, type OwnToken } from '../../src/core/own-token.ts';

const ORIGIN = 'https://sts.example.com';

function tokenOf({ typ = 'at+jwt', ...claims }: Record<string, unknown> = {}): OwnToken {
  const token = { ring: '100000000001', typ, claims: { aud: ORIGIN, ...claims }, holder: { kind: 'workload' } };
  return token as unknown as OwnToken;
}

it.each([
  ['another type, as an ID token has it', { typ: 'JWT' }],
  ['no type', { typ: '' }],
  ['another audience', { aud: 'https://files.example.com' }],
  ['our origin with a slash', { aud: `${ORIGIN}/` }],
  ['our origin among others', { aud: [ORIGIN] }],
  ['roles, as a token for a target of our own address does', { roles: ['projects/demo/roles/reader'] }],
])('a token of ours is no credential here with %s', (_what, changes) => {
  expect(isForBroker(tokenOf(), ORIGIN)).toBe(true);
  expect(isForBroker(tokenOf(changes), ORIGIN)).toBe(false);
});
