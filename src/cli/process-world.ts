/** The world of a real process: its streams, its clock, the network. */
import { homedir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WriteStream } from 'node:tty';
import { EXIT } from './exit-codes.ts';
import type { CliWorld, Input, Writer } from './world.ts';

const REQUEST_TIMEOUT_MS = 60_000;

export function processWorld(): CliWorld {
  // Whoever reads has read enough (`| head`): that is no fault of ours.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (fault: NodeJS.ErrnoException) => {
      if (fault.code === 'EPIPE') process.exit(EXIT.ok);
      throw fault;
    });
  }
  return {
    fetch: (url, init) => fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) }),
    stdin: processInput(),
    stdout: writer(process.stdout),
    stderr: writer(process.stderr),
    env: process.env,
    cwd: process.cwd(),
    home: homedir(),
    nowMs: () => Date.now(),
    sleep: async (ms) => {
      await sleep(ms);
    },
    exitCode: EXIT.ok,
  };
}

function writer(stream: WriteStream): Writer {
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY ?? false,
    width: (stream.isTTY ?? false) ? stream.columns : undefined,
  };
}

function processInput(): Input {
  const { stdin } = process;
  return {
    isTerminal: stdin.isTTY ?? false,
    async readAll() {
      const chunks: Buffer[] = [];
      for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
      return Buffer.concat(chunks).toString('utf8');
    },
    readHidden,
  };
}

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const DELETES = new Set(['\u007f', '\b']);

/** Raw mode: the terminal shows nothing of what is typed, and none of it stands in the scroll-back. */
function readHidden(prompt: string): Promise<string | undefined> {
  const { stdin, stderr } = process;
  // Before anybody is asked: whoever is quick would see what he types.
  stdin.setRawMode(true);
  stderr.write(prompt);
  stdin.resume();
  stdin.setEncoding('utf8');
  return new Promise((resolve) => {
    let typed = '';
    const end = (line: string | undefined): void => {
      stdin.off('data', hear);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
      resolve(line);
    };
    const hear = (chunk: string): void => {
      for (const key of chunk) {
        if (key === CTRL_C || key === CTRL_D) return end(undefined);
        if (key === '\r' || key === '\n') return end(typed);
        typed = DELETES.has(key) ? typed.slice(0, -1) : typed + key;
      }
    };
    stdin.on('data', hear);
  });
}
