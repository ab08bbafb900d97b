/** The signing vectors that AWS publishes, against the verifier: canonical request, string to sign and signature, by header and by query. */
import { describe, expect, it } from 'vitest';
import { canonicalRequest, stringToSign } from '../../../src/core/aws/sigv4/canonical.ts';
import { readSignature, type Signature } from '../../../src/core/aws/sigv4/signature.ts';
import { checkForm, checkSignature } from '../../../src/core/aws/sigv4/verify.ts';
import type { SignedParts } from '../../../src/core/aws/sigv4/parts.ts';
import { EXAMPLE_SECONDS, EXAMPLE_SECRET, nodeCrypto, partsOfText, sha256, vectors } from './sigv4-support.ts';

function signatureOf(parts: SignedParts): Signature {
  const read = readSignature(parts);
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return read.value;
}

/** The session token is added after signing there and is no part of what is signed; every signer that is in use signs it. */
const UNSIGNED_TOKEN = ['post-sts-header-after'];

const signed = vectors().flatMap(({ id, normalize, header, query }) => [
  ...(header === undefined ? [] : [{ title: `${id}, header`, id, normalize, vector: header }]),
  ...(query === undefined || UNSIGNED_TOKEN.includes(id)
    ? []
    : [{ title: `${id}, query`, id, normalize, vector: query }]),
]);

it('has them all', () => {
  expect(vectors()).toHaveLength(38);
  expect(signed.length).toBe(75);
});

it.each(signed)('$title: the canonical request and the string to sign', ({ normalize, vector }) => {
  const parts = partsOfText(vector.request);
  const signature = signatureOf(parts);
  const canonical = canonicalRequest(parts, signature.signedHeaders, { isNormalized: normalize });
  const text = canonical.ok ? canonical.value : canonical.error;
  expect(text).toBe(vector.canonicalRequest);
  expect(stringToSign(signature.timestamp, signature.scope, sha256(text))).toBe(vector.stringToSign);
});

// Only S3 signs paths as they are, and the vectors' service is another one.
it.each(signed.filter(({ normalize }) => normalize))('$title: the signature', async ({ vector }) => {
  const parts = partsOfText(vector.request);
  const signature = signatureOf(parts);
  expect((await checkSignature(parts, signature, EXAMPLE_SECRET, nodeCrypto)).ok).toBe(true);
  expect((await checkSignature(parts, signature, `${EXAMPLE_SECRET}x`, nodeCrypto)).ok).toBe(false);
});

describe('what a door takes of them', () => {
  const CANNOT = [
    // Spelt otherwise than they are signed; a door takes the one spelling.
    'get-vanilla-utf8-query',
    // Another path than the one that is signed.
    'get-relative-normalized',
    'get-relative-relative-normalized',
    'get-slash-dot-slash-normalized',
    'get-slash-normalized',
    'get-slash-pointless-dot-normalized',
    'get-slashes-normalized',
  ];
  it.each(vectors().filter(({ header, normalize }) => header !== undefined && normalize))('$id', ({ id, header }) => {
    const parts = partsOfText(header?.request ?? '');
    const signature = signatureOf(parts);
    const fault = checkForm(parts, signature, EXAMPLE_SECONDS);
    if (fault === undefined) expect(CANNOT).not.toContain(id);
    else expect([id, fault.tag]).toEqual([CANNOT.find((one) => one === id), 'incomplete']);
  });
});
