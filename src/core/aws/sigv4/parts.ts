/** A signed request as a verifier sees it: bytes of the wire, before anybody interprets them (WIRE.md F.4). */
export interface SignedParts {
  readonly method: string;
  /** Percent-encoded, as it came; without the query. */
  readonly path: string;
  /** As it came, without the question mark. */
  readonly query: string;
  /** Names in any letters; a name that came twice stands twice. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Hex, of the body that came: never the hash that the request says it has. */
  readonly bodySha256: string;
  readonly bodyBytes: number;
}

/** Every value under that name, in any letters. */
export function headerValues({ headers }: Pick<SignedParts, 'headers'>, name: string): readonly string[] {
  return headers.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value);
}
