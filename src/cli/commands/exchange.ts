/** `exchange`: this workload's own token for one that a relying party takes; kept until four fifths of its life are over. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import type { Client, IssuedToken } from '../../client/client.ts';
import { connect } from '../connection.ts';
import { addExamples } from '../examples.ts';
import { CliFault, usageFault } from '../fault.ts';
import { writeOwnerOnly } from '../owner-only-file.ts';
import { print } from '../output.ts';
import { faultOf } from '../reply.ts';
import { readTokenFile } from '../secret-input.ts';
import { openTokenCache, refreshAtMs, type CachedToken } from '../token-cache.ts';
import { paintFor, visible } from '../terminal.ts';
import type { CliWorld } from '../world.ts';

interface ExchangeOptions {
  readonly subjectTokenFile?: string;
  readonly provider?: string;
  readonly resource?: string;
  readonly scope?: string;
  readonly as: 'token' | 'exec-credential' | 'google-executable';
  readonly out?: string;
  readonly watch?: true;
  readonly cache: boolean;
}

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';

export function exchangeCommand(program: Command, world: CliWorld): void {
  const command = program
    .command('exchange')
    .description("Exchange this workload's token for one of the broker's, and print it or keep it in a file.")
    .option('--subject-token-file <file>', "the workload's own token; - is stdin (EDGE_STS_SUBJECT_TOKEN_FILE)")
    .option('--resource <uri>', "the target's uri; without it a token for the broker itself")
    .option('--provider <name>', "projects/NUMBER/…/providers/ID, where the token's own audience does not say")
    .option('--scope <scopes>', 'separated by blanks')
    .addOption(
      new Option('--as <form>', "how to print it: alone, for kubectl, or for Google's clients")
        .choices(['token', 'exec-credential', 'google-executable'])
        .default('token'),
    )
    .option('--out <file>', 'write it there, mode 0600, instead of printing it')
    .option('--watch', 'with --out: stay, and renew the file each time four fifths of its life are over')
    .option('--no-cache', 'fetch a new one in any case')
    .action(() => runExchange(command, world));
  addExamples(
    command,
    'edge-sts exchange --subject-token-file /var/run/secrets/tokens/edge-sts --resource https://orders.example.com',
    'curl -H "Authorization: Bearer $(edge-sts exchange --subject-token-file token.jwt --resource https://orders.example.com)" https://orders.example.com',
    'edge-sts exchange --subject-token-file token.jwt --resource https://sts.amazonaws.com --out /tmp/aws/token --watch',
  );
}

async function runExchange(command: Command, world: CliWorld): Promise<void> {
  const options = command.opts<ExchangeOptions>();
  const file = options.subjectTokenFile ?? (world.env['EDGE_STS_SUBJECT_TOKEN_FILE'] || undefined);
  if (file === undefined) throw usageFault('Which token? Say --subject-token-file FILE.');
  if (options.watch === true && (options.out === undefined || file === '-')) {
    throw usageFault('--watch needs --out FILE, and a --subject-token-file that can be read again.');
  }
  const { client, server } = await connect(command, world);
  if (options.watch === true) return watch(world, client, server, file, options);
  const token = await obtain(world, client, server, file, options);
  deliver(command, world, token, options);
}

async function obtain(
  world: CliWorld,
  client: Client,
  server: string,
  file: string,
  { provider, resource = '', scope = '', cache }: ExchangeOptions,
): Promise<CachedToken> {
  const subjectToken = await readTokenFile(world, file);
  const audience = provider === undefined ? '' : audienceOf(provider);
  const subject = createHash('sha256').update(subjectToken).digest('hex');
  const kept = openTokenCache(world, [server, audience, resource, scope, subject]);
  const found = cache ? kept.read(world.nowMs()) : undefined;
  if (found !== undefined) return found;
  const obtainedAtMs = world.nowMs();
  const reply = await client.exchange({
    grant_type: GRANT_TYPE,
    subject_token: subjectToken,
    subject_token_type: JWT_TYPE,
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    ...(audience === '' ? {} : { audience }),
    ...(resource === '' ? {} : { resource }),
    ...(scope === '' ? {} : { scope }),
  });
  if (!reply.ok) throw refused(reply.error, reply.requestId);
  const { access_token: accessToken, expires_in: lifeSeconds }: IssuedToken = reply.value;
  const token = { accessToken, obtainedAtMs, expiresAtMs: obtainedAtMs + lifeSeconds * 1_000 };
  if (cache) kept.write(token);
  return token;
}

/** The caller hears *that*; where an operator finds out *why* is said. */
function refused(error: Parameters<typeof faultOf>[1], requestId: string): CliFault {
  const fault = faultOf('exchange', error, requestId);
  const why = `Why, for an administrator: edge-sts check --subject-token-file FILE --target URI, or the audit line of request ${requestId}`;
  return new CliFault(fault.exitCode, fault.message, requestId === '' ? fault.lines : [why]);
}

