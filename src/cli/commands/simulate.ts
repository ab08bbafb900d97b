/** `simulate`: what a proposed policy would have changed for the exchanges of late. */
import type { Command } from 'commander';
import { parse } from 'yaml';
import { isResource, type Resource } from '../../client/administration.ts';
import { cell } from '../columns.ts';
import { connect } from '../connection.ts';
import { addExamples } from '../examples.ts';
import { EXIT } from '../exit-codes.ts';
import { usageFault } from '../fault.ts';
import { print } from '../output.ts';
import { policyResource } from '../references.ts';
import { answered } from '../reply.ts';
import { readTextFile } from '../secret-input.ts';
import { renderTable } from '../table.ts';
import { tellWarnings } from '../warnings.ts';
import type { CliWorld } from '../world.ts';

export function simulateCommand(program: Command, world: CliWorld): void {
  const command = program
    .command('simulate')
    .description(
      'Try a policy on recent exchanges without setting it; ends with 1 where any would have ended otherwise.',
    )
    .argument('[resource]', 'target/ID, or the project')
    .requiredOption('-f, --file <file>', 'the policy, {bindings: […]} as YAML or JSON; - is stdin')
    .action((resource: string | undefined) => simulate(command, world, resource));
  addExamples(
    command,
    'edge-sts get policy target/orders -p my-project -o yaml > policy.yaml',
    'edge-sts simulate target/orders -p my-project -f policy.yaml',
  );
}

async function simulate(command: Command, world: CliWorld, resource: string | undefined): Promise<void> {
  const { file } = command.opts<{ file: string }>();
  const text = file === '-' ? await world.stdin.readAll() : readTextFile(world, file);
  const policy = readPolicyText(text, file);
  const connection = await connect(command, world);
  const name = await policyResource(command, connection, resource);
  const answer = answered(`simulate on ${name}`, await connection.administration.call(name, 'simulate', { policy }));
  tellWarnings(world, answer);
  const { resultsSummary, results } = answer;
  const summary = isResource(resultsSummary) ? resultsSummary : {};
  if (Number(summary['differenceCount']) > 0) world.exitCode = EXIT.no;
  print(command, world, {
    value: answer,
    text: (paint) => {
      const head = `${cell(summary['logCount'])} recent exchanges: ${cell(summary['unchangedCount'])} would have ended the same, ${cell(summary['differenceCount'])} otherwise.\n`;
      const rows = (Array.isArray(results) ? results.filter(isResource) : []).map(rowOf);
      if (rows.length === 0) return head;
      const headings = ['CHANGE', 'PRINCIPAL', 'TARGET', 'GAINED', 'LOST', 'EXCHANGES'];
      return `${head}\n${renderTable({ headings, rows }, (one) => paint('bold', one))}`;
    },
  });
}

function rowOf({ accessTuple, accessChange, rolesGained, rolesLost, exchanges }: Resource): readonly string[] {
  const tuple = isResource(accessTuple) ? accessTuple : {};
  return [
    accessChange,
    tuple['principal'],
    tuple['fullResourceName'],
    listOf(rolesGained),
    listOf(rolesLost),
    exchanges,
  ].map(cell);
}

function listOf(value: unknown): string {
  return Array.isArray(value) ? value.map(cell).join(', ') : '';
}

function readPolicyText(text: string, file: string): Resource {
  try {
    const policy: unknown = parse(text);
    if (isResource(policy)) return policy;
  } catch (fault) {
    throw usageFault(`${file}: ${fault instanceof Error ? fault.message : String(fault)}`);
  }
  throw usageFault(`${file} is no policy: {bindings: […]} is expected.`);
}
