/** The world of a real process: its streams, its clock, the network. */
import { homedir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WriteStream } from 'node:tty';
import { EXIT } from './exit-codes.ts';
import { CliFault } from './fault.ts';
import type { CliWorld, Input, Writer } from './world.ts';

const REQUEST_TIMEOUT_MS = 60_000;
const MIB = 1_048_576;
/** A page of a configuration, or a comparison, has some 8 MiB at most. */
const MAX_ANSWER_BYTES = 64 * MIB;

export function processWorld(): CliWorld {
  // Whoever reads has read enough (`| head`): that is no fault of ours.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (fault: NodeJS.ErrnoException) => {
      if (fault.code === 'EPIPE') process.exit(EXIT.ok);
      throw fault;
    });
  }
  return {
    fetch: async (url, init) => {
      const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
      const { status, headers, body } = await fetch(url, { ...init, redirect: 'manual', signal });
      return { status, headers, text: () => readBounded(body) };
    },
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

/** Whoever answers without end fills no memory. */
async function readBounded(body: ReadableStream<Uint8Array> | null): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES)
      throw new CliFault(EXIT.unavailable, `The broker answers with more than ${MAX_ANSWER_BYTES / MIB} MiB.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
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
