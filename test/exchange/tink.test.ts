/** Tink's 35 tokens (SECURITY.md §1.2), signed again with a key that we trust: bytes that an issuer gone wrong could really sign. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addCluster,
  type Answer,
  captureAudit,
  claimsOf,
  type Cluster,
  createProject,
  postToken,
  tokenForm,
} from '../support/broker.ts';
import { workloadClaims } from '../support/issuer.ts';
import { deepObject, tinkRows, type TinkRow } from '../support/vectors.ts';

const ROWS = tinkRows();
const audit = captureAudit();
let cluster: Cluster;

beforeAll(async () => {
  cluster = await addCluster(await createProject());
});

const post = async (header: Uint8Array, payload: Uint8Array): Promise<Answer> =>
  postToken(tokenForm(cluster.audience, await cluster.issuer.signText(header, payload)), {
    'cf-connecting-ip': '192.0.2.35',
  });

/** Too long for a form is not a token at all. */
function expectRefused(answer: Answer, row: TinkRow): void {
  expect(answer.status, answer.text).toBe(row.payload.length > 65_536 ? 413 : 400);
  expect(typeof answer.body['error']).toBe('string');
  expect(answer.body).not.toHaveProperty('access_token');
}

it('all 35 are here, 17 of which must be refused', () => {
  expect(ROWS).toHaveLength(35);
  expect(ROWS.filter((row) => row.expect === 'invalid')).toHaveLength(17);
});

describe.each(ROWS.map((row) => [row.id, row] as const))('%s', (id, row) => {
  it('byte for byte, HS256 and no key id: refused', async () => {
    expectRefused(await post(row.header, row.payload), row);
  });

  it('with our algorithm and key id, otherwise byte for byte: refused, for it is nobody’s token', async () => {
    expectRefused(await post(ourHeader(row), row.payload), row);
  });

  it('its header before claims that hold: only what is odd can refuse it', async () => {
    await expectVerdict(await post(ourHeader(row), latin1(validClaims([]))), HEADER_VERDICTS[id] ?? 'granted');
  });

  it('its claims among claims that hold: only what is odd can refuse it', async () => {
    const verdict = PAYLOAD_VERDICTS[id];
    expect(verdict).toBeDefined();
    if (row.expect === 'invalid' && HEADER_VERDICTS[id] === undefined) expect(verdict).not.toBe('granted');
    const header = latin1(JSON.stringify({ alg: 'ES256', kid: cluster.issuer.kid }));
    await expectVerdict(await post(header, grafted(id, row)), verdict ?? '');
  });
});

async function expectVerdict(answer: Answer, verdict: string): Promise<void> {
  if (verdict === 'granted') {
    expect(answer.status, answer.text).toBe(200);
    expect(claimsOf(answer)).toMatchObject({ sub: 'ns/shop/sa/checkout' });
    return;
  }
  expect(answer.status, answer.text).toBe(400);
  expect(await audit.lineFor(answer)).toMatchObject({ reason: 'unverified', check: verdict });
}

/** Where no verdict stands, the header is plain. Tink takes members that it does not know; we refuse them on purpose. */
const HEADER_VERDICTS: Readonly<Record<string, string>> = {
  'test_verify_unknown_header_valid/0': 'header_member',
  'test_verify_empty_crit_header_invalid/0': 'header_member',
  'test_verify_nonempty_crit_header_invalid/0': 'header_member',
  'test_verify_typ_header/0': 'header_typ',
  'test_non_string_typ_header_is_rejected/0': 'header_typ',
  'test_verify_invalid_utf8_in_header/0': 'header_json',
};

