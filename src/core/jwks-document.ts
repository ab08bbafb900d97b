/**
 * A JWKS as an issuer publishes it. It is judged like an uploaded one (`admin/jwks.ts`), but nobody is there to correct it: a key that
 * cannot be used here, for its type, its curve or its missing name, must not take its good neighbours with it (CVE-2026-42576).
 */
import { type KeySet, readJwks } from './admin/jwks.ts';
import { isJsonObject, type JsonObject, type JsonValue, parseStrictJson } from './json.ts';
import { err, ok, type Result } from './result.ts';

/** AWS takes no more than so many of an issuer. */
const MAX_PUBLISHED_KEYS = 100;

export function readPublishedJwks(text: string): Result<KeySet, readonly string[]> {
  const json = parseStrictJson(text);
  if (!json.ok) return err([json.error]);
  const entries = isJsonObject(json.value) ? json.value['keys'] : undefined;
  if (!Array.isArray(entries)) return err(['must be a JSON object with an array "keys"']);
  // Counted before anything is done with any of them: 10,000 keys are refused at the price of none.
  if (entries.length > MAX_PUBLISHED_KEYS) {
    return err([`holds ${entries.length} keys; at most ${MAX_PUBLISHED_KEYS} are taken`]);
  }
  const prepared = entries.map((entry: JsonValue, index) => (isJsonObject(entry) ? prepare(entry, index) : entry));
  const judged = readJwks(JSON.stringify({ keys: prepared }), MAX_PUBLISHED_KEYS);
  if (!judged.ok) return judged;
  const keys = judged.value.keys.filter((key) => !key.kid.startsWith(NAMELESS));
  const nameless = judged.value.keys
    .filter((key) => key.kid.startsWith(NAMELESS))
    .map((key) => `keys[${key.kid.slice(NAMELESS.length)}] has no "kid"; it is skipped`);
  const warnings = [...judged.value.warnings, ...nameless];
  return keys.length === 0 ? err(['holds no key that can verify a token', ...warnings]) : ok({ keys, warnings });
}

/** Long enough that no issuer uses it, and never seen outside this file. */
const NAMELESS = 'edge-sts: a key without a kid, at ';
const CURVES = ['P-256', 'P-384', 'P-521'];

/**
 * The same key in words that `readJwks` judges as we mean it, so that there is one judge: what has no name gets one, for which it is
 * sorted out afterwards, and an unknown curve is an unknown type. Private halves are refused by it either way.
 */
function prepare(entry: JsonObject, index: number): JsonObject {
  // Certificate chains are most of the bytes of many sets, and nobody here reads them.
  const { x5c: _certificates, ...kept } = entry;
  const { kid, kty, crv } = kept;
  const named = kid === undefined || kid === '' ? { ...kept, kid: `${NAMELESS}${index}` } : kept;
  const isForeignCurve = kty === 'EC' && typeof crv === 'string' && !CURVES.includes(crv);
  return isForeignCurve ? { ...named, kty: `EC ${crv}` } : named;
}
