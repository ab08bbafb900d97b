/** `doctor`: looks at everything that is known to go wrong, names it, and says what to run. */
import type { Command } from 'commander';
import type { Resource } from '../../client/administration.ts';
import { readiness, type Readiness } from '../../client/documents.ts';
import { kindOf } from '../../client/kinds.ts';
import { cell } from '../columns.ts';
import { connect, type Connection } from '../connection.ts';
import { clockFinding, originFinding, readinessFindings } from '../doctor/broker.ts';
import type { PolicyOf } from '../doctor/clusters.ts';
import type { Finding } from '../doctor/finding.ts';
import { keyFindings } from '../doctor/keys.ts';
import { secretsFindings } from '../doctor/secrets.ts';
import { tokenFinding } from '../doctor/token.ts';
import { addExamples } from '../examples.ts';
import { EXIT } from '../exit-codes.ts';
import { usageFault } from '../fault.ts';
import { decodeToken } from '../jwt.ts';
import { print } from '../output.ts';
import { ownOrigin } from '../own-origin.ts';
import { readPolicy } from '../policies.ts';
import { startProgress } from '../progress.ts';
import { readTokenFile } from '../secret-input.ts';
import { visible, type Paint } from '../terminal.ts';
import type { CliWorld } from '../world.ts';

const MAX_PROJECTS = 50;
const MAX_TARGETS = 500;

export function doctorCommand(program: Command, world: CliWorld): void {
  const command = program
    .command('doctor')
    .description('Look for what is known to go wrong; ends with 1 where anything was found.')
    .option('--subject-token-file <file>', "a workload's token, to look at it and at its cluster's clock (with -p)")
    .action(() => doctor(command, world));
  addExamples(command, 'edge-sts doctor', 'edge-sts doctor -p my-project --subject-token-file token.jwt --json');
}

async function doctor(command: Command, world: CliWorld): Promise<void> {
  const progress = startProgress(world);
  const findings: Finding[] = [...secretsFindings(world)];
  try {
    findings.push(...(await examine(command, world, (text) => progress.say(text))));
  } finally {
    progress.end();
  }
  const bad = findings.filter(({ status }) => status === 'problem' || status === 'warning');
  if (bad.length > 0) world.exitCode = EXIT.no;
  print(command, world, {
    value: { findings, healthy: bad.length === 0 },
    names: bad.map(({ check }) => check),
    text: (paint) => [...findings.map((one) => findingText(one, paint)), summary(bad.length, paint), ''].join('\n'),
  });
}

async function examine(command: Command, world: CliWorld, say: (text: string) => void): Promise<readonly Finding[]> {
  const connection = await connect(command, world);
  const { server, administration } = connection;
  const askedAtMs = world.nowMs();
  let found: Readiness | undefined;
  try {
    found = await readiness({ origin: server, fetch: world.fetch });
  } catch (fault) {
    const cause = fault instanceof Error && fault.cause instanceof Error ? fault.cause.message : String(fault);
    const fix = ['Is it the right address? edge-sts whoami', 'A broker on this machine is started by: npm start'];
    return [{ check: 'reachable', status: 'problem', on: server, message: `it does not answer: ${cause}`, fix }];
  }
  const first = readinessFindings(server, found);
  if (found === undefined || !found.ready) return first;
  const clock = clockFinding(found, askedAtMs, world.nowMs());
  const projects = await administration.list(kindOf('project'), 'projects', { limit: MAX_PROJECTS });
  if (!projects.ok) {
    const fix = projects.error.status === 401 ? ['edge-sts login URL, or set EDGE_STS_TOKEN'] : [];
    return [
      ...first,
      clock,
      { check: 'credentials', status: 'problem', on: server, message: projects.error.message, fix },
    ];
  }
  // The broker decides by its own clock, so ages are told by it too.
  const brokerMs = found.dateMs ?? world.nowMs();
  const { project: chosen } = connection;
  const looked = projects.value.filter(
    ({ projectId, projectNumber }) => chosen === undefined || chosen === projectId || chosen === projectNumber,
  );
  const inProjects: Finding[] = [];
  for (const project of looked) {
    say(`Looking at ${cell(project['projectId'])}`);
    // oxlint-disable-next-line no-await-in-loop -- a broker is not asked a thousand things at once
    inProjects.push(...(await examineProject(connection, project, brokerMs)));
  }
  if (chosen !== undefined && looked.length === 0) {
    inProjects.push({
      check: 'project',
      status: 'problem',
      on: chosen,
      message: 'there is no such project, or you may not see it',
    });
  }
  return [...first, clock, ...inProjects, ...(await examineToken(command, world, connection, brokerMs))];
}

