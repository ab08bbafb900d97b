/** What is written for eyes: colours where there is a terminal, and no control characters of anybody else's. */
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
