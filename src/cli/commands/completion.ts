/** `completion`: the script that a shell loads. `__complete` is what that script asks. */
import { Argument, type Command } from 'commander';
import { candidates, SCRIPTS } from '../completion.ts';
import { addExamples } from '../examples.ts';
import type { CliWorld } from '../world.ts';

export function completionCommand(program: Command, world: CliWorld): void {
  const command = program
    .command('completion')
    .description('Print the script that completes edge-sts in your shell.')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SCRIPTS)))
    .action((shell: keyof typeof SCRIPTS) => world.stdout.write(SCRIPTS[shell]));
  addExamples(
    command,
    'source <(edge-sts completion bash)',
    'edge-sts completion zsh > "${fpath[1]}/_edge-sts"',
    'edge-sts completion fish > ~/.config/fish/completions/edge-sts.fish',
  );
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .helpOption(false)
    .action((words: readonly string[]) => {
      for (const one of candidates(program, words)) world.stdout.write(`${one}\n`);
    });
}
