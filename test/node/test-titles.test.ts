/** What counts as a test's title where the security list names one. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { titlesIn } from '../support/node/test-titles.ts';

it('first arguments of it, test and describe, also behind each with any table', () => {
  const { tests, texts } = titlesIn(`
    // it('in a comment', () => {});
    import { it } from 'a module';
    describe('a group', () => {
      it('plain', async () => {});
      test("with 'quotes'", () => {});
      it.each([['a row', (x) => \`\${x}) it('in a template')\`], [/['"(]/, 1 / 2]])('%s of a table', () => {});
      it.each(ROWS.map((row) => [row.id, row] as const))(
        'over two lines',
        () => expect('a text').toBe(1 / 2),
      );
      describe.each([1])('a group of each', () => {});
      it.each<[string, () => Map<string, number>]>([['x', () => new Map()]])('with types', () => {});
      it('it\\'s escaped', () => {});
    });
    it.skip('skipped', () => {});
    it.todo('to be done');
    expect.it('of something else');
    const it_ = x('another function');
    await expect(run("it('in a text')")).resolves.toBe(1);
  `);
  expect([...tests]).toEqual([
    'a group',
    'plain',
    "with 'quotes'",
    '%s of a table',
    'over two lines',
    'a group of each',
    'with types',
    "it's escaped",
  ]);
  expect(texts).toContain('a row');
  expect(texts).toContain('skipped');
});

it('reads this very file', () => {
  const { tests } = titlesIn(readFileSync(import.meta.filename, 'utf8'));
  expect([...tests]).toEqual([
    'first arguments of it, test and describe, also behind each with any table',
    'reads this very file',
  ]);
});
