/** Key sets as documents: right ones of keys that exist, and ones that were changed by member, by text or by byte. */
import fc from 'fast-check';
import { encode, type Json, textEdits, valueEdit } from './mutations.ts';
import type { Jwk, KeySet } from './oracle/key-sets.ts';
import type { Issuers } from './world.ts';

const MEMBERS = ['kty', 'kid', 'alg', 'use', 'crv', 'x', 'y', 'n', 'e', 'd', 'k', 'oth', 'x5c', 'key_ops', '__proto__'];

type Edit = (document: Json) => Json;

const entry = fc.record({
  whose: fc.constantFrom('a', 'a', 'b', 'c', 'rsa'),
  name: fc.oneof(
    { weight: 8, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom('key-a', 'key-b', '', 'x'.repeat(256), 'x'.repeat(257), 'a\u0000') },
  ),
  isBare: fc.boolean(),
  edits: fc.oneof(
    { weight: 7, arbitrary: fc.constant<Edit[]>([]) },
    { weight: 1, arbitrary: fc.array(valueEdit(MEMBERS.map((member) => [member])), { minLength: 1, maxLength: 1 }) },
  ),
});

const entries = fc.oneof(
  { weight: 6, arbitrary: fc.uniqueArray(entry, { selector: ({ whose }) => whose, minLength: 1, maxLength: 4 }) },
  { weight: 1, arbitrary: fc.array(entry, { maxLength: 10 }) },
);

/** A document as text, once it is known which keys there are. */
export const keyDocument: fc.Arbitrary<(issuers: Issuers) => string> = fc
  .tuple(
    entries,
    fc.oneof(
      { weight: 9, arbitrary: fc.constant<Edit[]>([]) },
      { weight: 1, arbitrary: fc.array(valueEdit([['keys'], ['extra']]), { minLength: 1, maxLength: 1 }) },
    ),
    fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: textEdits }),
  )
  .map(([chosen, setEdits, textual]) => (issuers) => {
    const keys = chosen.map(({ whose, name, isBare, edits }) => {
      const { alg, use, ...bare } = issuers[whose].publicJwk as { readonly [member: string]: Json };
      const key: Json = { ...bare, ...(isBare ? {} : { alg: alg ?? '', use: use ?? '' }), ...named(name) };
      return edits.reduce<Json>((document, edit) => edit(document), key);
    });
    const bytes = encode(setEdits.reduce<Json>((document, edit) => edit(document), { keys }));
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(textual?.(bytes) ?? bytes);
  });

function named(kid: string | undefined): { readonly kid?: string } {
  return kid === undefined ? {} : { kid };
}

/** Under which names of the set this issuer's signatures verify. */
export function kidsOf(set: KeySet | undefined, { publicJwk }: Issuers['a']): readonly string[] {
  return [...(set ?? [])].filter(([, { x, y }]) => x === publicJwk['x'] && y === publicJwk['y']).map(([kid]) => kid);
}

/** Is it the same key, under whatever name? */
export function isSameKey(one: Jwk, other: Jwk): boolean {
  if (one.kty !== other.kty) return false;
  return one.kty === 'RSA' ? one.n === other.n : one.x === other.x && one.y === other.y;
}
