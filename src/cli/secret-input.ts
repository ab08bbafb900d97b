/** Where a token comes from: a file, stdin, the environment, or somebody's fingers. Never an argument, which `ps` and the shell's history show. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { usageFault } from './fault.ts';
import type { CliWorld } from './world.ts';

/** What an `Authorization` header can hold, which is less than what a file can. */
const TOKEN = /^[\u0021-\u007e]+$/;

/** `-` is stdin. */
export async function readTokenFile(world: CliWorld, path: string): Promise<string> {
  return checked(path === '-' ? await world.stdin.readAll() : readTextFile(world, path), path === '-' ? 'stdin' : path);
}

/** Undefined where there is nobody to ask, or he breaks off. */
export async function promptForToken(world: CliWorld, prompt: string): Promise<string | undefined> {
  if (!world.stdin.isTerminal) return undefined;
  const typed = await world.stdin.readHidden(prompt);
  return typed === undefined || typed.trim() === '' ? undefined : checked(typed, 'What was typed');
}

export function readTextFile(world: Pick<CliWorld, 'cwd'>, path: string): string {
  try {
    return readFileSync(resolve(world.cwd, path), 'utf8');
  } catch (fault) {
    throw usageFault(`${path} cannot be read: ${fault instanceof Error ? fault.message : String(fault)}`);
  }
}

/** Nothing of it is quoted: where a wrong file is named, its content is nobody's business. */
export function checked(text: string, source: string): string {
  const token = text.trim();
  if (token === '') throw usageFault(`${source} is empty: no token came.`);
  if (!TOKEN.test(token)) throw usageFault(`${source} holds no token: one word of printable ASCII is expected.`);
  return token;
}
