/** `history`: who changed what, what differs between two states, and the way back. */
import type { Command } from 'commander';
import { ORGANIZATION, type Resource } from '../../client/administration.ts';
import { cell } from '../columns.ts';
import { connect, needProject, type Connection } from '../connection.ts';
import { differencesText, type Difference } from '../diff-text.ts';
import { addExamples } from '../examples.ts';
import { EXIT } from '../exit-codes.ts';
import { usageFault } from '../fault.ts';
import { entriesTable } from '../history-table.ts';
import { print, tableText } from '../output.ts';
import { answered } from '../reply.ts';
import type { CliWorld } from '../world.ts';
import { readLimit } from './get.ts';

interface HistoryOptions {
  readonly organization?: true;
  readonly resource?: string;
  readonly limit?: string;
  readonly dryRun?: true;
}

const LISTED = '20';

export function historyCommand(program: Command, world: CliWorld): void {
  const history = program
    .command('history')
    .description('Show, compare and restore the configuration as it was.')
    .option('--organization', "the organization's policy instead of a project");
  addExamples(history, 'edge-sts history list -p my-project', 'edge-sts history compare 30 41 -p my-project');
  addList(history, world);
  addShow(history, world);
  addCompare(history, world);
  addRestore(history, world);
}

function addList(history: Command, world: CliWorld): void {
  const command = history
    .command('list')
    .description('Changes, newest first.')
    .option('--resource <row>', 'of one row only, such as target/orders or policy/project')
    .option('--limit <count>', 'no more than so many', LISTED)
    .action(async () => {
      const connection = await connect(command, world);
      const { resource, limit = LISTED } = command.opts<HistoryOptions>();
      const query = resource === undefined ? {} : { resource };
      const of = historyOf(command, connection);
      const reply = await connection.administration.history(of, { limit: readLimit(limit), query });
      const entries = answered(`history of ${of}`, reply);
      print(command, world, {
        value: entries,
        names: entries.map(({ name }) => cell(name)),
        text: tableText(entriesTable(entries), 'No changes.'),
      });
    });
  addExamples(
    command,
    'edge-sts history list -p my-project --resource policy/project',
    'edge-sts history list --organization --json',
  );
}

function addShow(history: Command, world: CliWorld): void {
  const command = history
    .command('show')
    .description('One change: who, when, from where, before and after.')
    .argument('<sequence>', 'its number')
    .action(async (sequence: string) => {
      const connection = await connect(command, world);
      const of = historyOf(command, connection);
      const entry = answered(`history of ${of}`, await connection.administration.historyEntry(of, sequence));
      print(command, world, {
        value: entry,
        names: [cell(entry['name'])],
        text: (paint) =>
          ['sequence', 'time', 'actor', 'address', 'requestId', 'command', 'integrity']
            .map((member) => `${paint('dim', member.padEnd(10))} ${cell(entry[member])}\n`)
            .join('') + differencesText([differenceOf(entry)], paint),
      });
    });
  addExamples(command, 'edge-sts history show 41 -p my-project');
}

function addCompare(history: Command, world: CliWorld): void {
  const command = history
    .command('compare')
    .description('What differs between two states; ends with 1 where anything does.')
    .argument('<from>', 'as it was after this change')
    .argument('[to]', 'and after this one (now, unless said)')
    .action(async (from: string, to: string | undefined) => {
      const connection = await connect(command, world);
      const of = historyOf(command, connection);
      const found = answered(`compare ${of}`, await connection.administration.compareHistory(of, from, to));
      if (found.length > 0) world.exitCode = EXIT.no;
      print(command, world, {
        value: found,
        names: found.map(({ resource }) => cell(resource)),
        text: (paint) => differencesText(found.map(differenceOf), paint),
      });
    });
  addExamples(
    command,
    'edge-sts history compare 30 -p my-project',
    'edge-sts history compare 30 41 -p my-project -o yaml',
  );
}

function addRestore(history: Command, world: CliWorld): void {
  const command = history
    .command('restore')
    .description(
      'Make it again as it was after a change; keys and denials that were taken back since stay as they are.',
    )
    .argument('<sequence>', 'the number of the change')
    .option('--resource <row>', 'this row only, such as role/reader')
    .option('--dry-run', 'say what would be done, and do nothing')
    .action(async (sequence: string) => {
      const connection = await connect(command, world);
      const { resource, dryRun = false } = command.opts<HistoryOptions>();
      const of = historyOf(command, connection);
      const body = { ...(resource === undefined ? {} : { resource }), ...(dryRun ? { validateOnly: true } : {}) };
      const answer = answered(`restore ${of}`, await connection.administration.restoreHistory(of, sequence, body));
      print(command, world, { value: answer, text: () => restoredText(answer, dryRun) });
    });
  addExamples(
    command,
    'edge-sts history restore 41 --dry-run -p my-project',
    'edge-sts history restore 41 --resource role/reader -p my-project',
  );
}

function restoredText({ steps, left }: Resource, isDryRun: boolean): string {
  const list = (value: unknown): readonly Resource[] => (Array.isArray(value) ? value : []);
  const done = list(steps).map(({ action, resource }) => `${cell(action)} ${cell(resource)}\n`);
  const kept = list(left).map(({ resource, reason }) => `left ${cell(resource)}: ${cell(reason)}\n`);
  const head = done.length === 0 ? 'Nothing to do: it is as it was.\n' : isDryRun ? 'This would be done:\n' : '';
  return [head, ...done, ...kept].join('');
}

function historyOf(command: Command, connection: Connection): string {
  const { organization } = command.optsWithGlobals<HistoryOptions>();
  if (organization === true) return ORGANIZATION;
  return `projects/${needProject(connection)}`;
}

function differenceOf(one: Resource): Difference {
  const { resource, before, after } = one;
  if (resource !== undefined && typeof resource !== 'string') throw usageFault('The broker names no resource.');
  return {
    resource: resource ?? 'key ring',
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  };
}
