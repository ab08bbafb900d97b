/** `keys`: the project's signing keys, and the keys of clusters. */
import { Option, type Command } from 'commander';
import type { Resource } from '../../client/administration.ts';
import { kindOf } from '../../client/kinds.ts';
import { cell, tableOf } from '../columns.ts';
import { connect, needProject } from '../connection.ts';
import { addExamples } from '../examples.ts';
import { usageFault } from '../fault.ts';
import { jwksFromPem } from '../jwks-from-pem.ts';
import { print, tableText } from '../output.ts';
import { readReferences } from '../references.ts';
import { answered } from '../reply.ts';
import { readTextFile } from '../secret-input.ts';
import { tellWarnings } from '../warnings.ts';
import type { CliWorld } from '../world.ts';

export function keysCommand(program: Command, world: CliWorld): void {
  const keys = program.command('keys').description("The project's signing keys, and the keys of clusters.");
  addExamples(keys, 'edge-sts keys list -p my-project', 'edge-sts keys from-pem sa.pub');
  addList(keys, world);
  addRotate(keys, world);
  addFromPem(keys, world);
  addUpload(keys, world);
  addDistrust(keys, world);
}

function addList(keys: Command, world: CliWorld): void {
  const command = keys
    .command('list')
    .description("The project's signing keys: which sign, which will, which are only published still.")
    .action(async () => {
      const connection = await connect(command, world);
      const collection = `projects/${needProject(connection)}/signingKeys`;
      const found = answered(
        `list ${collection}`,
        await connection.administration.list(kindOf('signingkey'), collection),
      );
      told(command, world, found);
    });
  addExamples(command, 'edge-sts keys list -p my-project --json');
}

function addRotate(keys: Command, world: CliWorld): void {
  const command = keys
    .command('rotate')
    .description('Let the next signing key sign from now on.')
    .addOption(new Option('--alg <alg>', 'only the keys of this algorithm').choices(['ES256', 'RS256']))
    .option('--emergency', 'the old key is distrusted at once: tokens that it signed are refused')
    .action(async () => {
      const connection = await connect(command, world);
      const name = `projects/${needProject(connection)}/signingKeys`;
      const { alg, emergency } = command.opts<{ alg?: string; emergency?: true }>();
      const body = { ...(alg === undefined ? {} : { alg }), ...(emergency === undefined ? {} : { emergency }) };
      const answer = answered(`rotate ${name}`, await connection.administration.call(name, 'rotate', body));
      told(command, world, Array.isArray(answer['keys']) ? answer['keys'] : []);
    });
  addExamples(
    command,
    'edge-sts keys rotate -p my-project --alg ES256',
    'edge-sts keys rotate -p my-project --emergency',
  );
}

const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;

function told(command: Command, world: CliWorld, keys: readonly Resource[]): void {
  print(command, world, {
    value: keys,
    names: keys.map(({ kid }) => cell(kid)),
    text: tableText(tableOf('signingkey', keys, world.nowMs()), 'No keys yet: the first exchange makes them.'),
  });
}

function addFromPem(keys: Command, world: CliWorld): void {
  const command = keys
    .command('from-pem')
    .description("Print the JWKS of an API server's public keys (sa.pub), with the key ids that it gives them.")
    .argument('<files...>', 'PEM files; - is stdin')
    .action(async (files: readonly string[]) => {
      const texts: string[] = [];
      // oxlint-disable-next-line no-await-in-loop -- stdin can be read once, and files are there at once
      for (const file of files) texts.push(file === '-' ? await world.stdin.readAll() : readTextFile(world, file));
      const jwks = { keys: texts.flatMap((text, at) => jwksFromPem(text, files[at] ?? '').keys) };
      print(command, world, {
        value: jwks,
        names: jwks.keys.map(({ kid }) => kid),
        text: () => `${JSON.stringify(jwks)}\n`,
      });
    });
  addExamples(
    command,
    'edge-sts keys from-pem /etc/kubernetes/pki/sa.pub > jwks.json',
    'edge-sts keys from-pem old.pub new.pub | edge-sts keys upload provider/cluster-one -p my-project --jwks -',
  );
}

function addUpload(keys: Command, world: CliWorld): void {
  const command = keys
    .command('upload')
    .description("Replace a provider's uploaded keys.")
    .argument('<provider>', 'provider/ID or a whole name')
    .requiredOption('--jwks <file>', 'a JWKS; - is stdin')
    .option('--pool <id>', "the pool that the provider is in (the project's own)")
    .action(async (word: string) => {
      const { jwks } = command.opts<{ jwks: string }>();
      const jwksJson = jwks === '-' ? await world.stdin.readAll() : readTextFile(world, jwks);
      const connection = await connect(command, world);
      const name = await providerNamed(command, connection, word);
      const found = answered(`get ${name}`, await connection.administration.get(name));
      const kind = found['kubernetes'] === undefined ? 'oidc' : 'kubernetes';
      const source = found[kind];
      const body = { [kind]: { ...(typeof source === 'object' ? source : {}), jwksJson: jwksJson.trim() } };
      const answer = answered(`upload keys to ${name}`, await connection.administration.patch(name, body, [kind]));
      tellWarnings(world, answer);
      print(command, world, { value: answer, names: [name], text: () => `Keys of ${name} replaced.\n` });
    });
  addExamples(command, 'edge-sts keys upload provider/cluster-one -p my-project --jwks jwks.json');
}

function addDistrust(keys: Command, world: CliWorld): void {
  const command = keys
    .command('distrust')
    .description("Shut one of a cluster's keys out, for ever.")
    .argument('<provider>', 'provider/ID or a whole name')
    .argument('<thumbprint>', 'RFC 7638, as `describe provider/ID` shows it under keys')
    // One thumbprint in sixty-four begins with a hyphen, and is no option.
    .allowUnknownOption()
    .option('--pool <id>', "the pool that the provider is in (the project's own)")
    .action(async (word: string, thumbprint: string) => {
      if (!THUMBPRINT.test(thumbprint))
        throw usageFault(`${JSON.stringify(thumbprint)} is no thumbprint: 43 characters of base64url`);
      const connection = await connect(command, world);
      const name = await providerNamed(command, connection, word);
      const answer = answered(
        `distrust a key of ${name}`,
        await connection.administration.call(name, 'distrustKey', { thumbprint }),
      );
      tellWarnings(world, answer);
      print(command, world, { value: answer, names: [name], text: () => `${thumbprint} is distrusted on ${name}.\n` });
    });
  addExamples(
    command,
    'edge-sts keys distrust provider/cluster-one BEYqJsDcrss-B3w2jspU36NPSv0PhHLDDGRgDRFGy9I -p my-project',
  );
}

async function providerNamed(
  command: Command,
  connection: Parameters<typeof readReferences>[1],
  word: string,
): Promise<string> {
  const [reference] = await readReferences(command, connection, [word]);
  if (reference?.kind.name !== 'provider' || reference.name === undefined)
    throw usageFault('Name a provider: provider/ID');
  return reference.name;
}
