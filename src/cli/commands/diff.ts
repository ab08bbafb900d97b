/** `diff`: what `apply` would change, and nothing is changed. As `kubectl diff`: 0 nothing, 1 differences, more where it could not look. */
import type { Command } from 'commander';
import { notesOf, planText } from '../config/plan-text.ts';
import { withPlan } from '../config/plan.ts';
import { addExamples } from '../examples.ts';
import { EXIT } from '../exit-codes.ts';
import { print } from '../output.ts';
import { visibleLines } from '../terminal.ts';
import type { CliWorld } from '../world.ts';
import { withFiles } from './apply.ts';

export function diffCommand(program: Command, world: CliWorld): void {
  const command = withFiles(
    program.command('diff').description('Show what apply would change. Exit code 0: nothing; 1: something.'),
  ).action(() =>
    withPlan(command, world, async ({ answer, steps }) => {
      for (const note of notesOf(answer)) world.stderr.write(`${visibleLines(note)}\n`);
      print(command, world, {
        value: answer,
        names: steps.map(({ resource }) => resource),
        text: (paint) => planText(steps, paint),
      });
      if (steps.length > 0) world.exitCode = EXIT.no;
    }),
  );
  addExamples(command, 'edge-sts diff -f examples/one-team -p my-project', 'edge-sts diff -f team.yaml --json');
}