/** Each with the rule that refuses it; `granted` where nothing is wrong for a ServiceAccount. */
const PAYLOAD_VERDICTS: Readonly<Record<string, string>> = {
  'test_genenerate_token_generates_example/0': 'issuer',
  'test_verify_valid/0': 'granted',
  'test_verify_unknown_header_valid/0': 'granted',
  'test_verify_empty_crit_header_invalid/0': 'granted',
  'test_verify_nonempty_crit_header_invalid/0': 'granted',
  'test_verify_typ_header/0': 'granted',
  'test_non_string_typ_header_is_rejected/0': 'granted',
  'test_verify_expiration/0': 'time_claims',
  'test_verify_float_expiration/0': 'time_claims',
  // Dates of the years 2286 and 9999 are dates; a token of such a life is refused for its life.
  'test_exp_expiration_is_fine/0': 'one_year_token',
  'test_large_expiration_is_fine/0': 'one_year_token',
  'test_too_large_expiration_is_invalid/0': 'time_claims',
  'test_way_too_large_expiration_is_invalid/0': 'payload_json',
  'test_infinity_expiration_is_invalid/0': 'payload_json',
  'test_verify_not_before/0': 'granted',
  'test_verify_float_not_before/0': 'time_claims',
  'test_verify_issued_at/0': 'one_year_token',
  'test_verify_issuer/0': 'issuer',
  'test_duplicated_issuer/0': 'payload_json',
  'test_verify_empty_string_issuer/0': 'issuer',
  'test_verify_issuer_with_wrong_type/0': 'issuer',
  'test_verify_invalid_utf8_in_header/0': 'issuer',
  'test_verify_invalid_utf8_in_payload/0': 'payload_json',
  'test_verify_with_utf16_surrogate_in_payload/0': 'granted',
  'test_verify_with_json_escaped_utf16_surrogate_in_payload/0': 'granted',
  'test_verify_with_invalid_json_escaped_utf16_in_payload/0': 'payload_json',
  'test_verify_with_invalid_json_escaped_utf16_in_claim_name/0': 'payload_json',
  'test_verify_audience/0': 'audience',
  'test_verify_audience_string/0': 'audience',
  'test_verify_audiences_with_wrong_type/0': 'audience',
  'test_verify_token_with_empty_audiences/0': 'audience',
  'test_verify_token_with_utf_16_encoded_payload_fails/0': 'payload_json',
  'test_verify_token_with_utf_32_encoded_payload_fails/0': 'payload_json',
  'test_verify_token_with_many_recursions/0': 'granted',
  'test_verify_token_with_too_many_recursions_fails/0': 'payload_json',
};

/** The vector's own bytes, `"alg":"HS256"` put right. */
function ourHeader(row: TinkRow): Uint8Array {
  const right = `"ES256","kid":${JSON.stringify(cluster.issuer.kid)}`;
  return latin1(textOf(row.header).replace('"HS256"', right));
}

/** Valid claims without those that the vector brings, then the vector's members as they are. */
function grafted(id: string, row: TinkRow): Uint8Array {
  const claims = validClaims([]);
  if (id.includes('utf_16')) return wide(claims, 2);
  if (id.includes('utf_32')) return wide(claims, 4);
  // The one that is too deep, at a depth that a token of 16 KiB can have.
  const text = id.includes('too_many_recursions') ? deepObject(1_500) : textOf(row.payload);
  const own = [...text.matchAll(/"(\w+)"\s*:/g)].map((match) => match[1] ?? '');
  return latin1(`${validClaims(own).slice(0, -1)},${text.slice(text.indexOf('{') + 1)}`);
}

function validClaims(without: readonly string[]): string {
  const claims = workloadClaims({ issuerUri: cluster.issuerUri, audience: `https:${cluster.audience}` });
  return JSON.stringify(Object.fromEntries(Object.entries(claims).filter(([name]) => !without.includes(name))));
}

/** Little-endian behind a byte order mark, as both vectors are. */
function wide(text: string, bytesEach: 2 | 4): Uint8Array {
  const bytes = new Uint8Array((text.length + 1) * bytesEach);
  for (const [at, character] of ['\ufeff', ...text].entries()) {
    const code = character.charCodeAt(0);
    bytes[at * bytesEach] = code & 0xff;
    bytes[at * bytesEach + 1] = code >> 8;
  }
  return bytes;
}

/** One character a byte, both ways: broken UTF-8 stays as broken as it was. */
function textOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}
function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
