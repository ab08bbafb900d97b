/** The brokers that this person has signed in to, and the tokens for them: one file in his configuration folder that nobody else can read. */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isResource } from '../client/administration.ts';
import { usageFault } from './fault.ts';
import type { CliWorld } from './world.ts';

export interface Context {
  /** The broker's origin; the token goes nowhere else. */
  readonly server: string;
  readonly project?: string;
  readonly token?: string;
  /** Read at each use instead: a projected token changes. */
  readonly tokenFile?: string;
}

export interface Contexts {
  readonly current?: string;
  readonly contexts: Readonly<Record<string, Context>>;
}

const OWNER_ONLY_FOLDER = 0o700;
const OWNER_ONLY_FILE = 0o600;
const OTHERS = 0o077;

export function contextsPath({ env, home }: Pick<CliWorld, 'env' | 'home'>): string {
  return env['EDGE_STS_CONFIG'] || join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'edge-sts', 'config.json');
}

export function readContexts(world: Pick<CliWorld, 'env' | 'home'>): Contexts {
  const path = contextsPath(world);
  if (!existsSync(path)) return { contexts: {} };
  // A token that others could read is no secret any more; who made it so should know.
  if (process.platform !== 'win32' && (statSync(path).mode & OTHERS) !== 0) {
    throw usageFault(`${path} can be read by others and holds tokens.`, `Make it yours alone: chmod 600 ${path}`);
  }
  const contexts = parse(readFileSync(path, 'utf8'));
  if (contexts === undefined) throw usageFault(`${path} is not a file of edge-sts: mend it, or remove it and log in.`);
  return contexts;
}

/** Written beside and renamed: whoever reads meanwhile reads the old or the new one. */
export function writeContexts(world: Pick<CliWorld, 'env' | 'home'>, contexts: Contexts): string {
  const path = contextsPath(world);
  mkdirSync(dirname(path), { recursive: true, mode: OWNER_ONLY_FOLDER });
  const beside = `${path}.${process.pid}.tmp`;
  writeFileSync(beside, `${JSON.stringify(contexts, null, 2)}\n`, { mode: OWNER_ONLY_FILE, flag: 'wx' });
  chmodSync(beside, OWNER_ONLY_FILE);
  renameSync(beside, path);
  return path;
}

function parse(text: string): Contexts | undefined {
  try {
    const document: unknown = JSON.parse(text);
    if (!isResource(document) || !isResource(document['contexts'])) return undefined;
    const { current } = document;
    const entries = Object.entries(document['contexts']).flatMap(([name, one]): [string, Context][] => {
      if (!isResource(one) || typeof one['server'] !== 'string') return [];
      const { server, project, token, tokenFile } = one;
      return [
        [
          name,
          {
            server,
            ...(typeof project === 'string' ? { project } : {}),
            ...(typeof token === 'string' ? { token } : {}),
            ...(typeof tokenFile === 'string' ? { tokenFile } : {}),
          },
        ],
      ];
    });
    return { ...(typeof current === 'string' ? { current } : {}), contexts: Object.fromEntries(entries) };
  } catch {
    return undefined;
  }
}
