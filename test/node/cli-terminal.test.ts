/** What is written for eyes: colours and progress on a terminal only, and nobody else's control characters. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { startProgress } from '../../src/cli/progress.ts';
import { paintedLines, paintFor, visible } from '../../src/cli/terminal.ts';
import { renderTable } from '../../src/cli/table.ts';
import type { Writer } from '../../src/cli/world.ts';

function screen(isTerminal: boolean): { readonly writer: Writer; readonly text: () => string } {
  let text = '';
  return {
    writer: { write: (part) => void (text += part), isTerminal, width: isTerminal ? 40 : undefined },
    text: () => text,
  };
}

it.each([
  [true, {}, true],
  [false, {}, false],
  [true, { NO_COLOR: '1' }, false],
  [true, { NO_COLOR: '' }, true],
  [true, { TERM: 'dumb' }, false],
])('terminal %s, %j: colours %s', (isTerminal, env, isColoured) => {
  expect(paintFor(screen(isTerminal).writer, env)('red', 'x')).toBe(isColoured ? '\u001b[31mx\u001b[39m' : 'x');
});

it('progress shows after a moment, seldom, on one line, and goes away', () => {
  const { writer, text } = screen(true);
  let nowMs = 1_000;
  const progress = startProgress({ stderr: writer, nowMs: () => nowMs });
  progress.say('at once');
  expect(text()).toBe('');
  nowMs += 400;
  progress.say('100 targets');
  progress.say('too soon after');
  expect(text()).toBe('\r\u001b[2K100 targets (0 s)');
  nowMs += 2_000;
  progress.say('x'.repeat(100));
  progress.end();
  const lines = text().split('\r\u001b[2K');
  expect(lines.at(-1)).toBe('');
  expect(lines.every((line) => line.length < 40 && !line.includes('\n'))).toBe(true);
});

it('a log gets no progress', () => {
  const { writer, text } = screen(false);
  let nowMs = 0;
  const progress = startProgress({ stderr: writer, nowMs: () => (nowMs += 10_000) });
  progress.say('working');
  progress.end();
  expect(text()).toBe('');
});

it('no text of anybody moves the cursor, changes a colour, or turns the direction of writing', () => {
  const hostile = fc.string({
    unit: fc.oneof(
      fc.constantFrom('\u001b', '\u009b', '\u202e', '\u2066', '\r', '\n', '\u200f', '\u2028'),
      fc.string({ maxLength: 1 }),
    ),
  });
  fc.assert(
    fc.property(hostile, (text) => {
      expect(visible(text)).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069\u200e\u200f\u2028\u2029]/u);
      // And a row stays a row.
      expect(renderTable({ headings: ['A', 'B'], rows: [[text, text]] }).split('\n')).toHaveLength(3);
    }),
  );
});

it('our paint stays, and no paint of anybody else’s among it', () => {
  const paint = paintFor(screen(true).writer, {});
  const shown = paintedLines(
    (one) => `${one('green', 'ok\u001b[31m')} \u001b[32mgranted ${one('bold', one('red', 'x'))}\n`,
    paint,
  );
  expect(shown).toBe('\u001b[32mok\\u{1b}[31m\u001b[39m \\u{1b}[32mgranted \u001b[1m\u001b[31mx\u001b[39m\u001b[22m\n');
  expect(paintedLines((one) => `${one('red', 'x\u009b')}\n`, paintFor(screen(false).writer, {}))).toBe('x\\u{9b}\n');
});
