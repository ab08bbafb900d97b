/** `delete` and `undelete`: by name only, one or several; what is kept for thirty days is said. */
import type { Command } from 'commander';
import type { Resource } from '../../client/administration.ts';
import { connect } from '../connection.ts';
import { addExamples } from '../examples.ts';
import { usageFault } from '../fault.ts';
import { print } from '../output.ts';
import { readReferences, shortName } from '../references.ts';
import { answered } from '../reply.ts';
import type { CliWorld } from '../world.ts';

export function deleteCommand(program: Command, world: CliWorld): void {
  const command = program
    .command('delete')
    .description(
      'Delete resources. Projects, pools, providers and service accounts come back with undelete for 30 days; all else with history restore.',
    )
    .argument('<what...>', 'KIND/ID…, KIND ID… or whole names')
    .option('--pool <id>', "the pool that providers are in (the project's own, PROJECT.svc.id.goog)")
    .option('--attached-to <target>', 'of deny policies: target/ID, else the project')
    .action((what: readonly string[]) => change(command, world, what, 'delete'));
  addExamples(
    command,
    'edge-sts delete target/orders role/reader -p my-project',
    'edge-sts delete provider cluster-one -p my-project',
  );
}

export function undeleteCommand(program: Command, world: CliWorld): void {
  const command = program
    .command('undelete')
    .description('Bring back deleted projects, pools, providers and service accounts, as they were.')
    .argument('<what...>', 'KIND/ID…, KIND ID… or whole names')
    .option('--pool <id>', "the pool that providers are in (the project's own, PROJECT.svc.id.goog)")
    .action((what: readonly string[]) => change(command, world, what, 'undelete'));
  addExamples(command, 'edge-sts undelete provider/cluster-one -p my-project');
}

async function change(
  command: Command,
  world: CliWorld,
  what: readonly string[],
  verb: 'delete' | 'undelete',
): Promise<void> {
  const connection = await connect(command, world);
  const { administration } = connection;
  const references = await readReferences(command, connection, what);
  // Everything that can be known before is looked at before: half a list deleted because of a typing error helps nobody.
  for (const { kind, name } of references) {
    if (name === undefined) throw usageFault(`Which ${kind.plural}? Name them; there is no ${verb} of all.`);
    if (!kind.verbs.includes(verb)) throw usageFault(`A ${kind.name} cannot be ${verb}d.`);
  }
  const done: { readonly name: string; readonly said: string; readonly answer: Resource }[] = [];
  for (const { kind, name = '' } of references) {
    const reply =
      // oxlint-disable-next-line no-await-in-loop -- in the order they were named; the first refusal ends it
      verb === 'delete' ? await administration.remove(name) : await administration.call(name, 'undelete');
    const answer = answered(`${verb} ${name}`, reply);
    const kept = verb === 'delete' && kind.keepsDeleted ? ' (for 30 days: undelete brings it back)' : '';
    const said = `${kind.name}/${shortName(name)} ${verb}d${kept}`;
    done.push({ name, said, answer });
  }
  print(command, world, {
    value: done.map(({ name, answer }) => ({ name, [`${verb}d`]: true, answer })),
    names: done.map(({ name }) => name),
    text: () => done.map(({ said }) => `${said}\n`).join(''),
  });
}
