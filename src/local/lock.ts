/**
 * One broker to a state folder: two would overwrite each other's databases. The lock is the kernel's own on an open file, so it is taken in
 * one step, and gone at the very moment when its holder is, however that came. What cannot be seen from the lock stands in a note beside it:
 * who holds it, and which process of the Workers runtime serves the folder. That one outlives a holder that was killed, and goes on writing.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerFault } from './fault.ts';
import { identifyProcess, isSameProcess, type ProcessIdentity } from './process-identity.ts';
import { writeSecret, type StateFolder } from './state-folder.ts';

export interface Lock {
  /** To be called for each process of the runtime, before it can write into the folder. */
  noteRuntime(pid: number): void;
  release(): void;
}

interface Note {
  readonly pid: number;
  readonly origin: string;
  readonly runtime?: ProcessIdentity;
}

/** `tell` hears of the runtime of a killed broker that had to be ended first. */
export async function lockStateFolder(
  folder: StateFolder,
  origin: string,
  tell: (line: string) => void,
): Promise<Lock> {
  const notePath = join(folder.path, '.edge-sts-holder');
  const left = readNote(notePath);
  const unlock = lockFile(folder, left);
  try {
    // Only now nobody else writes it.
    const { runtime } = readNote(notePath) ?? {};
    if (runtime !== undefined && (await endRuntime(runtime, folder, notePath))) {
      tell(`A broker that was killed had left its runtime behind (process ${runtime.pid}); it has been ended.`);
    }
    const note: Note = { pid: process.pid, origin };
    writeNote(notePath, note);
    return {
      noteRuntime: (pid) => {
        const running = identifyProcess(pid);
        if (running !== undefined) writeNote(notePath, { ...note, runtime: running });
      },
      release: () => {
        rmSync(notePath, { force: true });
        unlock();
      },
    };
  } catch (fault) {
    unlock();
    throw fault;
  }
}

const SQLITE_BUSY = 5;

/** What the collector finds unused it closes, and the lock is gone while its broker runs on: held here until it is released. */
const HELD = new Set<DatabaseSync>();

/** Node has no lock of its own; SQLite's is the same everywhere. Nothing is ever written into that file. */
function lockFile({ path, lockPath }: StateFolder, holder: Note | undefined): () => void {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(lockPath, { timeout: 0 });
    database.exec('BEGIN EXCLUSIVE');
  } catch (fault) {
    database?.close();
    if (fault instanceof Error && 'errcode' in fault && fault.errcode === SQLITE_BUSY) {
      const who = holder === undefined ? '' : ` (${holder.origin}, process ${holder.pid})`;
      throw new BrokerFault(
        `Another broker${who} is using the state folder ${path}; end it, or set EDGE_STS_STATE to another folder.`,
      );
    }
    throw new BrokerFault(`The state folder cannot be locked by ${lockPath}: ${String(fault)}`);
  }
  const held = database;
  HELD.add(held);
  return () => {
    HELD.delete(held);
    held.close();
  };
}

const END_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 20;

/** Whether there was one to end. A process that merely has its number is left alone. */
async function endRuntime(runtime: ProcessIdentity, { path }: StateFolder, notePath: string): Promise<boolean> {
  if (!isSameProcess(runtime, identifyProcess(runtime.pid))) return false;
  if (runtime.startedAt === '') {
    throw new BrokerFault(
      `Process ${runtime.pid} may be the runtime of a killed broker, still writing into ${path}; end it, or remove ${notePath} if it is something else.`,
    );
  }
  try {
    // As the platform itself ends it; its databases are made for that.
    process.kill(runtime.pid, 'SIGKILL');
  } catch {
    // Gone meanwhile, or somebody else's: seen below.
  }
  for (let waitedMs = 0; waitedMs < END_WITHIN_MS; waitedMs += LOOK_EVERY_MS) {
    if (!isSameProcess(runtime, identifyProcess(runtime.pid))) return true;
    await sleep(LOOK_EVERY_MS);
  }
  throw new BrokerFault(
    `A killed broker has left its runtime behind, and it still writes into ${path}: end process ${runtime.pid}.`,
  );
}

function writeNote(path: string, note: Note): void {
  writeSecret(path, JSON.stringify(note));
}

function readNote(path: string): Note | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const { pid, origin, runtime } = members(value);
    if (typeof pid !== 'number' || typeof origin !== 'string') return undefined;
    const { pid: runtimePid, startedAt } = members(runtime);
    if (!isPid(runtimePid) || typeof startedAt !== 'string') return { pid, origin };
    return { pid, origin, runtime: { pid: runtimePid, startedAt } };
  } catch {
    return undefined;
  }
}

/** 0 and below are not processes but whole groups of them. */
function isPid(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 1;
}

function members(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
