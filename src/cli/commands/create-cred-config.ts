/** `create-cred-config`: the file that makes an unchanged client ask us. It holds no secret. */
import { resolve } from 'node:path';
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { awsStsEndpoint } from '../../client/endpoints.ts';
import { awsProfile, googleConfig } from '../client-configs.ts';
import { connect } from '../connection.ts';
import { addExamples } from '../examples.ts';
import { usageFault } from '../fault.ts';
import { print } from '../output.ts';
import { readReferences } from '../references.ts';
import { answered } from '../reply.ts';
import type { CliWorld } from '../world.ts';

interface GoogleOptions {
  readonly credentialSourceFile: string;
  readonly serviceAccount?: string;
  readonly out?: string;
}

interface AwsOptions {
  readonly roleArn: string;
  readonly webIdentityTokenFile: string;
  readonly profile: string;
  readonly region: string;
  readonly throughBroker?: true;
  readonly out?: string;
}

export function createCredConfigCommand(program: Command, world: CliWorld): void {
  const group = program
    .command('create-cred-config')
    .description("Print a client's configuration: Google's external_account JSON, or an AWS profile.");
  addExamples(
    group,
    'edge-sts create-cred-config google provider/cluster-one -p my-project --credential-source-file /var/run/secrets/edge-sts/token',
  );
  addGoogle(group, world);
  addAws(group, world);
}

function addGoogle(group: Command, world: CliWorld): void {
  const command = group
    .command('google')
    .description("Google's external_account file, for GOOGLE_APPLICATION_CREDENTIALS.")
    .argument('<provider>', 'provider/ID, or its whole name with the project number')
    .requiredOption('--credential-source-file <file>', "where the client finds the workload's token")
    .option('--service-account <email>', 'act as this service account of the broker')
    .option('--pool <id>', "the pool that the provider is in (the project's own)")
    .option('--out <file>', 'write it there instead of printing it')
    .action(async (word: string) => {
      const { credentialSourceFile, serviceAccount, out } = command.opts<GoogleOptions>();
      const connection = await connect(command, world);
      const provider = await wholeName(command, connection, word);
      const config = googleConfig({ server: connection.server, provider }, credentialSourceFile, serviceAccount);
      deliver(command, world, config, `${JSON.stringify(config, null, 2)}\n`, out);
    });
  addExamples(
    command,
    'edge-sts create-cred-config google provider/cluster-one -p my-project --credential-source-file /var/run/secrets/edge-sts/token --out google.json',
  );
}

function addAws(group: Command, world: CliWorld): void {
  const command = group
    .command('aws')
    .description(
      'A profile for ~/.aws/config that presents a token from a file (kept fresh by `exchange --out --watch`).',
    )
    .requiredOption('--role-arn <arn>', 'the role to assume')
    .requiredOption('--web-identity-token-file <file>', 'where the SDK finds the token')
    .option('--profile <name>', 'what to call the profile', 'edge-sts')
    .option('--region <region>', 'the region of the calls', 'us-east-1')
    .option('--through-broker', "ask the broker's own AWS endpoint instead of AWS")
    .option('--out <file>', 'write it there instead of printing it')
    .action(async () => {
      const {
        roleArn,
        webIdentityTokenFile: tokenFile,
        profile,
        region,
        throughBroker,
        out,
      } = command.opts<AwsOptions>();
      for (const text of [roleArn, tokenFile, profile, region]) checkIniText(text);
      if (!/^arn:[a-z-]+:iam::[^:]*:role\/\S+$/.test(roleArn))
        throw usageFault('--role-arn: arn:aws:iam::ACCOUNT:role/NAME is expected.');
      const { server } = await connect(command, world);
      const endpoint = throughBroker === true ? { stsEndpoint: awsStsEndpoint(server) } : {};
      const text = awsProfile({ profile, roleArn, tokenFile, region, ...endpoint });
      deliver(
        command,
        world,
        { profile, roleArn, webIdentityTokenFile: tokenFile, region, ...endpoint, text },
        text,
        out,
      );
    });
  addExamples(
    command,
    'edge-sts create-cred-config aws --role-arn arn:aws:iam::123456789012:role/orders --web-identity-token-file /tmp/aws/token >> ~/.aws/config',
  );
}

/** A line end in a value would start a line of its own, and with it a member that nobody wrote. */
function checkIniText(text: string): void {
  if (/[\p{Cc}[\]]/u.test(text)) throw usageFault(`${JSON.stringify(text)} cannot stand in a profile.`);
}

/** Clients send the number, so the file must hold it; whoever gives the whole name needs no rights. */
async function wholeName(
  command: Command,
  connection: Parameters<typeof readReferences>[1],
  word: string,
): Promise<string> {
  const [reference] = await readReferences(command, connection, [word]);
  if (reference?.kind.name !== 'provider' || reference.name === undefined) {
    throw usageFault('Name a provider: provider/ID, or projects/NUMBER/…/providers/ID');
  }
  const { name } = reference;
  if (/^projects\/[0-9]+\//.test(name)) return name;
  const found = answered(`get ${name}`, await connection.administration.get(name));
  return String(found['name']);
}

function deliver(command: Command, world: CliWorld, value: unknown, text: string, out: string | undefined): void {
  if (out === undefined) return print(command, world, { value, text: () => text, isFile: true });
  writeFileSync(resolve(world.cwd, out), text);
  print(command, world, { value, text: () => `${out} written.\n` });
}