async function examineProject(
  connection: Connection,
  project: Resource,
  brokerMs: number,
): Promise<readonly Finding[]> {
  const { administration } = connection;
  const [projectNumber, projectId] = [cell(project['projectNumber']), cell(project['projectId'])];
  const name = `projects/${projectNumber}`;
  const unseen = (what: string, message: string): Finding => ({
    check: 'permissions',
    status: 'unknown',
    on: projectId,
    message: `${what} could not be looked at: ${message}`,
  });
  const pools = await administration.list(kindOf('pool'), `${name}/${kindOf('pool').collection}`);
  if (!pools.ok) return [unseen('its pools', pools.error.message)];
  const findings: Finding[] = pools.value
    .slice(0, 1)
    .flatMap(({ issuer }) => (typeof issuer === 'string' ? [originFinding(connection.server, issuer)] : []));
  const policies = await policiesOf(connection, name).catch((fault: unknown) => {
    findings.push(unseen('its policies', fault instanceof Error ? fault.message : String(fault)));
    return [];
  });
  // Loaded late: it brings the whole policy engine, which no other command needs.
  const { clusterFindings } = await import('../doctor/clusters.ts');
  for (const pool of pools.value) {
    const poolName = cell(pool['name']);
    // oxlint-disable-next-line no-await-in-loop
    const providers = await administration.list(kindOf('provider'), `${poolName}/providers`);
    if (!providers.ok) {
      findings.push(unseen(poolName, providers.error.message));
      continue;
    }
    for (const provider of providers.value) {
      // Only a provider that is asked for by itself shows what its issuer answered.
      // oxlint-disable-next-line no-await-in-loop
      const whole =
        provider['keySource'] === 'discovery' ? await administration.get(cell(provider['name'])) : undefined;
      findings.push(...keyFindings(whole?.ok === true ? whole.value : provider, brokerMs));
    }
    const poolId = poolName.slice(poolName.lastIndexOf('/') + 1);
    findings.push(...clusterFindings({ projectNumber, projectId, poolId }, providers.value, policies));
  }
  return findings;
}

async function policiesOf(connection: Connection, project: string): Promise<readonly PolicyOf[]> {
  const targets = await connection.administration.list(kindOf('target'), `${project}/targets`, { limit: MAX_TARGETS });
  const names = [project, ...(targets.ok ? targets.value.map(({ name }) => cell(name)) : [])];
  const policies: PolicyOf[] = [];
  // oxlint-disable-next-line no-await-in-loop -- one after the other, see above
  for (const resource of names) policies.push({ resource, policy: await readPolicy(connection, resource) });
  return policies;
}

async function examineToken(
  command: Command,
  world: CliWorld,
  connection: Connection,
  brokerMs: number,
): Promise<readonly Finding[]> {
  const { administration, project } = connection;
  const { subjectTokenFile } = command.opts<{ subjectTokenFile?: string }>();
  if (subjectTokenFile === undefined) return [];
  if (project === undefined) throw usageFault('Whose workload is it? Say -p PROJECT.');
  const token = await readTokenFile(world, subjectTokenFile);
  const { claims } = decodeToken(token, subjectTokenFile);
  const explained = await administration.call(`projects/${project}`, 'troubleshoot', {
    token,
    target: await ownOrigin(connection),
  });
  if (explained.ok) return [tokenFinding(explained.value, claims, brokerMs)];
  return [{ check: 'token', status: 'problem', message: explained.error.message }];
}

const MARKS = { ok: 'ok', warning: 'warning', problem: 'PROBLEM', unknown: 'unknown' } as const;
const STYLES = { ok: 'green', warning: 'yellow', problem: 'red', unknown: 'dim' } as const;

function findingText({ check, status, on, message, fix = [] }: Finding, paint: Paint): string {
  const head = `${paint(STYLES[status], MARKS[status].padEnd(7))} ${check.padEnd(19)} ${visible(on === undefined ? message : `${on}: ${message}`)}`;
  return [head, ...fix.map((line) => `${' '.repeat(28)}→ ${visible(line)}`)].join('\n');
}

function summary(count: number, paint: Paint): string {
  if (count === 0) return paint('green', 'Nothing was found.');
  return paint('red', count === 1 ? 'One thing was found.' : `${count} things were found.`);
}
