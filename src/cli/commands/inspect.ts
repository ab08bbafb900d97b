/** `inspect`: decodes any token and verifies it: one of the broker's own with its published keys, a workload's by asking the broker. */
import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet } from 'jose';
import type { Command } from 'commander';
import { isResource, type Resource } from '../../client/administration.ts';
import { publishedKeys } from '../../client/documents.ts';
import { cell } from '../columns.ts';
import { connect, type Connection } from '../connection.ts';
import { addExamples } from '../examples.ts';
import { EXIT } from '../exit-codes.ts';
import { usageFault } from '../fault.ts';
import { audiencesOf, decodeToken, type Decoded } from '../jwt.ts';
import { print, toYaml } from '../output.ts';
import { promptForToken, readTokenFile } from '../secret-input.ts';
import { visibleLines, type Paint } from '../terminal.ts';
import type { CliWorld } from '../world.ts';

interface Verdict {
  /** Absent: nobody could say. */
  readonly verified?: boolean;
  readonly by: string;
  readonly reason?: string;
}

export function inspectCommand(program: Command, world: CliWorld): void {
  const command = program
    .command('inspect')
    .description('Decode a token and verify it; ends with 1 where it does not hold. The token itself is not shown.')
    .argument('[file]', 'the token; - is stdin, which is also read where nothing is said')
    .action((file: string | undefined) => inspect(command, world, file));
  addExamples(
    command,
    'edge-sts exchange --subject-token-file token.jwt --resource https://orders.example.com | edge-sts inspect',
    'edge-sts inspect /var/run/secrets/tokens/edge-sts -p my-project --json',
  );
}

async function inspect(command: Command, world: CliWorld, file: string | undefined): Promise<void> {
  const token = await readToken(world, file);
  const decoded = decodeToken(token, file === undefined || file === '-' ? 'stdin' : file);
  const connection = await connect(command, world);
  const verdict = await verify(connection, world, token, decoded);
  if (verdict.verified !== true) world.exitCode = EXIT.no;
  const { header, claims } = decoded;
  print(command, world, {
    value: { header, claims, verification: verdict },
    text: (paint) =>
      [
        verdictText(verdict, paint),
        ...timeTexts(claims, world.nowMs(), paint),
        paint('bold', 'header'),
        visibleLines(toYaml(header)).trimEnd(),
        paint('bold', 'claims'),
        visibleLines(toYaml(claims)).trimEnd(),
        '',
      ].join('\n'),
  });
}

async function readToken(world: CliWorld, file: string | undefined): Promise<string> {
  if (file !== undefined) return readTokenFile(world, file);
  if (!world.stdin.isTerminal) return readTokenFile(world, '-');
  const typed = await promptForToken(world, 'Token (not shown): ');
  if (typed === undefined) throw usageFault('No token: name a file, or - for stdin.');
  return typed;
}

async function verify(connection: Connection, world: CliWorld, token: string, decoded: Decoded): Promise<Verdict> {
  const { iss } = decoded.claims;
  return typeof iss === 'string' && iss.startsWith(`${connection.server}/`)
    ? verifyOwn(connection, world, token, iss)
    : verifyWorkloads(connection, token, decoded);
}

/** As a relying party would, but for the audience, which only that party knows. */
async function verifyOwn({ server }: Connection, world: CliWorld, token: string, issuer: string): Promise<Verdict> {
  const by = `the keys that ${issuer} publishes`;
  const keys = await publishedKeys({ origin: server, fetch: world.fetch }, issuer);
  if (!keys.ok) return { verified: false, by, reason: keys.error.message };
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- jose looks at each key itself
    const set = createLocalJWKSet(keys.value as JSONWebKeySet);
    await jwtVerify(token, set, { issuer, algorithms: ['ES256', 'RS256'], currentDate: new Date(world.nowMs()) });
    return { verified: true, by };
  } catch (fault) {
    if (fault instanceof errors.JOSEError) return { verified: false, by, reason: fault.message };
    throw fault;
  }
}

const PROVIDER =
  /^(?:https:)?\/\/iam\.googleapis\.com\/(projects\/[^/]+)\/locations\/global\/workloadIdentityPools\/([^/]+)\/providers\/[^/]+$/;

/** Which keys those are is the provider's affair, so the broker is asked, as it would decide on an exchange to itself. */
async function verifyWorkloads(
  { administration, token: own }: Connection,
  token: string,
  { claims }: Decoded,
): Promise<Verdict> {
  const by = 'the broker';
  const named = audiencesOf(claims)
    .map((audience) => PROVIDER.exec(audience))
    .find((match) => match !== null);
  if (named === undefined || named === null) {
    return { by, reason: 'neither issued by this broker nor for one of its providers (by its aud)' };
  }
  if (own === undefined) return { by, reason: 'log in to have the broker verify it' };
  const [, project = '', pool = ''] = named;
  const owner = await administration.get(`${project}/locations/global/workloadIdentityPools/${pool}`);
  if (!owner.ok) return { by, reason: owner.error.message };
  const { issuer } = owner.value;
  const target = typeof issuer === 'string' ? new URL(issuer).origin : '';
  const answer = await administration.call(project, 'troubleshoot', { token, target });
  if (!answer.ok) return { by, reason: answer.error.message };
  const { tokenExplanation } = answer.value;
  if (!isResource(tokenExplanation)) return { by, reason: 'the broker said nothing of the token' };
  const { verified, check, reason, provider } = tokenExplanation;
  return {
    verified: verified === true,
    by: `the broker, with the keys of ${cell(provider)}`,
    ...(reason === undefined ? {} : { reason: cell(check ?? reason) }),
  };
}

function verdictText({ verified, by, reason }: Verdict, paint: Paint): string {
  const why = reason === undefined ? '' : ` (${visibleLines(reason)})`;
  if (verified === undefined) return `${paint('yellow', 'not verified')}${why}`;
  return verified
    ? `${paint('green', 'verified')} by ${by}${why}`
    : `${paint('red', 'does not hold')}, says ${by}${why}`;
}

function timeTexts(claims: Resource, nowMs: number, paint: Paint): readonly string[] {
  const names = { iat: 'issued', nbf: 'valid from', exp: 'expires' };
  return Object.entries(names).flatMap(([claim, name]) => {
    const seconds = claims[claim];
    if (typeof seconds !== 'number' || !Number.isFinite(seconds) || Math.abs(seconds) > MAX_SECONDS) return [];
    const away = Math.round(seconds - nowMs / 1_000);
    const said = away < 0 ? `${-away} s ago` : `in ${away} s`;
    return [`${paint('dim', name.padEnd(10))} ${new Date(seconds * 1_000).toISOString()} (${said})`];
  });
}

/** What a Date can hold. */
const MAX_SECONDS = 8.64e12;
