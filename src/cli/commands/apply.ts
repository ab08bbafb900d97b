/** `apply`: makes a project what the files say, all of it or nothing. */
import type { Command } from 'commander';
import { notesOf, stepsText } from '../config/plan-text.ts';
import { stepsOf, withPlan } from '../config/plan.ts';
import { addExamples } from '../examples.ts';
import { print } from '../output.ts';
import { visibleLines } from '../terminal.ts';
import type { CliWorld } from '../world.ts';

export function applyCommand(program: Command, world: CliWorld): void {
  const command = withFiles(
    program.command('apply').description('Make a project what the files say: all of it or nothing.'),
  )
    .option('--dry-run', 'say what would be done, and do nothing')
    .action(() =>
      withPlan(command, world, async (plan) => {
        const isDry = command.opts<{ dryRun?: boolean }>().dryRun === true;
        const answer = isDry || plan.steps.length === 0 ? plan.answer : await plan.apply();
        const steps = stepsOf(answer);
        for (const note of notesOf(answer)) world.stderr.write(`${visibleLines(note)}\n`);
        print(command, world, {
          value: answer,
          names: steps.map(({ resource }) => resource),
          text: () => {
            if (steps.length === 0) return 'Nothing to change.\n';
            return isDry ? `${stepsText(steps)}Nothing of this was done (--dry-run).\n` : stepsText(steps);
          },
        });
      }),
    );
  addExamples(
    command,
    'edge-sts apply -f examples/one-team -p my-project',
    'edge-sts apply -f team.yaml --owner team-a --dry-run',
    'edge-sts export -p my-project | edge-sts apply -f - -p other-project',
  );
}

/** What `apply` and `diff` both take. */
export function withFiles(command: Command): Command {
  return command
    .requiredOption('-f, --filename <path...>', 'a file, a folder, or - for stdin')
    .option('--owner <name>', 'whose the resources are; over what the files say')
    .option('--no-prune', 'leave standing what the owner has and the files do not name any more')
    .option('--take-over', 'change what belongs to another owner as well; it is this one’s then');
}
