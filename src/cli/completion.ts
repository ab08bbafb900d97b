/** What could stand at the end of a line that is being typed: read off the commands themselves, so that it cannot lag behind them. */
import type { Argument, Command, Option } from 'commander';

/** `words`: what follows `edge-sts`; the last one is being typed and may be empty. */
export function candidates(program: Command, words: readonly string[]): readonly string[] {
  const typed = words.at(-1) ?? '';
  const { command, options, expecting, position } = walk(program, words.slice(0, -1));
  const found =
    expecting === undefined
      ? typed.startsWith('-')
        ? options.flatMap(({ long, short }) => [long, short]).filter((flag) => flag !== undefined && flag !== null)
        : [...subcommands(command), ...choicesOf(argumentAt(command, position))]
      : choicesOf(expecting);
  return [...new Set(found)].filter((one) => one.startsWith(typed)).toSorted();
}

interface Place {
  readonly command: Command;
  readonly options: readonly Option[];
  /** The option whose value comes next. */
  readonly expecting: Option | undefined;
  /** How many arguments stand there already. */
  readonly position: number;
}

function walk(program: Command, words: readonly string[]): Place {
  let command = program;
  let expecting: Option | undefined;
  let position = 0;
  for (const word of words) {
    if (expecting !== undefined) {
      expecting = undefined;
      continue;
    }
    if (word.startsWith('-')) {
      const option = optionsOf(command).find(({ long, short }) => word === long || word === short);
      expecting = option !== undefined && (option.required || option.optional) ? option : undefined;
      continue;
    }
    const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (next === undefined) position += 1;
    else {
      command = next;
      position = 0;
    }
  }
  return { command, options: optionsOf(command), expecting, position };
}

function optionsOf(command: Command): readonly Option[] {
  const above = command.parent === null ? [] : optionsOf(command.parent);
  return [...command.createHelp().visibleOptions(command), ...above];
}

function subcommands(command: Command): readonly string[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((one) => one.name());
}

function argumentAt(command: Command, position: number): Argument | undefined {
  const all = command.registeredArguments;
  const last = all.at(-1);
  return all[position] ?? (last?.variadic === true ? last : undefined);
}

function choicesOf(of: Option | Argument | undefined): readonly string[] {
  return of?.argChoices ?? [];
}

/** For a shell's own start-up file; it asks the program at each Tab. */
export const SCRIPTS = {
  bash: `# edge-sts completion bash
_edge_sts() {
  local IFS=$'\\n'
  COMPREPLY=($(edge-sts __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  if [ \${#COMPREPLY[@]} -eq 0 ]; then compopt -o default; fi
}
complete -F _edge_sts edge-sts
`,
  zsh: `#compdef edge-sts
# edge-sts completion zsh
_edge_sts() {
  local -a found
  found=(\${(f)"$(edge-sts __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( \${#found} )); then compadd -- $found; else _files; fi
}
compdef _edge_sts edge-sts
`,
  fish: `# edge-sts completion fish
function __edge_sts_complete
  set -l words (commandline -opc) (commandline -ct)
  edge-sts __complete -- $words[2..-1] 2>/dev/null
end
complete -c edge-sts -a '(__edge_sts_complete)'
`,
} as const;
