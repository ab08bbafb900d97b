/** What `npm start` writes of the broker's lines: no tenant's name paints on the terminal, and the line says the same as JSON. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shownLine } from '../../src/local/shown-line.ts';

it('a name in an audit line paints nothing, and reads as what it was', () => {
  const hostile = fc.string({
    unit: fc.oneof(fc.constantFrom('\u009b', '\u202e', '\u2066', '\u2028', '\u001b', '\u{e0001}', '\n'), fc.string()),
  });
  fc.assert(
    fc.property(hostile, (principal) => {
      const line = JSON.stringify({ event: 'exchange', principal });
      expect(shownLine(line)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(JSON.parse(shownLine(line))).toEqual({ event: 'exchange', principal });
    }),
  );
});

it('what everybody writes stays as it is', () => {
  const line = '{"event":"exchange","principal":"ns/größe/sa/日本 🚀"}';
  expect(shownLine(line)).toBe(line);
});
