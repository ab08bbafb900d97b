/** What is written for eyes: colours where there is a terminal, and no control characters of anybody else's. */
import { randomUUID } from 'node:crypto';
import { styleText } from 'node:util';
import type { CliWorld, Writer } from './world.ts';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
export type Paint = (style: Style, text: string) => string;

/** https://no-color.org: any value that is not empty switches colours off. */
export function paintFor(writer: Writer, env: CliWorld['env']): Paint {
  const isColoured = writer.isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return (style, text) => (isColoured ? styleText(style, text, { validateStream: false }) : text);
}

/**
 * A display name is written by a tenant and read by an administrator: an escape sequence in it could repaint his terminal, so that a
 * refused thing looks granted. Shown is that there was something. So are the marks that turn the direction of writing around.
 */
export function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });
}

/** The same for a text of several lines, whose line ends are its own. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visible).join('\n');
}

/**
 * A text that is put together of ours and of other people's: what our own paint did stays, whatever else would move the cursor is shown. So no
 * command has to remember it, and nobody's text holds our paint, for that is told apart by a word that was made for this one text.
 */
export function paintedLines(text: (paint: Paint) => string, paint: Paint): string {
  // The paint of a log or a file: nothing to tell apart, and widths are counted as they are.
  if (paint('bold', '') === '') return visibleLines(text(paint));
  const word = randomUUID();
  const kept: string[] = [];
  const mark = (sequence: string): string => `${word}:${kept.push(sequence) - 1};`;
  const marked = text((style, inner) => {
    const [before = '', after = ''] = paint(style, word).split(word);
    return mark(before) + inner + mark(after);
  });
  return visibleLines(marked).replaceAll(new RegExp(`${word}:(\\d+);`, 'g'), (_, at: string) => kept[Number(at)] ?? '');
}
