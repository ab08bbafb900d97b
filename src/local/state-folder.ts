/** The folder of everything kept between starts. Secrets are made on first use, written whole or not at all, and readable by their owner only. */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { BrokerFault } from './fault.ts';

export interface StateFolder {
  readonly path: string;
  /** Where the embedded platform keeps KV and Durable Objects. */
  readonly platformPath: string;
  readonly adminTokenPath: string;
  /** It also says that the folder is ours: it is the first thing made there, and never removed. */
  readonly lockPath: string;
}

const OWNER_ONLY_FOLDER = 0o700;
const OWNER_ONLY_FILE = 0o600;
const KEK_BYTES = 32;

/** Somebody's home folder, given by mistake, must be as it was before: only an empty folder becomes ours. */
export function openStateFolder(path: string): StateFolder {
  const folder = {
    path,
    platformPath: join(path, 'platform'),
    adminTokenPath: join(path, 'admin-token'),
    lockPath: join(path, '.edge-sts-lock'),
  };
  try {
    makeFolder(path);
    if (!existsSync(folder.lockPath) && readdirSync(path).length > 0) {
      throw new BrokerFault(`${path} holds other things than state of edge-sts; set EDGE_STS_STATE to another folder.`);
    }
    chmodSync(path, OWNER_ONLY_FOLDER);
    writeFileSync(folder.lockPath, '', { flag: 'a', mode: OWNER_ONLY_FILE });
    makeFolder(folder.platformPath);
    chmodSync(folder.platformPath, OWNER_ONLY_FOLDER);
    return folder;
  } catch (fault) {
    if (fault instanceof BrokerFault) throw fault;
    const reason = fault instanceof Error ? fault.message : String(fault);
    throw new BrokerFault(`The state folder ${path} cannot be used (${reason}); set EDGE_STS_STATE to another one.`);
  }
}

/** Level by level: where a folder can never be made, as in /proc, Node's own recursion does not end. */
function makeFolder(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  if (found !== undefined) throw new BrokerFault(`${path} is no folder; set EDGE_STS_STATE to one.`);
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: OWNER_ONLY_FOLDER });
  } catch (fault) {
    // Another start may have been faster.
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw fault;
  }
}

/** An empty one, without what a killed run left behind. Only for whoever holds the lock. */
export function emptyTemporaryFolder({ path }: StateFolder): string {
  const temporaryPath = join(path, '.edge-sts-tmp');
  rmSync(temporaryPath, { recursive: true, force: true });
  mkdirSync(temporaryPath, { mode: OWNER_ONLY_FOLDER });
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
