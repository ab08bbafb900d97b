/** KV records: whatever is done to one that its maker did not do, the reader finds nothing (SECURITY.md T8). */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openRecord, sealRecord } from '../../src/platform/registry/record.ts';
import { macKeys, sealText } from '../../src/platform/sealed-record.ts';

const kek = (byte: number) => new Uint8Array(32).fill(byte);
const NOW_MS = 1_800_000_000_000;
const LATER_MS = NOW_MS + 1_000;
const keys = await macKeys({ current: kek(1) });

const record = { key: 'provider:1/pool/one', epoch: 7, notAfterMs: LATER_MS, body: '{"provider":{"disabled":false}}' };
const sealed = await sealRecord(keys, record);

describe('a record', () => {
  it('says what was put in', async () => {
    expect(await openRecord(keys, record.key, sealed, NOW_MS)).toEqual({
      epoch: 7,
      value: { provider: { disabled: false } },
    });
  });

  it('is nothing under another key, after its time, or under another KEK', async () => {
    expect(await openRecord(keys, 'provider:1/pool/two', sealed, NOW_MS)).toBeUndefined();
    expect(await openRecord(keys, record.key, sealed, LATER_MS - 1)).toBeDefined();
    expect(await openRecord(keys, record.key, sealed, LATER_MS)).toBeUndefined();
    expect(await openRecord(await macKeys({ current: kek(2) }), record.key, sealed, NOW_MS)).toBeUndefined();
  });

  it('opens while its KEK is the previous one', async () => {
    const changed = await macKeys({ current: kek(2), previous: kek(1) });
    expect(await openRecord(changed, record.key, sealed, NOW_MS)).toBeDefined();
    const again = await sealRecord(changed, record);
    expect(await openRecord(await macKeys({ current: kek(2) }), record.key, again, NOW_MS)).toBeDefined();
  });

  it('with any one character changed says the same or nothing', async () => {
    const untouched = await openRecord(keys, record.key, sealed, NOW_MS);
    await fc.assert(
      fc.asyncProperty(fc.nat(sealed.length - 1), fc.string({ minLength: 1, maxLength: 1 }), async (at, character) => {
        const changed = sealed.slice(0, at) + character + sealed.slice(at + 1);
        const opened = await openRecord(keys, record.key, changed, NOW_MS);
        expect(opened === undefined || JSON.stringify(opened) === JSON.stringify(untouched)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('with a member changed is nothing', async () => {
    const changes = [
      { version: 8 },
      { notAfterMs: LATER_MS + 1 },
      { body: '{"provider":{"disabled":true}}' },
      { v: 2 },
      { mac: '' },
    ];
    for (const change of changes) {
      const changed = JSON.stringify({ ...JSON.parse(sealed), ...change });
      expect(await openRecord(keys, record.key, changed, NOW_MS)).toBeUndefined();
    }
  });

  it('of another kind under that key is nothing', async () => {
    const { epoch: version, ...rest } = record;
    const other = await sealText(keys, { purpose: 'edge-sts/kv-jwks/v2', version, ...rest });
    expect(await openRecord(keys, record.key, other, NOW_MS)).toBeUndefined();
  });

  it('of the form before is nothing, nor is its MAC worth anything in the form of now', async () => {
    const { epoch, notAfterMs, body } = record;
    const input = JSON.stringify(['edge-sts/kv-record/v1', record.key, epoch, notAfterMs, body]);
    const mac = await crypto.subtle.sign('HMAC', keys.current, new TextEncoder().encode(input));
    const hex = [...new Uint8Array(mac)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const before = JSON.stringify({
      v: 1,
      epoch,
      notAfterMs,
      body,
      mac: btoa(String.fromCharCode(...new Uint8Array(mac))),
    });
    const respelled = JSON.stringify({ v: 1, version: epoch, notAfterMs, body, mac: hex });
    for (const text of [before, respelled]) expect(await openRecord(keys, record.key, text, NOW_MS)).toBeUndefined();
  });

  it('is nothing where KV holds anything else at all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
        expect(await openRecord(keys, record.key, text, NOW_MS)).toBeUndefined();
      }),
    );
  });

  it('moves no character from one field into the next', async () => {
    const moved = [
      { ...record, key: 'a', body: '1' },
      { ...record, key: 'a","epoch', body: '1' },
      { ...record, key: 'a', epoch: 71, notAfterMs: LATER_MS },
      { ...record, key: 'a', epoch: 7, notAfterMs: Number(`1${LATER_MS}`), body: '1' },
    ];
    const macs = await Promise.all(moved.map(async (one) => JSON.parse(await sealRecord(keys, one)).mac));
    expect(new Set(macs).size).toBe(moved.length);
  });
});
