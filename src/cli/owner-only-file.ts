/** Files with secrets in them: made for their owner only, whole or not at all. */
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const OWNER_ONLY_FOLDER = 0o700;
const OWNER_ONLY_FILE = 0o600;

/** Written beside and renamed: whoever reads meanwhile reads the old or the new one. The mode is that of a new file, whatever was there. */
export function writeOwnerOnly(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: OWNER_ONLY_FOLDER });
  const beside = `${path}.${process.pid}.tmp`;
  try {
    // `wx`: a link that somebody laid there is not followed.
    writeFileSync(beside, text, { mode: OWNER_ONLY_FILE, flag: 'wx' });
    chmodSync(beside, OWNER_ONLY_FILE);
    renameSync(beside, path);
  } catch (fault) {
    rmSync(beside, { force: true });
    throw fault;
  }
}