function audienceOf(provider: string): string {
  const name = provider.replace(/^(https:)?\/\/iam\.googleapis\.com\//, '');
  if (!/^projects\/[0-9]+\/locations\/global\/workloadIdentityPools\/[^/]+\/providers\/[^/]+$/.test(name)) {
    throw usageFault('--provider: say projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/ID');
  }
  return `//iam.googleapis.com/${name}`;
}

function deliver(command: Command, world: CliWorld, token: CachedToken, { out, as }: ExchangeOptions): void {
  const expireTime = new Date(token.expiresAtMs).toISOString();
  if (out !== undefined) {
    writeOwnerOnly(resolve(world.cwd, out), render(token, as));
    print(command, world, {
      value: { file: out, expireTime },
      text: () => `${out} holds a token until ${expireTime}.\n`,
    });
    return;
  }
  const seconds = Math.floor((token.expiresAtMs - world.nowMs()) / 1_000);
  print(command, world, {
    value: { access_token: token.accessToken, token_type: 'Bearer', expires_in: seconds, expireTime },
    text: () => `${render(token, as)}\n`,
  });
}

function render({ accessToken, expiresAtMs }: CachedToken, as: ExchangeOptions['as']): string {
  switch (as) {
    case 'token':
      return accessToken;
    case 'exec-credential':
      // client.authentication.k8s.io/v1: what kubectl takes from a plugin.
      return JSON.stringify({
        apiVersion: 'client.authentication.k8s.io/v1',
        kind: 'ExecCredential',
        status: { token: accessToken, expirationTimestamp: new Date(expiresAtMs).toISOString() },
      });
    case 'google-executable':
      // AIP-4117, executable-sourced credentials.
      return JSON.stringify({
        version: 1,
        success: true,
        token_type: JWT_TYPE,
        id_token: accessToken,
        expiration_time: Math.floor(expiresAtMs / 1_000),
      });
  }
}

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/** Until the process is ended. A failure is said and tried again: the file holds the last good token meanwhile. */
async function watch(
  world: CliWorld,
  client: Client,
  server: string,
  file: string,
  options: ExchangeOptions,
): Promise<void> {
  const paint = paintFor(world.stderr, world.env);
  const out = resolve(world.cwd, options.out ?? '');
  let retryMs = FIRST_RETRY_MS;
  for (;;) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- one after the other is what watching is
      const token = await obtain(world, client, server, file, options);
      writeOwnerOnly(out, render(token, options.as));
      world.stderr.write(`${out} holds a token until ${new Date(token.expiresAtMs).toISOString()}.\n`);
      retryMs = FIRST_RETRY_MS;
      // oxlint-disable-next-line no-await-in-loop
      await world.sleep(Math.max(FIRST_RETRY_MS, refreshAtMs(token) - world.nowMs()));
    } catch (fault) {
      const why = fault instanceof Error ? fault.message : String(fault);
      world.stderr.write(`${paint('red', 'edge-sts:')} ${visible(why)}; trying again in ${retryMs / 1_000} s.\n`);
      // oxlint-disable-next-line no-await-in-loop
      await world.sleep(retryMs);
      retryMs = Math.min(LONGEST_RETRY_MS, retryMs * 2);
    }
  }
}
