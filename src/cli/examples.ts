/** Each command's help ends with examples: what people copy. */
import type { Command } from 'commander';

/** Lines as they are typed, without the prompt; a line that starts with `#` is a remark. */
export function addExamples(command: Command, ...lines: readonly string[]): void {
  const shown = lines.map((line) => (line.startsWith('#') ? `  ${line}` : `  $ ${line}`));
  command.addHelpText('after', `\nExamples:\n${shown.join('\n')}`);
}
