/** Which process is meant: a number is given to another process sooner or later, a number with its start is not. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** In this machine's own words; empty where it does not say. */
  readonly startedAt: string;
}

/** Undefined where there is none, or only a dead one that its parent has not looked at yet. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  if (!isAlive(pid)) return undefined;
  if (process.platform === 'linux') return identifyByProc(pid);
  if (process.platform === 'win32') return { pid, startedAt: '' };
  return identifyByPs(pid);
}

export function isSameProcess(one: ProcessIdentity, other: ProcessIdentity | undefined): boolean {
  return other !== undefined && one.pid === other.pid && one.startedAt === other.startedAt;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (fault) {
    return fault instanceof Error && 'code' in fault && fault.code === 'EPERM';
  }
}

const DEAD = /^[ZX]/;
/** In /proc/PID/stat, counted from behind the name, which may hold blanks and brackets itself. */
const STATE_FIELD = 0;
const START_FIELD = 19;

function identifyByProc(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // Starts are counted from the machine's own start, so that one belongs to it.
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const dead = DEAD.test(fields[STATE_FIELD] ?? '');
    return dead ? undefined : { pid, startedAt: `${boot} ${fields[START_FIELD] ?? ''}` };
  } catch {
    // It ended while we looked.
    return isAlive(pid) ? { pid, startedAt: '' } : undefined;
  }
}

function identifyByPs(pid: number): ProcessIdentity | undefined {
  const { status, stdout } = spawnSync('ps', ['-o', 'stat=', '-o', 'lstart=', '-p', String(pid)], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
  });
  const [, state, startedAt] = /^\s*(\S+)\s+(.+?)\s*$/.exec(stdout ?? '') ?? [];
  if (state === undefined || startedAt === undefined) return status === 1 ? undefined : { pid, startedAt: '' };
  return DEAD.test(state) ? undefined : { pid, startedAt };
}
