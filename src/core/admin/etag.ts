/** Etags: a revision as bytes, spelled so that a policy that was never set reads `ACAB`, as at Google. */
import { invalid, type AdminDenial } from './denial.ts';

const MARK = '\u0000\u0020';
/** Seven bytes hold more than a safe integer ever says. */
const ETAG_BYTES = /^\u0000\u0020[\u0001-\u00ff][\u0000-\u00ff]{0,6}$/; // oxlint-disable-line no-control-regex -- these are bytes

export function etagOf(revision: number): string {
  let bytes = '';
  for (let rest = revision + 1; rest > 0; rest = Math.floor(rest / 256))
    bytes = String.fromCharCode(rest % 256) + bytes;
  return btoa(MARK + bytes);
}

/**
 * A revision for what has no number of its own: of other content it is another, but by a chance of 2^-53. Whoever looks for two
 * contents with one revision may write both anyway; this keeps those apart who do not know of each other.
 */
export function revisionOfContent(content: unknown): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (const character of JSON.stringify(content)) {
    const code = character.codePointAt(0) ?? 0;
    high = Math.imul(high ^ code, 2_654_435_761);
    low = Math.imul(low ^ code, 1_597_334_677);
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  return (high & 0x1fffff) * 2 ** 32 + (low >>> 0);
}

/** Absent or empty: whatever is there is meant. */
export function checkEtag(etag: string | undefined, revision: number, resource: string): AdminDenial | undefined {
  if (etag === undefined || etag === '') return undefined;
  if (!isEtag(etag)) return invalid('etag', 'is not an etag that was given out here');
  return etag === etagOf(revision) ? undefined : { tag: 'etag_mismatch', resource };
}

/** Could this broker have written `text`? Only then does a difference mean that somebody else wrote in between. */
export function isEtag(text: string): boolean {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return false;
  const bytes = atob(text);
  return ETAG_BYTES.test(bytes) && btoa(bytes) === text;
}
