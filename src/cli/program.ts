/** The whole command line: what holds for every command, and the list of commands. */
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { applyCommand } from './commands/apply.ts';
import { checkCommand } from './commands/check.ts';
import { clusterCommand } from './commands/cluster.ts';
import { completionCommand } from './commands/completion.ts';
import { contextsCommand } from './commands/contexts.ts';
import { createCredConfigCommand } from './commands/create-cred-config.ts';
import { deleteCommand, undeleteCommand } from './commands/delete.ts';
import { describeCommand } from './commands/describe.ts';
import { diffCommand } from './commands/diff.ts';
import { doctorCommand } from './commands/doctor.ts';
import { exchangeCommand } from './commands/exchange.ts';
import { exportCommand } from './commands/export.ts';
import { getCommand } from './commands/get.ts';
import { historyCommand } from './commands/history.ts';
import { initCommand } from './commands/init.ts';
import { inspectCommand } from './commands/inspect.ts';
import { keysCommand } from './commands/keys.ts';
import { loginCommand } from './commands/login.ts';
import { quotaCommand } from './commands/quota.ts';
import { simulateCommand } from './commands/simulate.ts';
import { whoamiCommand } from './commands/whoami.ts';
import { FORMATS } from './output.ts';
import type { CliWorld } from './world.ts';

/** In the order of the help: how one starts, what one looks at, what one asks. */
const COMMANDS: readonly ((program: Command, world: CliWorld) => void)[] = [
  initCommand,
  loginCommand,
  whoamiCommand,
  contextsCommand,
  applyCommand,
  diffCommand,
  exportCommand,
  getCommand,
  describeCommand,
  deleteCommand,
  undeleteCommand,
  checkCommand,
  simulateCommand,
  inspectCommand,
  exchangeCommand,
  createCredConfigCommand,
  clusterCommand,
  historyCommand,
  quotaCommand,
  keysCommand,
  doctorCommand,
  completionCommand,
];

const EXIT_CODES = `
Exit codes: 0 done; 1 the answer is no, or there are differences or findings; 2 wrong usage or a wrong file;
3 the broker refused; 4 not found; 5 not reachable or unavailable, try again; 70 a fault of this program.`;

export function createProgram(world: CliWorld): Command {
  const program = new Command('edge-sts')
    .description('Administers an edge-sts broker, asks it why, and fetches tokens from it.')
    .version(versionOfPackage(), '-V, --version', 'print the version')
    .option('--server <url>', "the broker's origin (EDGE_STS_SERVER, then the current context)")
    .option('--context <name>', 'a broker that was logged in to (EDGE_STS_CONTEXT)')
    .option('-p, --project <id>', "the project's id or number (EDGE_STS_PROJECT)")
    .option('--token-file <file>', 'the bearer token, from a file or from stdin (-); else EDGE_STS_TOKEN')
    .addOption(new Option('-o, --output <format>', 'how to print the answer').choices(FORMATS))
    .option('--json', 'the same as -o json')
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(world.stdout.width ?? 100, 120) })
    .configureOutput({
      writeOut: (text) => world.stdout.write(text),
      writeErr: (text) => world.stderr.write(text),
      getOutHasColors: () => world.stdout.isTerminal,
      getErrHasColors: () => world.stderr.isTerminal,
    })
    .showSuggestionAfterError(true)
    .addHelpText('afterAll', EXIT_CODES)
    .exitOverride();
  for (const add of COMMANDS) add(program, world);
  return program;
}

function versionOfPackage(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return /"version": "([^"]+)"/.exec(text)?.[1] ?? 'unknown';
}
