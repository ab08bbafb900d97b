/** `quota`: what the limits are and how much of them is used; a tenant asks for more, an administrator grants or refuses. */
import { Option, type Command } from 'commander';
import type { Resource } from '../../client/administration.ts';
import { kindOf } from '../../client/kinds.ts';
import { cell, tableOf } from '../columns.ts';
import { connect, needProject, type Connection } from '../connection.ts';
import { addExamples } from '../examples.ts';
import { usageFault } from '../fault.ts';
import { documentText, print } from '../output.ts';
import { answered } from '../reply.ts';
import { renderTable } from '../table.ts';
import { readUntil } from '../times.ts';
import type { CliWorld } from '../world.ts';
import { addUsage } from './quota-usage.ts';

const QUOTAS = {
  exchanges: 'TokenExchangeRequestsPerMinutePerProject',
  credentials: 'CredentialGenerationRequestsPerMinutePerProject',
} as const;

export function quotaCommand(program: Command, world: CliWorld): void {
  const quota = program.command('quota').description('Show limits and their use; ask for more, grant or refuse it.');
  addExamples(quota, 'edge-sts quota list -p my-project', 'edge-sts quota usage -p my-project --by provider');
  addList(quota, world);
  addUsage(quota, world);
  addAsk(quota, world);
  addVerdict(quota, world, 'grant');
  addVerdict(quota, world, 'refuse');
  addWithdraw(quota, world);
}

function addList(quota: Command, world: CliWorld): void {
  const command = quota
    .command('list')
    .description('Limits, what is used of them in this minute, and what was asked for.')
    .action(async () => {
      const connection = await connect(command, world);
      const { administration } = connection;
      const project = `projects/${needProject(connection)}`;
      const listed = async (kind: 'quota' | 'quotapreference'): Promise<readonly Resource[]> => {
        const collection = `${project}/${kindOf(kind).collection}`;
        return answered(`list ${collection}`, await administration.list(kindOf(kind), collection));
      };
      const [quotas, preferences] = [await listed('quota'), await listed('quotapreference')];
      print(command, world, {
        value: { quotaInfos: quotas, quotaPreferences: preferences },
        names: [...quotas, ...preferences].map(({ name }) => cell(name)),
        text: (paint) => {
          const table = (kind: 'quota' | 'quotapreference', rows: readonly Resource[]): string =>
            renderTable(tableOf(kind, rows, world.nowMs()), (text) => paint('bold', text));
          const asked = preferences.length === 0 ? '' : `\n${table('quotapreference', preferences)}`;
          return `${table('quota', quotas)}${asked}`;
        },
      });
    });
  addExamples(command, 'edge-sts quota list -p my-project --json');
}

interface AskOptions {
  readonly value: string;
  readonly of: keyof typeof QUOTAS;
  readonly justification: string;
  readonly until?: string;
  readonly contact?: string;
}

function addAsk(quota: Command, world: CliWorld): void {
  const command = quota
    .command('ask')
    .description('Ask for another limit, for a while or for good.')
    .argument('<id>', 'what to call what is asked for')
    .requiredOption('--value <count>', 'how many a minute')
    .addOption(new Option('--of <quota>', 'which limit').choices(Object.keys(QUOTAS)).default('exchanges'))
    .requiredOption('--justification <text>', 'why, for whoever decides')
    .option('--until <time>', 'a time (RFC 3339), or a length from now such as 2d; for good, unless said')
    .option('--contact <email>', 'whom to ask back')
    .action(async (id: string) => {
      const connection = await connect(command, world);
      const { value, of, justification, until, contact } = command.opts<AskOptions>();
      if (!/^[0-9]{1,15}$/.test(value)) throw usageFault('--value must be a whole number.');
      const kind = kindOf('quotapreference');
      const collection = `projects/${needProject(connection)}/${kind.collection}`;
      const body = {
        service: 'sts',
        quotaId: QUOTAS[of],
        quotaConfig: { preferredValue: value },
        justification,
        ...(until === undefined ? {} : { expireTime: readUntil(until, world.nowMs()) }),
        ...(contact === undefined ? {} : { contactEmail: contact }),
      };
      told(
        command,
        world,
        answered(`ask for ${id}`, await connection.administration.create(kind, collection, id, body)),
      );
    });
  addExamples(
    command,
    'edge-sts quota ask friday -p my-project --value 12000 --until 2d --justification "all clusters restart on Friday"',
  );
}

interface VerdictOptions {
  readonly value?: string;
  readonly until?: string;
  readonly comment?: string;
}

function addVerdict(quota: Command, world: CliWorld, verb: 'grant' | 'refuse'): void {
  const command = quota
    .command(verb)
    .description(verb === 'grant' ? 'Grant what was asked for, whole or in part.' : 'Refuse what was asked for.')
    .argument('<id>', 'what it is called');
  // Who is refused should learn why.
  if (verb === 'refuse') command.requiredOption('--comment <text>', 'what to tell whoever asked');
  if (verb === 'grant') {
    command
      .option('--comment <text>', 'what to tell whoever asked')
      .option('--value <count>', 'how many a minute, instead of what was asked for')
      .option('--until <time>', 'a time (RFC 3339), or a length from now such as 2d');
  }
  command.action(async (id: string) => {
    const connection = await connect(command, world);
    const { value, until, comment } = command.opts<VerdictOptions>();
    const body = {
      ...(value === undefined ? {} : { grantedValue: value }),
      ...(until === undefined ? {} : { expireTime: readUntil(until, world.nowMs()) }),
      ...(comment === undefined ? {} : { comment }),
    };
    const apiVerb = verb === 'grant' ? 'approve' : 'refuse';
    const reply = await connection.administration.call(preferenceName(connection, id), apiVerb, body);
    told(command, world, answered(`${verb} ${id}`, reply));
  });
  addExamples(
    command,
    verb === 'grant'
      ? 'edge-sts quota grant friday -p my-project --value 9000 --until 2d'
      : 'edge-sts quota refuse friday -p my-project --comment "lower the restarts instead"',
  );
}

function addWithdraw(quota: Command, world: CliWorld): void {
  const command = quota
    .command('withdraw')
    .description('Withdraw what was asked for; a raise for a while that it brought ends.')
    .argument('<id>', 'what it is called')
    .action(async (id: string) => {
      const connection = await connect(command, world);
      const reply = await connection.administration.remove(preferenceName(connection, id));
      told(command, world, answered(`withdraw ${id}`, reply));
    });
  addExamples(command, 'edge-sts quota withdraw friday -p my-project');
}

function preferenceName(connection: Connection, id: string): string {
  return `projects/${needProject(connection)}/${kindOf('quotapreference').collection}/${encodeURIComponent(id)}`;
}

function told(command: Command, world: CliWorld, preference: Resource): void {
  print(command, world, { value: preference, names: [cell(preference['name'])], text: documentText(preference) });
}
