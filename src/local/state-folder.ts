/** The folder of everything kept between starts. Secrets are made on first use, written whole or not at all, and readable by their owner only. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface StateFolder {
  readonly path: string;
  /** Where the embedded platform keeps KV and Durable Objects. */
  readonly platformPath: string;
  readonly temporaryPath: string;
  readonly adminTokenPath: string;
}

const OWNER_ONLY_FOLDER = 0o700;
const OWNER_ONLY_FILE = 0o600;
const KEK_BYTES = 32;

export function openStateFolder(path: string): StateFolder {
  mkdirSync(path, { recursive: true, mode: OWNER_ONLY_FOLDER });
  return {
    path,
    platformPath: join(path, 'platform'),
    temporaryPath: join(path, 'tmp'),
    adminTokenPath: join(path, 'admin-token'),
  };
}

/** An empty one, without what a killed run left behind. Only for whoever holds the lock. */
export function emptyTemporaryFolder({ temporaryPath }: StateFolder): string {
  rmSync(temporaryPath, { recursive: true, force: true });
  mkdirSync(temporaryPath);
  return temporaryPath;
}

/** The key-encryption key of this state. Losing the file loses the signing keys, so an existing one is never replaced. */
export function readOrMakeKek(folder: StateFolder): string {
  return readOrMake(join(folder.path, 'kek'), () => randomBytes(KEK_BYTES).toString('base64'));
}

export function readOrMakeAdminToken(folder: StateFolder): string {
  return readOrMake(folder.adminTokenPath, () => randomBytes(KEK_BYTES).toString('base64url'));
}

/** The content of a secret file without the line end; made by `make` where there is none. */
export function readOrMake(path: string, make: () => string): string {
  if (!existsSync(path)) writeSecret(path, make());
  return readFileSync(path, 'utf8').trimEnd();
}

/** Written beside and renamed: a run that dies here leaves no half secret. */
export function writeSecret(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: OWNER_ONLY_FOLDER });
  const beside = `${path}.${process.pid}.tmp`;
  writeFileSync(beside, `${content}\n`, { mode: OWNER_ONLY_FILE });
  renameSync(beside, path);
}

export type Lock = { readonly ok: true; release(): void } | { readonly ok: false; readonly heldBy: string };

/**
 * Two brokers on one folder would overwrite each other's databases. The lock counts only while its process is alive *and* its
 * address answers, so that neither a killed run nor a reused process id keeps the folder shut.
 */
export async function lockStateFolder(folder: StateFolder, origin: string): Promise<Lock> {
  const path = join(folder.path, 'lock');
  const holder = readLock(path);
  if (holder !== undefined && holder.pid !== process.pid && isAlive(holder.pid) && (await answers(holder.origin))) {
    return { ok: false, heldBy: holder.origin };
  }
  writeSecret(path, `${process.pid} ${origin}`);
  return { ok: true, release: () => rmSync(path, { force: true }) };
}

function readLock(path: string): { readonly pid: number; readonly origin: string } | undefined {
  try {
    const [pid, origin] = readFileSync(path, 'utf8').trimEnd().split(' ');
    return pid === undefined || origin === undefined ? undefined : { pid: Number(pid), origin };
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (fault) {
    return fault instanceof Error && 'code' in fault && fault.code === 'EPERM';
  }
}

const ANSWER_WITHIN_MS = 1_000;

async function answers(origin: string): Promise<boolean> {
  try {
    await fetch(`${origin}/healthz`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    return true;
  } catch {
    return false;
  }
}
