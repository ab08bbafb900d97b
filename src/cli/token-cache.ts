/** Tokens that were fetched, until four fifths of their life are over: a shell loop must not spend the project's quota. */
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isResource } from '../client/administration.ts';
import { writeOwnerOnly } from './owner-only-file.ts';
import type { CliWorld } from './world.ts';

export interface CachedToken {
  readonly accessToken: string;
  readonly obtainedAtMs: number;
  readonly expiresAtMs: number;
}

/** Fresh enough to be handed out; after that it still holds for a while, and a new one is fetched. */
const REFRESH_FRACTION = 0.8;
const OTHERS = 0o077;

export function refreshAtMs({ obtainedAtMs, expiresAtMs }: Omit<CachedToken, 'accessToken'>): number {
  return obtainedAtMs + (expiresAtMs - obtainedAtMs) * REFRESH_FRACTION;
}

export interface TokenCache {
  read(nowMs: number): CachedToken | undefined;
  /** Where it cannot be kept, the next one is fetched: that is no fault. */
  write(token: CachedToken): void;
}

/** `asked`: everything that the answer depends on, the subject token among it. It goes into a hash, and nothing of it into a name. */
export function openTokenCache({ env, home }: Pick<CliWorld, 'env' | 'home'>, asked: readonly string[]): TokenCache {
  const folder = join(env['XDG_CACHE_HOME'] || join(home, '.cache'), 'edge-sts', 'tokens');
  const path = join(folder, `${createHash('sha256').update(JSON.stringify(asked)).digest('hex')}.json`);
  return {
    read(nowMs) {
      const found = readCached(path);
      if (found === undefined) return undefined;
      if (nowMs >= found.obtainedAtMs && nowMs < refreshAtMs(found)) return found;
      if (nowMs >= found.expiresAtMs) rmSync(path, { force: true });
      return undefined;
    },
    write(token) {
      try {
        writeOwnerOnly(path, JSON.stringify(token));
      } catch {
        // A file system that is read only, as in many pods.
      }
    },
  };
}

function readCached(path: string): CachedToken | undefined {
  try {
    // What others could have written is not handed out as ours.
    if (process.platform !== 'win32' && (statSync(path).mode & OTHERS) !== 0) return undefined;
    const document: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (!isResource(document)) return undefined;
    const { accessToken, obtainedAtMs, expiresAtMs } = document;
    if (typeof accessToken !== 'string' || typeof obtainedAtMs !== 'number' || typeof expiresAtMs !== 'number') {
      return undefined;
    }
    return { accessToken, obtainedAtMs, expiresAtMs };
  } catch {
    return undefined;
  }
}
