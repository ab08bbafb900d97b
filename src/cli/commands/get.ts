/** `get`: what there is, as a list or one by one. */
import type { Command } from 'commander';
import type { Resource } from '../../client/administration.ts';
import type { KindName } from '../../client/kinds.ts';
import { cell, tableOf } from '../columns.ts';
import { connect, type Connection } from '../connection.ts';
import { addExamples } from '../examples.ts';
import { usageFault } from '../fault.ts';
import { print } from '../output.ts';
import { startProgress } from '../progress.ts';
import { policyText, readPolicy } from '../policies.ts';
import { kindList, policyResource, readReferences, type Reference } from '../references.ts';
import { answered } from '../reply.ts';
import { renderTable } from '../table.ts';
import type { CliWorld } from '../world.ts';

interface GetOptions {
  readonly deleted?: boolean;
  readonly limit?: string;
}

export function getCommand(program: Command, world: CliWorld): void {
  const command = program
    .command('get')
    .description(`Show resources. Kinds: ${kindList()}, policy.`)
    .argument('<what...>', 'KIND, KIND ID…, KIND/ID… or whole names; `policy [RESOURCE]` for an allow policy')
    .option('--pool <id>', "the pool that providers are in (the project's own, PROJECT.svc.id.goog)")
    .option('--attached-to <target>', 'of deny policies: target/ID, else the project')
    .option('--deleted', 'also what is deleted and not yet purged')
    .option('--limit <count>', 'no more than so many')
    .action((what: readonly string[]) => get(command, world, what));
  addExamples(
    command,
    'edge-sts get projects',
    'edge-sts get providers -p my-project',
    'edge-sts get target/orders -p my-project -o yaml',
    'edge-sts get policy target/orders -p my-project --json',
  );
}

async function get(command: Command, world: CliWorld, what: readonly string[]): Promise<void> {
  const connection = await connect(command, world);
  if (what[0] === 'policy') return getPolicy(command, world, connection, what.slice(1));
  const references = await readReferences(command, connection, what);
  const progress = startProgress(world);
  const found: { readonly reference: Reference; readonly resources: readonly Resource[] }[] = [];
  try {
    for (const reference of references) {
      // oxlint-disable-next-line no-await-in-loop -- in the order they were named, and the first that is missing ends it
      found.push({ reference, resources: await read(command, connection, reference, (text) => progress.say(text)) });
    }
  } finally {
    progress.end();
  }
  const [first] = references;
  const all = found.flatMap(({ resources }) => resources);
  const isOne = first?.name !== undefined && references.length === 1;
  print(command, world, {
    value: isOne ? all[0] : all,
    names: all.map((one) => cell(one['name'] ?? one['kid'] ?? one['requestId'])),
    text: (paint) =>
      all.length === 0
        ? `No ${first?.kind.plural ?? 'resources'} found.\n`
        : byKind(found)
            .map(([kind, resources]) =>
              renderTable(tableOf(kind, resources, world.nowMs()), (text) => paint('bold', text)),
            )
            .join('\n'),
  });
}

async function read(
  command: Command,
  { administration }: Connection,
  { kind, name, collection }: Reference,
  say: (text: string) => void,
): Promise<readonly Resource[]> {
  const { deleted = false, limit } = command.opts<GetOptions>();
  if (name !== undefined) {
    if (!kind.verbs.includes('get'))
      throw usageFault(`One ${kind.name} cannot be asked for; list them: get ${kind.plural}`);
    return [answered(`get ${name}`, await administration.get(name))];
  }
  return answered(
    `list ${collection}`,
    await administration.list(kind, collection, {
      showDeleted: deleted && kind.keepsDeleted,
      ...(limit === undefined ? {} : { limit: readLimit(limit) }),
      onPage: (count) => say(`${count} ${kind.plural}`),
    }),
  );
}

export function readLimit(text: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw usageFault('--limit must be a whole number from 1 on.');
  return Number(text);
}

function byKind(
  found: readonly { readonly reference: Reference; readonly resources: readonly Resource[] }[],
): readonly (readonly [KindName, readonly Resource[]])[] {
  const kinds = new Map<KindName, Resource[]>();
  for (const { reference, resources } of found) {
    kinds.set(reference.kind.name, [...(kinds.get(reference.kind.name) ?? []), ...resources]);
  }
  return [...kinds];
}

async function getPolicy(
  command: Command,
  world: CliWorld,
  connection: Connection,
  words: readonly string[],
): Promise<void> {
  if (words.length > 1) throw usageFault('One policy at a time: get policy [RESOURCE]');
  const name = await policyResource(command, connection, words[0]);
  const policy = await readPolicy(connection, name);
  print(command, world, {
    value: policy,
    names: [name],
    text: (paint) => policyText(policy, (text) => paint('bold', text)),
  });
}
