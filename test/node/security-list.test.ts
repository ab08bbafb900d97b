/** The list of docs/security.md cannot rot: each row that must be covered has a test that is there, or a reason why not yet. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Listed, faultsOf, readList } from '../support/node/security-list.ts';
import { type Titles, titlesIn } from '../support/node/test-titles.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const markdown = readFileSync(join(root, 'docs/security.md'), 'utf8');

const numbered = (letter: string, from: number, to: number): readonly string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => `${letter}${from + at}`);

/** Written down here, so that a row cannot be dropped from the document and be forgotten. */
const REQUIRED = [
  '0.1',
  ...['none', 'hmac', 'embedded key', 'kid', 'crit and b64', 'duplicate members', 'psychic signatures'].map(
    (row) => `1.3 ${row}`,
  ),
  ...['base64url', 'size and depth', 'jwe and nested', 'typ', 'unicode', 'dates', 'aud'].map((row) => `1.3 ${row}`),
  ...numbered('T', 1, 8),
  ...numbered('T', 11, 14),
  'T16',
  ...numbered('L', 1, 37),
];
/** Threats that have tests as well, and whose lists belong to other steps. */
const ALSO_KNOWN = ['T9', 'T10', 'T15', ...numbered('T', 17, 20)];

const known = new Map<string, Titles | undefined>();
function titlesOf(file: string): Titles | undefined {
  const path = join(root, 'test', file);
  if (!known.has(file)) known.set(file, existsSync(path) ? titlesIn(readFileSync(path, 'utf8')) : undefined);
  return known.get(file);
}

const faults = (list: Listed): readonly string[] => faultsOf(list, REQUIRED, ALSO_KNOWN, titlesOf);
const list = readList(markdown);

describe('docs/security.md', () => {
  it('has a test or a reason for every row, and no line twice', () => {
    expect(list.lines.length).toBeGreaterThan(130);
    expect(faults(list)).toEqual([]);
  });

  const first = list.lines[0];
  it.each<[what: string, fault: string, broken: string]>([
    ['a test that was renamed', 'is no test', markdown.replace(`"${first?.title}"`, '"another"')],
    [
      'a word that stands in the file but is no title',
      'is no test',
      markdown.replace(` "${first?.title}"`, ' "expectRefusal"'),
    ],
    ['a row of a table that is not there', 'has no row', markdown.replace(`› "${first?.row}"`, '› "nobody"')],
    ['a file that was moved', 'is no file', markdown.replace(`\`${first?.file}\``, '`exchange/moved.test.ts`')],
    ['a row that lost its only test', 'L27 has neither', markdown.replace('T11, L27', 'T11')],
    ['a row of which only a part has a reason', 'L29 has neither', markdown.replace(/(\| L29 +\|) all/, '$1 some')],
    ['a row that lost its reason', 'L29 has neither', markdown.replace(/\| L29 +\| all[^\n]*\n/, '')],
    ['a reason that is none', 'L29 has no reason', markdown.replace(/(\| L29 +\| all +\|)[^\n]*\n/, '$1 later |\n')],
    ['a row that nobody knows', 'L99 is no row', markdown.replaceAll(/\bL37\b/g, 'L99')],
    ['a line twice', 'stands twice', markdown.replace(/(\n\| forged or foreign[^\n]*)/, '$1$1')],
    ['a line that cannot be read', 'cannot be read', markdown.replace(/(\n\| forged or foreign[^\n]*?)"/, '$1')],
    ['a row that is not described', 'L5 is not described', markdown.replace(/\n\| L5 +\| Fulcio[^\n]*/, '')],
  ])('%s would be noticed: %s', (_what, fault, broken) => {
    expect(broken).not.toBe(markdown);
    expect(faults(readList(broken)).join('\n')).toContain(fault);
  });
});

it('no JWT middleware of hono is used, and hono is not older than its mended release', () => {
  const sources = globSync('src/**/*.ts', { cwd: root }).map((file) => readFileSync(join(root, file), 'utf8'));
  expect(sources.filter((text) => text.includes("from 'hono'")).length).toBeGreaterThan(3);
  expect(sources.filter((text) => /from 'hono\/(jwt|jwk|utils\/jwt)/.test(text))).toEqual([]);
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules/hono/package.json'), 'utf8')) as {
    version: string;
  };
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  expect(major * 1_000_000 + minor * 1_000 + patch).toBeGreaterThanOrEqual(4_011_004);
});
