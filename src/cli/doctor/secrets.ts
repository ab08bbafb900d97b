/** The secrets file of this folder, where there is one: is it whole, and is it still a secret. */
import { spawnSync } from 'node:child_process';
import { isOpenToOthers, readSecrets, SECRETS_FILE, secretsPath } from '../secrets-file.ts';
import type { CliWorld } from '../world.ts';
import { good, type Finding } from './finding.ts';

const KEK_BYTES = 32;
const ADMIN_TOKEN = /^[\u0021-\u007e]{32,}$/;

export function secretsFindings(world: Pick<CliWorld, 'cwd'>): readonly Finding[] {
  const path = secretsPath(world);
  const secrets = readSecrets(path);
  if (secrets === undefined) return [];
  const problems: Finding[] = [];
  const add = (check: string, message: string, ...fix: readonly string[]): void =>
    void problems.push({ check, status: 'problem', on: SECRETS_FILE, message, fix });
  if (isOpenToOthers(path)) add('secrets-file', 'others on this machine can read it', `chmod 600 ${SECRETS_FILE}`);
  if (isInGit(world, path))
    add('secrets-file', 'git would take it, or has it', 'npx edge-sts init', `git rm --cached ${SECRETS_FILE}`);
  if (Buffer.from(secrets['EDGE_STS_KEK'] ?? '', 'base64').byteLength !== KEK_BYTES) {
    add('missing-secret', 'EDGE_STS_KEK is missing or not 32 bytes of base64', 'npx edge-sts init');
  }
  if (!ADMIN_TOKEN.test(secrets['EDGE_STS_ADMIN_TOKEN'] ?? '')) {
    add('missing-secret', 'EDGE_STS_ADMIN_TOKEN is missing, or shorter than 32 characters', 'npx edge-sts init');
  }
  if ((secrets['PUBLIC_ORIGIN'] ?? '') === '') {
    problems.push({
      check: 'public-origin',
      status: 'warning',
      on: SECRETS_FILE,
      message: 'PUBLIC_ORIGIN is not in it: a deployment with it mints no token until the variable is set',
      fix: ['npx edge-sts init --origin https://HOST'],
    });
  }
  return problems.length > 0 ? problems : [good('secrets-file', `${SECRETS_FILE} is whole and private`)];
}

function isInGit({ cwd }: Pick<CliWorld, 'cwd'>, path: string): boolean {
  const git = (...args: readonly string[]): number | null => spawnSync('git', args, { cwd, stdio: 'ignore' }).status;
  if (git('rev-parse', '--is-inside-work-tree') !== 0) return false;
  return git('check-ignore', '--quiet', path) !== 0 || git('ls-files', '--error-unmatch', path) === 0;
}
