/**
 * What must stand in no log: tokens, private keys, and secrets of the tests, which all say of themselves that they are `test-only-`, so that
 * they are known without being listed. Each in the spellings that a logger might give it.
 */

/** Every secret that a test hands to a broker begins with it, before base64 or in the plain. */
const SECRET_MARK = 'test-only-';

const NEEDLES: readonly (readonly [what: string, needle: RegExp])[] = [
  [
    'a secret of the tests',
    new RegExp([SECRET_MARK, ...base64FormsOf(SECRET_MARK), hexOf(SECRET_MARK)].join('|'), 'i'),
  ],
  ['a private key', /-----BEGIN [A-Z ]*PRIVATE KEY|\\?"d\\?"\s*:\s*\\?"[\w-]{20,}/],
];

/** What was found, by its kind and never by what it is. */
export function findingsIn(text: string): readonly string[] {
  const found = NEEDLES.filter(([, needle]) => needle.test(text)).map(([what]) => what);
  return hasToken(text) ? ['a token', ...found] : found;
}

/**
 * `eyJ` is how every JWT begins, `ZXlK` how that begins in base64. Thumbprints and digests hold these letters by chance, but what follows
 * them there is no text: a token's header or payload is JSON, however short it was cut.
 */
function hasToken(text: string): boolean {
  for (const [from, again] of [
    ['eyJ', false],
    ['ZXlK', true],
  ] as const) {
    for (let at = text.indexOf(from); at >= 0; at = text.indexOf(from, at + 1)) {
      const [run = ''] = /^[\w+/-]{0,24}/.exec(text.slice(at, at + 24)) ?? [];
      const decoded = Buffer.from(run, 'base64').toString('latin1');
      if (
        again
          ? hasToken(decoded)
          : run.length >= 6 && /^[\u0020-\u007e]*$/.test(decoded.slice(0, run.length > 8 ? 9 : 4))
      )
        return true;
    }
  }
  return false;
}

/** Base64 of a text with anything before and behind it: three alignments, without the characters that neighbours share. */
function base64FormsOf(text: string): readonly string[] {
  return [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]);
    const from = Math.ceil((before * 4) / 3);
    const to = Math.floor((whole.length * 4) / 3);
    return whole.toString('base64').slice(from, to);
  });
}

function hexOf(text: string): string {
  return Buffer.from(text).toString('hex');
}
