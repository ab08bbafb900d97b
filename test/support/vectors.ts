/** Vectors that nobody here wrote (test/vectors/README.md), as rows with bytes; what was too large to stand in the file is made here. */
import jsonTestSuiteText from '../vectors/jsontestsuite.ndjson?raw';
import naughtyText from '../vectors/naughty-strings.ndjson?raw';
import tinkText from '../vectors/tink-claims.ndjson?raw';

export interface TinkRow {
  readonly id: string;
  readonly expect: 'valid' | 'invalid' | 'policy-dependent';
  readonly header: Uint8Array<ArrayBuffer>;
  readonly payload: Uint8Array<ArrayBuffer>;
}

export interface JsonRow {
  readonly id: string;
  readonly expect: 'parse' | 'reject' | 'either' | 'either-but-consistent';
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export function tinkRows(): readonly TinkRow[] {
  return linesOf(tinkText).map((line) => {
    const row = JSON.parse(line) as {
      id: string;
      expect: TinkRow['expect'];
      header_b64: string;
      payload_b64: string | null;
      payload_gen: string | null;
    };
    const payload = row.payload_b64 === null ? generated(row.payload_gen) : bytesOf(row.payload_b64);
    return { id: row.id.replace(/^tink\//, ''), expect: row.expect, header: bytesOf(row.header_b64), payload };
  });
}

export function jsonRows(): readonly JsonRow[] {
  return linesOf(jsonTestSuiteText).map((line) => {
    const row = JSON.parse(line) as { id: string; expect: JsonRow['expect']; bytes: number; b64: string | null };
    const bytes = row.b64 === null ? generatedDocument(row.id) : bytesOf(row.b64);
    if (bytes.length !== row.bytes) throw new Error(`${row.id} has ${bytes.length} bytes, not ${row.bytes}`);
    return { id: row.id.replace(/^jsonts\//, ''), expect: row.expect, bytes };
  });
}

export function naughtyStrings(): readonly string[] {
  return linesOf(naughtyText).map((line) =>
    new TextDecoder().decode(bytesOf((JSON.parse(line) as { b64: string }).b64)),
  );
}

/** `{"a":*110000`: so many objects in each other. */
export function deepObject(depth: number): string {
  return `${'{"a":'.repeat(depth)}""${'}'.repeat(depth)}`;
}

function generated(recipe: string | null): Uint8Array<ArrayBuffer> {
  if (recipe !== '{"a":*110000') throw new Error(`no recipe for ${recipe}`);
  return utf8(deepObject(110_000));
}

function generatedDocument(id: string): Uint8Array<ArrayBuffer> {
  if (id.includes('100000_opening_arrays')) return utf8('['.repeat(100_000));
  // As the suite has it: ends in a line feed.
  if (id.includes('open_array_object')) return utf8(`${'[{"":'.repeat(50_000)}\n`);
  throw new Error(`no recipe for ${id}`);
}

/** The types of the runtime leave open what stands behind the bytes. */
function utf8(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(new TextEncoder().encode(text));
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function linesOf(text: string): readonly string[] {
  return text.trim().split('\n');
}
