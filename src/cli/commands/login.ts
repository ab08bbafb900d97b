/** `login`: remembers a broker and a token for it, after the broker has answered to that token. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { createAdministration, ORGANIZATION } from '../../client/administration.ts';
import { isThisMachine, LOCAL_SERVER, readServer, type GlobalOptions } from '../connection.ts';
import { readContexts, writeContexts, type Context } from '../contexts.ts';
import { addExamples } from '../examples.ts';
import { usageFault } from '../fault.ts';
import { print } from '../output.ts';
import { answered } from '../reply.ts';
import { checked, promptForToken, readTokenFile } from '../secret-input.ts';
import { readSecrets, SECRETS_FILE, secretsPath } from '../secrets-file.ts';
import type { CliWorld } from '../world.ts';

interface LoginOptions extends GlobalOptions {
  readonly name?: string;
  readonly local?: string | true;
  readonly keepFile?: true;
  readonly secretsFile?: string | true;
}

export function loginCommand(program: Command, world: CliWorld): void {
  const command = program
    .command('login')
    .description(
      'Sign in to a broker and remember it. The token is read from --token-file, EDGE_STS_TOKEN or the keyboard.',
    )
    .argument('[url]', "the broker's origin, such as https://sts.example.com")
    .option('--name <name>', 'call this context so (the host, unless said)')
    .option(
      '--local [folder]',
      'the broker that `npm start` serves, with the token in its state folder (.edge-sts/state)',
    )
    .option('--secrets-file [file]', `with the administrator's token that \`init\` made (${SECRETS_FILE})`)
    .option('--keep-file', 'remember where the token file is and read it each time, for tokens that change')
    .action((url: string | undefined) => login(command, world, url));
  addExamples(
    command,
    'edge-sts login https://sts.example.com --project my-project',
    'edge-sts login --local',
    'edge-sts login https://sts.example.com --secrets-file',
    'edge-sts login https://sts.example.com --token-file /var/run/secrets/tokens/edge-sts --keep-file',
  );
}

async function login(command: Command, world: CliWorld, url: string | undefined): Promise<void> {
  const options = command.optsWithGlobals<LoginOptions>();
  const localFolder = localFolderOf(options, world);
  const server = readServer(url ?? options.server ?? (world.env['EDGE_STS_SERVER'] || LOCAL_SERVER));
  if (localFolder !== undefined && !isThisMachine(server)) {
    throw usageFault(`--local is the broker on this machine, and ${server} is another.`);
  }
  const { token, tokenFile } = await findToken(options, world, localFolder, server);
  // Nothing is remembered that does not work; to ask for one's own rights takes none, only that one is known.
  const administration = createAdministration({ origin: server, fetch: world.fetch, token });
  answered(
    `log in to ${server}`,
    await administration.call(ORGANIZATION, 'testIamPermissions', { permissions: ['resourcemanager.projects.list'] }),
  );
  const context: Context = {
    server,
    ...(options.project === undefined ? {} : { project: options.project }),
    ...(tokenFile === undefined ? { token } : { tokenFile }),
  };
  const name = options.name ?? new URL(server).host;
  const { contexts } = readContexts(world);
  const path = writeContexts(world, { current: name, contexts: { ...contexts, [name]: context } });
  print(command, world, {
    value: {
      context: name,
      server,
      ...(context.project === undefined ? {} : { project: context.project }),
      file: path,
    },
    text: (paint) => `Logged in to ${paint('bold', server)} as context ${name} (kept in ${path}).\n`,
    names: [name],
  });
}

function localFolderOf({ local }: LoginOptions, world: CliWorld): string | undefined {
  if (local === undefined) return undefined;
  const folder = local === true ? world.env['EDGE_STS_STATE'] || '.edge-sts/state' : local;
  return resolve(world.cwd, folder);
}

async function findToken(
  options: LoginOptions,
  world: CliWorld,
  localFolder: string | undefined,
  server: string,
): Promise<{ readonly token: string; readonly tokenFile?: string }> {
  if (localFolder !== undefined) {
    const path = join(localFolder, 'admin-token');
    if (!existsSync(path)) throw usageFault(`${path} is not there: start the broker once (npm start).`);
    return { token: await readTokenFile(world, path) };
  }
  if (options.secretsFile !== undefined) return { token: tokenInSecrets(options.secretsFile, world) };
  const { tokenFile } = options;
  if (tokenFile !== undefined) {
    const token = await readTokenFile(world, tokenFile);
    if (options.keepFile !== true) return { token };
    if (tokenFile === '-') throw usageFault('--keep-file needs a file, not stdin.');
    return { token, tokenFile: resolve(world.cwd, tokenFile) };
  }
  const fromEnvironment = world.env['EDGE_STS_TOKEN'] || undefined;
  if (fromEnvironment !== undefined) return { token: checked(fromEnvironment, 'EDGE_STS_TOKEN') };
  const token = await promptForToken(world, `Token for ${server} (not shown): `);
  if (token === undefined) throw usageFault('No token: give --token-file FILE (- is stdin), or set EDGE_STS_TOKEN.');
  return { token };
}

function tokenInSecrets(file: string | true, world: CliWorld): string {
  const path = secretsPath(world, file === true ? SECRETS_FILE : file);
  const token = readSecrets(path)?.['EDGE_STS_ADMIN_TOKEN'];
  if (token === undefined) throw usageFault(`${path} holds no EDGE_STS_ADMIN_TOKEN: edge-sts init makes it.`);
  return checked(token, path);
}
