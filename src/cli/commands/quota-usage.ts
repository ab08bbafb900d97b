/** `quota usage`: how many exchanges there were and how they ended, by minute or hour. */
import { Option, type Command } from 'commander';
import { isResource, type Resource } from '../../client/administration.ts';
import { cell } from '../columns.ts';
import { connect, needProject } from '../connection.ts';
import { addExamples } from '../examples.ts';
import { print } from '../output.ts';
import { shortName } from '../references.ts';
import { answered } from '../reply.ts';
import { renderTable } from '../table.ts';
import type { CliWorld } from '../world.ts';

interface UsageOptions {
  readonly by?: string;
  readonly hours?: true;
}

export function addUsage(quota: Command, world: CliWorld): void {
  const command = quota
    .command('usage')
    .description('How many exchanges there were in the last hour (or day), and how they ended.')
    .addOption(new Option('--by <what>', 'the busiest').choices(['provider', 'principal', 'target']))
    .option('--hours', 'the last day by the hour instead of the last hour by the minute')
    .action(async () => {
      const connection = await connect(command, world);
      const { by, hours } = command.opts<UsageOptions>();
      const name = `projects/${needProject(connection)}/usage`;
      const query = { resolution: hours === true ? 'HOUR' : 'MINUTE', ...(by === undefined ? {} : { groupBy: by }) };
      const usage = answered(`get ${name}`, await connection.administration.get(name, query));
      print(command, world, {
        value: usage,
        text: (paint) => {
          const bold = (text: string): string => paint('bold', text);
          const rows = documents(by === undefined ? usage['points'] : usage['top']).map((one) => [
            by === undefined ? cell(one['startTime']) : labelOf(one['name']),
            cell(one['granted']),
            cell(one['refused']),
            reasons(one['byReason']),
          ]);
          if (rows.length === 0) return 'No exchanges.\n';
          return renderTable(
            { headings: [by === undefined ? 'FROM' : by.toUpperCase(), 'GRANTED', 'REFUSED', 'REASONS'], rows },
            bold,
          );
        },
      });
    });
  addExamples(
    command,
    'edge-sts quota usage -p my-project',
    'edge-sts quota usage -p my-project --by principal --hours --json',
  );
}

function labelOf(name: unknown): string {
  return typeof name === 'string' && name.includes('/providers/') ? shortName(name) : cell(name);
}

function reasons(byReason: unknown): string {
  if (!isResource(byReason)) return '-';
  const refused = Object.entries(byReason).filter(([reason]) => reason !== 'granted');
  return refused.map(([reason, count]) => `${reason} ${cell(count)}`).join(', ') || '-';
}

function documents(value: unknown): readonly Resource[] {
  return Array.isArray(value) ? value.filter(isResource) : [];
}
