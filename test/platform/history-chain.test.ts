/** The chain's hashes and its seal, to the byte: a history that an earlier release wrote must not look tampered with to the next. */
import { describe, expect, it } from 'vitest';
import { FIRST_HASH, hashOf, isSealed, sealOf } from '../../src/platform/registry/history-chain.ts';

const ENTRY = {
  sequence: 7,
  epoch: 3,
  time: '2026-01-02T03:04:05Z',
  actor: 'äda',
  address: '192.0.2.1',
  requestId: 'r-1',
  command: 'createPool',
  resource: 'projects/1/pools/p',
  before: null,
  after: '{"displayName":"“p”"}',
};
const HEAD = {
  sequence: 7,
  hash: FIRST_HASH,
  baseSequence: 0,
  baseHash: FIRST_HASH,
  bytes: 512,
  epoch: 3,
  doubt: '',
};
const KEY = new Uint8Array(32).fill(7);
// Written by the first releases, which hashed by a library in JavaScript.
const HASH_BEFORE = '5e57fcc5d8c2c2980d37fc56eb08f026ea77e5ff3c6bd2783c67051051f57e6b';
const SEAL_BEFORE = '7c5e106360d9aa7906a887003b5d2a38b94543f360d4d02bf584692d097f6a4c';

describe('what an earlier release wrote', () => {
  it('has the same hash', () => {
    expect(hashOf(ENTRY, FIRST_HASH)).toBe(HASH_BEFORE);
  });

  it('has the same seal, and no other', () => {
    expect(sealOf(KEY, 'projects/1', HEAD)).toBe(SEAL_BEFORE);
    expect(isSealed({ current: new Uint8Array(32), previous: KEY }, 'projects/1', HEAD, SEAL_BEFORE)).toBe(true);
    expect(isSealed({ current: KEY }, 'projects/2', HEAD, SEAL_BEFORE)).toBe(false);
    expect(isSealed({ current: KEY }, 'projects/1', { ...HEAD, sequence: 6 }, SEAL_BEFORE)).toBe(false);
  });

  it.each([0, 31, 32, 64, 65, 200])(
    'is sealed by HMAC-SHA-256 as WebCrypto knows it, by a key of %i bytes',
    async (length) => {
      const key = new Uint8Array(length).map((_, at) => at * 7);
      const text = JSON.stringify(['edge-sts/history-head/v1', 'projects/1', 7, FIRST_HASH, 0, FIRST_HASH, 512, 3, '']);
      // WebCrypto takes no empty key; a block of zeros is the same to HMAC.
      const raw = length === 0 ? new Uint8Array(64) : key;
      const imported = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
      const seal = await crypto.subtle.sign('HMAC', imported, new TextEncoder().encode(text));
      expect(sealOf(key, 'projects/1', HEAD)).toBe(new Uint8Array(seal).toHex());
    },
  );
});
