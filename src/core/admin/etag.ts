/** Etags: a revision as bytes, spelled so that a policy that was never set reads `ACAB`, as at Google. */
const MARK = '\u0000\u0020';
/** Seven bytes hold more than a safe integer ever says. */
const ETAG_BYTES = /^\u0000\u0020[\u0001-\u00ff][\u0000-\u00ff]{0,6}$/; // oxlint-disable-line no-control-regex -- these are bytes

export function etagOf(revision: number): string {
  let bytes = '';
  for (let rest = revision + 1; rest > 0; rest = Math.floor(rest / 256))
    bytes = String.fromCharCode(rest % 256) + bytes;
  return btoa(MARK + bytes);
}

/** Could this broker have written `text`? Only then does a difference mean that somebody else wrote in between. */
export function isEtag(text: string): boolean {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return false;
  const bytes = atob(text);
  return ETAG_BYTES.test(bytes) && btoa(bytes) === text;
}
