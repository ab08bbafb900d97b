/** Session credentials, with the real cryptography: made, opened, tampered with, and through a change of the KEK. */
import { describe, expect, it } from 'vitest';
import type { RoleSession } from '../../src/core/aws/session.ts';
import { createAwsSessions, webSigV4Crypto } from '../../src/platform/keys/session.ts';

const kek = (byte: number): Uint8Array<ArrayBuffer> => new Uint8Array(32).fill(byte);

const SESSION: RoleSession = {
  projectNumber: '123456789012',
  uniqueId: '112123456789012000003',
  roleArn: 'arn:aws:iam::111122223333:role/checkout',
  sessionName: 'one',
  principal: 'principal://iam.googleapis.com/x',
  issuedAtSeconds: 1,
  expiresAtSeconds: 2,
  tags: [{ key: 'team', value: 'shop' }],
  transitiveKeys: ['team'],
  sourceIdentity: 'ada',
};

describe('the credentials of a session', () => {
  const sessions = createAwsSessions({ current: kek(1) });

  it('open to the session and the same secret, which stands in no part of the token', async () => {
    const { accessKeyId, secretAccessKey, sessionToken } = await sessions.makeCredentials(SESSION);
    expect(await sessions.openSession(accessKeyId, sessionToken)).toEqual({ session: SESSION, secretAccessKey });
    expect(secretAccessKey).toMatch(/^[A-Za-z0-9+/]{40}$/);
    expect(sessionToken).not.toContain(secretAccessKey);
  });

  it('of the same session twice have nothing in common', async () => {
    const one = await sessions.makeCredentials(SESSION);
    const other = await sessions.makeCredentials(SESSION);
    for (const part of ['accessKeyId', 'secretAccessKey', 'sessionToken'] as const)
      expect(one[part]).not.toBe(other[part]);
    expect(await sessions.openSession(one.accessKeyId, other.sessionToken)).toBeUndefined();
  });

  it.each(['', 'AQ', 'AA', '%', 'A'.repeat(9_000)])('do not open by what is no token of ours: %j', async (token) => {
    expect(await sessions.openSession('ASIAAAAAAAAAAAAAAAAA', token)).toBeUndefined();
  });

  it('outlive a change of the KEK while the previous one is set, and no longer', async () => {
    const { accessKeyId, secretAccessKey, sessionToken } = await sessions.makeCredentials(SESSION);
    const changed = createAwsSessions({ current: kek(2), previous: kek(1) });
    expect(await changed.openSession(accessKeyId, sessionToken)).toEqual({ session: SESSION, secretAccessKey });
    const over = createAwsSessions({ current: kek(2) });
    expect(await over.openSession(accessKeyId, sessionToken)).toBeUndefined();
  });

  it('are no messages, and messages are no tokens; each opens for its own account', async () => {
    const message = await sessions.sealMessage('111122223333', 'why');
    expect(await sessions.openMessage('111122223333', message)).toBe('why');
    expect(await sessions.openMessage('999999999999', message)).toBeUndefined();
    expect(await sessions.openSession('111122223333', message)).toBeUndefined();
    const { accessKeyId, sessionToken } = await sessions.makeCredentials(SESSION);
    expect(await sessions.openMessage(accessKeyId, sessionToken)).toBeUndefined();
  });
});

it('hashes and HMACs as the standards have them', async () => {
  // FIPS 180-2 B.1, RFC 4231 test case 2.
  expect(await webSigV4Crypto.sha256Hex('abc')).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
  const mac = await webSigV4Crypto.hmacSha256(
    Uint8Array.from(new TextEncoder().encode('Jefe')),
    'what do ya want for nothing?',
  );
  expect([...mac].map((byte) => byte.toString(16).padStart(2, '0')).join('')).toBe(
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});
