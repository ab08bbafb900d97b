/** `.edge-sts/secrets.env`: what a deployment needs and nobody else may know, in the form that `wrangler deploy --secrets-file` takes. */
import { randomBytes } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { usageFault } from './fault.ts';
import { writeOwnerOnly } from './owner-only-file.ts';
import type { CliWorld } from './world.ts';

export const SECRETS_FILE = '.edge-sts/secrets.env';

const KEK_BYTES = 32;
const TOKEN_BYTES = 32;
const OTHERS = 0o077;
/** wrangler expands `$`: what we make holds none. */
const LINE = /^([A-Z][A-Z0-9_]*)=(.*)$/;

export function secretsPath({ cwd }: Pick<CliWorld, 'cwd'>, file = SECRETS_FILE): string {
  return resolve(cwd, file);
}

/** Undefined where there is none. */
export function readSecrets(path: string): Readonly<Record<string, string>> | undefined {
  if (!existsSync(path)) return undefined;
  const lines = readFileSync(path, 'utf8').split('\n');
  const pairs = lines.flatMap((line): [string, string][] => {
    const [, name, value = ''] = LINE.exec(line.trim()) ?? [];
    return name === undefined ? [] : [[name, value.replace(/^(["'])(.*)\1$/, '$2')]];
  });
  return Object.fromEntries(pairs);
}

/** Readable by others: a secret no more. */
export function isOpenToOthers(path: string): boolean {
  return process.platform !== 'win32' && (statSync(path).mode & OTHERS) !== 0;
}

/** What is there stays: to lose the KEK is to lose every signing key. Returns the names that were added. */
export function completeSecrets(path: string, publicOrigin: string | undefined): readonly string[] {
  for (const one of [dirname(path), path]) {
    // Laid there by somebody else, it would lead what is secret to a place of his choice, or bring in what he knows.
    if (lstatSync(one, { throwIfNoEntry: false })?.isSymbolicLink() === true)
      throw usageFault(`${one} is a link. Secrets are kept in a file of their own: remove it, and run this again.`);
  }
  const before = readSecrets(path) ?? {};
  const said = before['PUBLIC_ORIGIN'];
  if (publicOrigin !== undefined && said !== undefined && said !== publicOrigin) {
    throw usageFault(
      `${path} says PUBLIC_ORIGIN=${said}.`,
      'Relying parties trust that name, and every token carries it. If it is to be another one, change it in the file.',
    );
  }
  const wanted: Readonly<Record<string, string>> = {
    EDGE_STS_KEK: randomBytes(KEK_BYTES).toString('base64'),
    EDGE_STS_ADMIN_TOKEN: randomBytes(TOKEN_BYTES).toString('base64url'),
    ...(publicOrigin === undefined ? {} : { PUBLIC_ORIGIN: publicOrigin }),
  };
  const added = Object.keys(wanted).filter((name) => (before[name] ?? '') === '');
  if (added.length > 0 || isOpenToOthers(path)) {
    const kept = existsSync(path) ? withoutEmpty(readFileSync(path, 'utf8'), added) : HEAD;
    writeOwnerOnly(path, `${kept}${added.map((name) => `${name}=${wanted[name]}\n`).join('')}`);
  }
  return added;
}

const HEAD = `# The secrets of one deployment of edge-sts: npx wrangler deploy --secrets-file ${SECRETS_FILE}
# Keep a copy where you keep passwords. Without EDGE_STS_KEK the signing keys cannot be opened again. Never commit this file.
`;

function withoutEmpty(text: string, added: readonly string[]): string {
  const kept = text.split('\n').filter((line) => !added.some((name) => line.trim() === `${name}=`));
  return kept.join('\n').replace(/\n*$/, '\n');
}
