/** Texts as people read them: numbers with digits grouped, times in one form, names in which nothing hides, and cells that no spreadsheet runs. */

interface Formats {
  readonly grouped: Intl.NumberFormat;
  readonly percent: Intl.NumberFormat;
}

let made: Formats | undefined;

/** The first of them looks through all languages (8 ms), which an isolate that shows nobody a page need not wait for at its start. */
function formats(): Formats {
  made ??= {
    grouped: new Intl.NumberFormat('en-US'),
    percent: new Intl.NumberFormat('en-US', { style: 'percent', maximumFractionDigits: 1 }),
  };
  return made;
}

export function count(value: number): string {
  return formats().grouped.format(Math.round(value * 10) / 10);
}

export function share(part: number, whole: number): string {
  return whole === 0 ? '0%' : formats().percent.format(part / whole);
}

/** `2026-01-31 12:00:00 UTC`; in the browser it becomes the reader's own zone. */
export function utc(rfc3339: string): string {
  const ms = Date.parse(rfc3339);
  return Number.isNaN(ms) ? rfc3339 : `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

const UNITS = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
] as const;

/** The two largest units: `3 d 4 h`. */
export function duration(seconds: number): string {
  let rest = Math.max(0, Math.floor(seconds));
  const parts: string[] = [];
  for (const [length, unit] of UNITS) {
    const many = Math.floor(rest / length);
    rest -= many * length;
    if (many > 0 && parts.length < 2) parts.push(`${many} ${unit}`);
    else if (parts.length > 0) break;
  }
  return parts.length === 0 ? '0 s' : parts.join(' ');
}

/** What turns the reading direction, breaks a line, is not seen, or is no character at all. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u180e]/gu;

/** A name in which whoever reads sees what there is: `admin\u202e` is told from `admin` (SECURITY.md T16). */
export function visible(text: string, maxCharacters = 300): string {
  const cut =
    text.length > maxCharacters ? `${text.slice(0, maxCharacters)}… (${count(text.length)} characters)` : text;
  return cut.replaceAll(HIDDEN, (character) =>
    character === '\n' ? '⏎' : `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`,
  );
}

/** One line of CSV. A cell that a spreadsheet would take for a formula, also in full width, gets an apostrophe in front (CSV injection). */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map((cell) => `"${(/^[\s]*[=+\-@|%\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/.test(cell) ? `'${cell}` : cell).replaceAll('"', '""')}"`).join(',')}\r\n`;
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The last of a resource's name, for tables: the whole stands in its title. */
export function lastOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** `//iam.googleapis.com/projects/…` and long principals, without what is the same in all of them. */
export function shortPrincipal(principal: string): string {
  const [, pool = '', rest = ''] = /\/workloadIdentityPools\/([^/]+)\/(.*)$/s.exec(principal) ?? [];
  return rest === '' ? principal : `${rest.replace(/^subject\//, '')} @ ${pool}`;
}
