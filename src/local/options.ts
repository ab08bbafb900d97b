/** What the person at the terminal asked for: arguments and environment → options, or the sentence that says what is wrong. */
import { resolve } from 'node:path';

export interface StartOptions {
  readonly help: boolean;
  readonly demo: boolean;
  readonly port: number;
  readonly stateFolder: string;
  /** Absent: made on first start and kept in the state folder. */
  readonly adminToken?: string;
}

export type ParsedOptions =
  | { readonly ok: true; readonly value: StartOptions }
  | { readonly ok: false; readonly error: string };

export const USAGE = `Usage: npm start [-- --no-demo | --help]

Serves the broker on http://127.0.0.1:PORT, on wrangler's embedded platform.

  --no-demo              neither seed nor touch the demo project
  --help                 print this and end

Environment:
  PORT                   port to listen on (8787)
  EDGE_STS_STATE         folder of everything that is kept between starts, a new or empty one at first (.edge-sts/state)
  EDGE_STS_ADMIN_TOKEN   the administrator's bearer token, 32 characters or more (made on first start)
`;

const DEFAULT_PORT = 8787;
const ADMIN_TOKEN = /^[\x21-\x7e]{32,}$/;

export function parseOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  projectFolder: string,
): ParsedOptions {
  const unknown = argv.find((argument) => !['--no-demo', '--help', '-h'].includes(argument));
  if (unknown !== undefined) return { ok: false, error: `Unknown option ${JSON.stringify(unknown)}; try --help.` };
  const portText = env['PORT'] || String(DEFAULT_PORT);
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0;
  if (port < 1 || port > 65_535) {
    return { ok: false, error: `PORT must be a number from 1 to 65535, not ${JSON.stringify(portText)}.` };
  }
  const adminToken = env['EDGE_STS_ADMIN_TOKEN'] || undefined;
  if (adminToken !== undefined && !ADMIN_TOKEN.test(adminToken)) {
    return { ok: false, error: 'EDGE_STS_ADMIN_TOKEN must be 32 or more printable ASCII characters without spaces.' };
  }
  return {
    ok: true,
    value: {
      help: argv.includes('--help') || argv.includes('-h'),
      demo: !argv.includes('--no-demo') && !saysNoDemo(env),
      port,
      stateFolder: resolve(env['EDGE_STS_STATE'] || resolve(projectFolder, '.edge-sts/state')),
      ...(adminToken === undefined ? {} : { adminToken }),
    },
  };
}

/** `npm start --no-demo` without the lone `--`: npm takes the option for one of its own, and hands it on in its own way. */
function saysNoDemo(env: Readonly<Record<string, string | undefined>>): boolean {
  const { npm_config_demo: demo, npm_config_no_demo: noDemo } = env;
  return demo === '' || demo === 'false' || noDemo === '' || noDemo === 'true';
}
