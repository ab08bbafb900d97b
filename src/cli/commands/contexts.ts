/** `contexts`: the brokers that were logged in to. */
import type { Command } from 'commander';
import { readContexts, writeContexts, type Contexts } from '../contexts.ts';
import { addExamples } from '../examples.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFault } from '../fault.ts';
import { print, tableText } from '../output.ts';
import type { CliWorld } from '../world.ts';

export function contextsCommand(program: Command, world: CliWorld): void {
  const contexts = program.command('contexts').description('The brokers that you have logged in to.');
  addExamples(contexts, 'edge-sts contexts list', 'edge-sts contexts use sts.example.com');
  const list = contexts
    .command('list')
    .description('All of them, and which one is asked where nothing is said.')
    .action(() => {
      const { current, contexts: known } = readContexts(world);
      // Never the tokens: what is printed ends up in bug reports.
      const rows = Object.entries(known).map(([name, { server, project, tokenFile }]) => ({
        name,
        server,
        ...(project === undefined ? {} : { project }),
        ...(tokenFile === undefined ? {} : { tokenFile }),
        current: name === current,
      }));
      print(list, world, {
        value: rows,
        names: rows.map(({ name }) => name),
        text: tableText(
          {
            headings: ['CURRENT', 'NAME', 'SERVER', 'PROJECT'],
            rows: rows.map((row) => [row.current ? '*' : '', row.name, row.server, row.project ?? '-']),
          },
          'None yet: edge-sts login URL',
        ),
      });
    });
  addExamples(list, 'edge-sts contexts list', 'edge-sts contexts list --json');
  addChange(contexts, world, 'use', 'Ask this one from now on.', (all, name) => ({ ...all, current: name }));
  addChange(contexts, world, 'remove', 'Forget it, and its token.', ({ current, contexts: known }, name) => ({
    ...(current === undefined || current === name ? {} : { current }),
    contexts: Object.fromEntries(Object.entries(known).filter(([one]) => one !== name)),
  }));
}

function addChange(
  contexts: Command,
  world: CliWorld,
  verb: string,
  description: string,
  change: (all: Contexts, name: string) => Contexts,
): void {
  const command = contexts
    .command(verb)
    .description(description)
    .argument('<name>', 'as `contexts list` shows it')
    .action((name: string) => {
      const all = readContexts(world);
      if (!Object.hasOwn(all.contexts, name)) {
        throw new CliFault(EXIT.notFound, `There is no context ${JSON.stringify(name)}.`, ['edge-sts contexts list']);
      }
      const changed = change(all, name);
      writeContexts(world, changed);
      print(command, world, {
        value: { current: changed.current ?? null, contexts: Object.keys(changed.contexts) },
        names: Object.keys(changed.contexts),
        text: () =>
          verb === 'use' ? `${name} is asked from now on.\n` : `${name} is forgotten, and its token with it.\n`,
      });
    });
  addExamples(command, `edge-sts contexts ${verb} sts.example.com`);
}
