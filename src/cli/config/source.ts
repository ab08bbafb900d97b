/** The files that `-f` names: one, all YAML of a folder and of those in it, or what comes in by stdin. */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { usageFault } from '../fault.ts';
import type { CliWorld } from '../world.ts';

export interface SourceFile {
  /** As it is named in faults. */
  readonly name: string;
  readonly text: string;
  /** What its references start from; absent for stdin. */
  readonly folder?: string;
  /** What its references do not leave. */
  readonly root?: string;
}

const YAML_FILE = /\.(ya?ml|json)$/i;

export async function readSources(
  world: Pick<CliWorld, 'cwd' | 'stdin'>,
  paths: readonly string[],
): Promise<readonly SourceFile[]> {
  const files: SourceFile[] = [];
  for (const path of paths) {
    // oxlint-disable-next-line no-await-in-loop -- stdin is read once, and files are there
    if (path === '-') files.push({ name: 'stdin', text: await world.stdin.readAll() });
    else files.push(...filesAt(world.cwd, path));
  }
  return files;
}

function filesAt(cwd: string, path: string): readonly SourceFile[] {
  const whole = resolve(cwd, path);
  try {
    if (!statSync(whole).isDirectory()) return [sourceFile(whole, path, dirname(whole))];
    const found = readdirSync(whole, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && YAML_FILE.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .filter(
        (file) =>
          !relative(whole, file)
            .split(sep)
            .some((part) => part.startsWith('.') || part === 'node_modules'),
      )
      // JSON beside YAML is what the YAML refers to, such as a cluster's keys.
      .filter((file) => !file.toLowerCase().endsWith('.json'))
      .toSorted();
    if (found.length === 0) throw usageFault(`${path} holds no .yaml file.`);
    return found.map((file) => sourceFile(file, join(path, relative(whole, file)), whole));
  } catch (fault) {
    if (fault instanceof Error && 'code' in fault) throw usageFault(`${path} cannot be read: ${fault.message}`);
    throw fault;
  }
}

function sourceFile(file: string, name: string, root: string): SourceFile {
  return { name, text: readFileSync(file, 'utf8'), folder: dirname(file), root };
}

/** A file that another one refers to, inside the folder that was named: what somebody sent must not read what is elsewhere. */
export function readReferred(
  { folder, root }: SourceFile,
  file: string,
): { readonly text: string } | { readonly problem: string } {
  if (folder === undefined || root === undefined)
    return { problem: 'cannot be read: what comes by stdin has no folder' };
  try {
    const whole = realpathSync(resolve(folder, file));
    if (!whole.startsWith(realpathSync(root) + sep)) return { problem: 'lies outside the folder of the configuration' };
    return { text: readFileSync(whole, 'utf8') };
  } catch (fault) {
    // The code alone: the path of the machine is nobody's business who reads a log.
    const code = fault instanceof Error && 'code' in fault ? String(fault.code) : 'UNKNOWN';
    return { problem: code === 'ENOENT' ? `${file} does not exist` : `${file} cannot be read (${code})` };
  }
}
