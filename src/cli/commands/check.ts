/** `check`: asks the broker why a principal, or the bearer of a token, may or may not (`:troubleshoot`). */
import type { Command } from 'commander';
import type { Resource } from '../../client/administration.ts';
import { cell } from '../columns.ts';
import { connect, needProject, type Connection } from '../connection.ts';
import { addExamples } from '../examples.ts';
import { EXIT } from '../exit-codes.ts';
import { explanationText } from '../explanation.ts';
import { usageFault } from '../fault.ts';
import { print } from '../output.ts';
import { ownOrigin } from '../own-origin.ts';
import { policyResource, poolIn, type PlaceOptions } from '../references.ts';
import { answered } from '../reply.ts';
import { readTokenFile } from '../secret-input.ts';
import type { CliWorld } from '../world.ts';

interface CheckOptions extends PlaceOptions {
  readonly principal?: string;
  readonly subjectTokenFile?: string;
  readonly provider?: string;
  readonly target?: string;
  readonly broker?: true;
  readonly permission?: string;
  readonly on?: string;
  readonly time?: string;
}

export function checkCommand(program: Command, world: CliWorld): void {
  const command = program
    .command('check')
    .description('Explain a decision: may this principal, or the bearer of this token, do that, and why?')
    .option('--principal <name>', 'principal://…, or ns/NAMESPACE/sa/NAME of the pool')
    .option('--subject-token-file <file>', "a workload's token instead; - is stdin")
    .option('--provider <name>', 'which provider the token is for, where its own audience does not say')
    .option('--target <target>', 'may it get a token for this target (id or uri)?')
    .option('--broker', 'may it get a token for the broker itself?')
    .option('--permission <permission>', 'may it do this?')
    .option('--on <resource>', 'where: organization, project, pool/ID or target/ID (the project, unless said)')
    .option('--pool <id>', "the pool that the principal is in (the project's own, PROJECT.svc.id.goog)")
    .option('--time <time>', 'at this time (RFC 3339) instead of now')
    .action(() => check(command, world));
  addExamples(
    command,
    'edge-sts check -p my-project --principal ns/shop/sa/checkout --target orders',
    'edge-sts check -p my-project --subject-token-file token.jwt --target orders',
    'edge-sts check -p my-project --principal ns/ci/sa/deployer --permission iam.roles.create --json',
  );
}

async function check(command: Command, world: CliWorld): Promise<void> {
  const options = command.opts<CheckOptions>();
  const asked = [options.target, options.broker, options.permission].filter((one) => one !== undefined);
  if (asked.length !== 1) throw usageFault('Ask one thing: --target, --broker or --permission.');
  const connection = await connect(command, world);
  const on = await policyResource(command, connection, options.on);
  const body = {
    ...(await who(world, connection, options)),
    ...(options.provider === undefined ? {} : { audience: await audienceOf(connection, options.provider, options) }),
    ...(options.permission === undefined ? {} : { permission: options.permission }),
    ...(options.target === undefined ? {} : { target: options.target.replace(/^targets?\//, '') }),
    ...(options.broker === undefined ? {} : { target: await ownOrigin(connection) }),
    ...(options.time === undefined ? {} : { time: options.time }),
  };
  const answer = answered(`check on ${on}`, await connection.administration.call(on, 'troubleshoot', body));
  world.exitCode = answer['overallAccessState'] === 'CAN_ACCESS' ? EXIT.ok : EXIT.no;
  print(command, world, { value: answer, text: (paint) => explanationText(answer, paint) });
}

async function who(world: CliWorld, connection: Connection, options: CheckOptions): Promise<Resource> {
  const { principal, subjectTokenFile } = options;
  if ((principal === undefined) === (subjectTokenFile === undefined)) {
    throw usageFault('Who? Say --principal NAME or --subject-token-file FILE.');
  }
  if (subjectTokenFile !== undefined) return { token: await readTokenFile(world, subjectTokenFile) };
  return { principal: await principalOf(connection, principal ?? '', options) };
}

async function principalOf(connection: Connection, typed: string, options: CheckOptions): Promise<string> {
  if (/^[a-z]+:/i.test(typed)) return typed;
  if (!/^ns\/[^/]+\/sa\/[^/]+$/.test(typed)) throw usageFault('--principal: say principal://… or ns/NAMESPACE/sa/NAME');
  const pool = await poolIn(connection, options);
  return `principal://iam.googleapis.com/projects/${await numberOf(connection)}/locations/global/workloadIdentityPools/${pool}/subject/${typed}`;
}

async function audienceOf(connection: Connection, typed: string, options: CheckOptions): Promise<string> {
  if (typed.includes('/providers/')) return typed.startsWith('//') ? typed : `//iam.googleapis.com/${typed}`;
  const pool = await poolIn(connection, options);
  const id = typed.replace(/^providers?\//, '');
  return `//iam.googleapis.com/projects/${await numberOf(connection)}/locations/global/workloadIdentityPools/${pool}/providers/${id}`;
}

/** Names of principals hold the project's number, which only the broker knows. */
async function numberOf(connection: Connection): Promise<string> {
  const project = needProject(connection);
  if (/^[0-9]+$/.test(project)) return project;
  return cell(
    answered(`get projects/${project}`, await connection.administration.get(`projects/${project}`))['projectNumber'],
  );
}
