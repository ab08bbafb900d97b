/** The brokers that this person has signed in to, and the tokens for them: one file in his configuration folder that nobody else can read. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isResource } from '../client/administration.ts';
import { usageFault } from './fault.ts';
import { writeOwnerOnly } from './owner-only-file.ts';
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

const OTHERS = 0o077;

function contextsPath({ env, home }: Pick<CliWorld, 'env' | 'home'>): string {
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

export function writeContexts(world: Pick<CliWorld, 'env' | 'home'>, contexts: Contexts): string {
  const path = contextsPath(world);
  writeOwnerOnly(path, `${JSON.stringify(contexts, null, 2)}\n`);
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
