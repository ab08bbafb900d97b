/** `init`: makes the secrets of a deployment, looks for a local broker, and says which commands come next. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { appendFileSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { readiness } from '../../client/documents.ts';
import { isThisMachine, LOCAL_SERVER, readServer, type GlobalOptions } from '../connection.ts';
import { readContexts, writeContexts } from '../contexts.ts';
import { addExamples } from '../examples.ts';
import { usageFault } from '../fault.ts';
import { print } from '../output.ts';
import { readTokenFile } from '../secret-input.ts';
import { completeSecrets, SECRETS_FILE, secretsPath } from '../secrets-file.ts';
import type { CliWorld } from '../world.ts';

interface InitOptions extends GlobalOptions {
  readonly origin?: string;
}

const PROJECT_ID = /^[a-z][a-z0-9-]{2,28}[a-z0-9]$/;
const STATE_FOLDER = '.edge-sts/state';

export function initCommand(program: Command, world: CliWorld): void {
  const command = program
    .command('init')
    .description('Make the secrets of a deployment, and say what to run next. What is there already stays.')
    .option('--origin <url>', 'the https origin that relying parties will trust, such as https://sts.example.com')
    .action(() => init(command, world));
  addExamples(
    command,
    'edge-sts init --origin https://sts.example.com -p my-project',
    '# then, as it says:',
    `npx wrangler deploy --secrets-file ${SECRETS_FILE}`,
  );
}

async function init(command: Command, world: CliWorld): Promise<void> {
  const { origin, project, server } = command.optsWithGlobals<InitOptions>();
  if (project !== undefined && !PROJECT_ID.test(project)) {
    throw usageFault(`${JSON.stringify(project)} is no project id: 4 to 30 of a-z, 0-9 and -, with a letter first.`);
  }
  const publicOrigin = origin === undefined ? undefined : readPublicOrigin(origin);
  const path = secretsPath(world);
  refuseCommitted(world, path);
  const added = completeSecrets(path, publicOrigin);
  const ignored = ignoreInGit(world, path);
  const asked = readServer(server ?? (world.env['EDGE_STS_SERVER'] || LOCAL_SERVER));
  const local = await loginToLocal(world, asked, project);
  const next = nextCommands(local, publicOrigin, project ?? 'my-project');
  print(command, world, {
    value: { secretsFile: SECRETS_FILE, added, gitIgnored: ignored, ...(local ? { context: 'local' } : {}), next },
    text: (paint) =>
      [
        added.length === 0
          ? `${SECRETS_FILE} is complete; nothing was changed.`
          : `${SECRETS_FILE}: made ${added.join(', ')} (mode 0600, not in git).`,
        ...(local
          ? [`The broker on ${asked} answers: context "local" is set up.`]
          : existsSync(localTokenPath(world))
            ? [`No broker answers on ${asked}; one on another port: npx edge-sts init --server http://127.0.0.1:PORT`]
            : []),
        '',
        paint('bold', 'Next:'),
        ...next.map((line) => (line.startsWith('#') ? paint('dim', line) : `  ${line}`)),
        '',
      ].join('\n'),
  });
}

/** What every token will carry for years: no port, no path, no http. */
function readPublicOrigin(text: string): string {
  const origin = readServer(text);
  if (!origin.startsWith('https://') || new URL(origin).port !== '')
    throw usageFault('--origin must be https, without a port.');
  return origin;
}

/** What came with the repository is known to whoever has it: a KEK from there would open every key of this deployment. */
function refuseCommitted({ cwd }: CliWorld, path: string): void {
  const { status } = spawnSync('git', ['ls-files', '--error-unmatch', '--', path], { cwd, stdio: 'ignore' });
  if (status !== 0) return;
  throw usageFault(
    `${SECRETS_FILE} is in git: whoever has the repository has these secrets.`,
    `Take it out and make new ones: git rm --cached ${SECRETS_FILE}, remove the file, and run this again.`,
  );
}

/** A secret that was committed once is in every clone. True: git will not take it. */
function ignoreInGit({ cwd }: CliWorld, path: string): boolean {
  const git = (...args: readonly string[]): number | null => spawnSync('git', args, { cwd, stdio: 'ignore' }).status;
  if (git('rev-parse', '--is-inside-work-tree') !== 0) return false;
  if (git('check-ignore', '--quiet', path) === 0) return true;
  const file = join(cwd, '.gitignore');
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const gap = before === '' || before.endsWith('\n') ? '' : '\n';
  appendFileSync(file, `${gap}${relative(cwd, dirname(path))}/\n`);
  return git('check-ignore', '--quiet', path) === 0;
}

function localTokenPath({ cwd, env }: CliWorld): string {
  return join(cwd, env['EDGE_STS_STATE'] || STATE_FOLDER, 'admin-token');
}

/** Where `npm start` serves from this folder, its token lies here too. */
async function loginToLocal(world: CliWorld, server: string, project: string | undefined): Promise<boolean> {
  const tokenPath = localTokenPath(world);
  if (!existsSync(tokenPath)) return false;
  if (!isThisMachine(server)) return false;
  const answer = await readiness({ origin: server, fetch: world.fetch }).catch(() => undefined);
  if (answer === undefined) return false;
  const token = await readTokenFile(world, tokenPath);
  const { contexts } = readContexts(world);
  const context = { server, token, ...(project === undefined ? {} : { project }) };
  writeContexts(world, { current: 'local', contexts: { ...contexts, local: context } });
  return true;
}

function nextCommands(local: boolean, origin: string | undefined, project: string): readonly string[] {
  const shownOrigin = origin ?? 'https://edge-sts.YOUR-SUBDOMAIN.workers.dev';
  const first = local
    ? ['# with the broker on this machine']
    : ['# a broker on this machine, in another terminal', 'npm start', 'npx edge-sts login --local'];
  return [
    ...first,
    'npx edge-sts whoami',
    '# on Cloudflare',
    ...(origin === undefined ? [`npx edge-sts init --origin ${shownOrigin}`] : []),
    `npx wrangler deploy --secrets-file ${SECRETS_FILE}`,
    `npx edge-sts login ${shownOrigin} --secrets-file -p ${project}`,
    'npx edge-sts doctor',
  ];
}
