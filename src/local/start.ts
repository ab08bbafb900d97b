/** `npm start`: serve the broker on this machine, show one exchange, stay until told to end. */
import { startBroker, type Broker } from './broker.ts';
import { PROJECT_FOLDER } from './bundle.ts';
import { runDemo } from './demo/run.ts';
import { BrokerFault } from './fault.ts';
import { lockStateFolder } from './lock.ts';
import { parseOptions, USAGE, type StartOptions } from './options.ts';
import { LOOPBACK } from './port.ts';
import { shownLine } from './shown-line.ts';
import {
  emptyTemporaryFolder,
  openStateFolder,
  readOrMakeAdminToken,
  readOrMakeKek,
  type StateFolder,
} from './state-folder.ts';

const EXIT_FAULT = 1;
const EXIT_USAGE = 2;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const complain = (line: string): void => void process.stderr.write(`${line}\n`);

const options = parseOptions(process.argv.slice(2), process.env, PROJECT_FOLDER);
if (!options.ok) {
  complain(options.error);
  process.exitCode = EXIT_USAGE;
} else if (options.value.help) {
  process.stdout.write(USAGE);
} else {
  await serve(options.value).catch((fault: unknown) => {
    complain(fault instanceof BrokerFault ? fault.message : `edge-sts could not start: ${describe(fault)}`);
    process.exitCode = EXIT_FAULT;
  });
}

async function serve({ port, stateFolder, demo, adminToken: givenToken }: StartOptions): Promise<void> {
  // What the platform and its process write is for this person's eyes as well.
  process.umask(0o077);
  const folder = openStateFolder(stateFolder);
  const lock = await lockStateFolder(folder, `http://${LOOPBACK}:${port}`, say);
  // Registered before the platform starts: a Ctrl-C during the start ends it too.
  const end = untilAskedToEnd();
  try {
    process.env['TMPDIR'] = emptyTemporaryFolder(folder);
    const broker = await startBroker({
      port,
      platformPath: folder.platformPath,
      kek: readOrMakeKek(folder),
      adminToken: givenToken ?? readOrMakeAdminToken(folder),
      onLine: (line) => say(shownLine(line)),
      onDiagnostic: complain,
      onRuntime: (pid) => lock.noteRuntime(pid),
    });
    try {
      const greeted = greet(broker, folder, demo, givenToken !== undefined).catch((fault: unknown) => {
        if (!end.wasAsked()) complain(`The demo failed: ${describe(fault)}`);
      });
      await Promise.race([greeted, end.asked]);
      await end.asked;
    } finally {
      await broker.stop();
    }
  } catch (fault) {
    // Ctrl-C reaches the build as well: that it broke off is then no fault.
    if (!end.wasAsked()) throw fault;
  } finally {
    lock.release();
  }
}

async function greet(broker: Broker, folder: StateFolder, demo: boolean, tokenWasGiven: boolean): Promise<void> {
  say(`edge-sts serves ${broker.origin} (state: ${folder.path}; Ctrl-C ends it)`);
  const { adminTokenPath: path } = folder;
  // By stdin, for `ps` shows curl's arguments to everybody on the machine; printf is the shell's own.
  say(
    tokenWasGiven
      ? `The administrator is whoever sends the token of EDGE_STS_ADMIN_TOKEN; while that is set, ${path} does not count.`
      : `The administrator's token stands in ${path}:\n  printf 'Authorization: Bearer %s' "$(cat ${quote(path)})" | curl -sS -H @- ${broker.origin}/v1/projects`,
  );
  say(`The dashboard is at ${broker.origin}/dashboard and takes the same token.`);
  const reason = await unreadiness(broker.origin);
  if (reason !== undefined) complain(`The broker is not ready: ${reason}`);
  else if (demo) await runDemo(broker, folder.path, say);
}

/** One word for a shell, whatever is in it. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Why `/readyz` says no, or undefined where it says yes. */
async function unreadiness(origin: string): Promise<string | undefined> {
  const response = await fetch(`${origin}/readyz`);
  const text = await response.text();
  return response.status === 200 ? undefined : text;
}

/** npm passes a Ctrl-C on although the terminal has already sent it to everybody: the second one must not hurt. */
function untilAskedToEnd(): { readonly asked: Promise<void>; wasAsked(): boolean } {
  let yes = false;
  const asked = new Promise<void>((resolve) => {
    const end = (): void => {
      yes = true;
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  });
  return { asked, wasAsked: () => yes };
}

function describe(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault);
}
