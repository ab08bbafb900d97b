/** Asking the world, and what an answer may look like: a refusal in the right dialect, or the grant that was expected; never a throw, never a long wait. */
import { isStrictObject } from './oracle/strict-json.ts';
import { ADMIN_TOKEN } from './names.ts';
import type { Tally } from './property.ts';
import type { World } from './world.ts';

const SLOW_MS = 2_000;

export interface Heard {
  readonly status: number;
  readonly text: string;
  readonly type: string;
}

/** Sends it; a machine that many share may be slow once, not twice in a row at the same request. */
export async function ask(world: World, path: string, init: RequestInit, tally: Tally): Promise<Heard> {
  const startMs = performance.now();
  let heard = await hear(world, path, init, tally);
  if (performance.now() - startMs > SLOW_MS) {
    const againMs = performance.now();
    heard = await hear(world, path, init, tally);
    if (performance.now() - againMs > SLOW_MS) throw new Error(`${path} took more than ${SLOW_MS} ms, twice`);
  }
  return heard;
}

/** What changes the world is sent once: the second time it would be another request. */
export async function askOnce(world: World, path: string, init: RequestInit, tally: Tally): Promise<Heard> {
  return hear(world, path, init, tally);
}

async function hear(world: World, path: string, init: RequestInit, tally: Tally): Promise<Heard> {
  const answer = await world.send(path, init);
  tally.cases += 1;
  if (answer.status === 200) tally.granted += 1;
  else tally.refused += 1;
  return { status: answer.status, text: await answer.text(), type: answer.headers.get('content-type') ?? '' };
}

/** Changes the world as an administrator does. */
export async function administer(
  world: World,
  method: string,
  path: string,
  body: Uint8Array<ArrayBuffer>,
  tally: Tally,
): Promise<Heard> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' };
  return askOnce(world, path, { method, headers, body }, tally);
}

/** The subject that is let in; nobody; or nobody for now, because something that was asked is away. */
export type Outcome = { readonly subject: string } | 'refused' | 'unavailable';

export function letIn(subject: string | undefined): Outcome {
  return subject === undefined ? 'refused' : { subject };
}

export function expectExchange(world: World, answer: Heard, expected: Outcome, said: string): void {
  expectNoFault(world, said);
  if (expected === 'unavailable') {
    const { error } = parsed(answer.text);
    if (answer.status === 503 && error === 'temporarily_unavailable') return;
    const what = answer.status === 200 ? 'granted to somebody' : `${answer.status} ${answer.text}`;
    throw new Error(`${what}, though what is asked is away: ${said}`);
  }
  if (answer.status !== 200) {
    expectDialect(answer, said);
    if (expected !== 'refused') throw new Error(`refused, though it is ${expected.subject}: ${answer.text} ${said}`);
    return;
  }
  const { access_token: minted = '' } = JSON.parse(answer.text) as { readonly access_token?: string };
  const { sub } = JSON.parse(Buffer.from(minted.split('.')[1] ?? '', 'base64url').toString()) as {
    readonly sub?: string;
  };
  if (expected === 'refused' || sub !== expected.subject)
    throw new Error(`granted to ${sub}, not to ${JSON.stringify(expected)}: ${said}`);
}

const ERRORS = [
  'invalid_request',
  'invalid_grant',
  'invalid_target',
  'invalid_scope',
  'unauthorized_client',
  'unsupported_grant_type',
];

/** RFC 6749 §5.2, with the status codes of CONTRACT for what is no token request at all. */
export function expectDialect(answer: Heard, said: string, method = 'POST'): void {
  const { error, error_description: text } = parsed(answer.text);
  const isRefusal = [400, 404, 405, 413, 415].includes(answer.status);
  if (method === 'HEAD' && isRefusal) return;
  const fits = isRefusal && ERRORS.includes(String(error)) && typeof text === 'string';
  if (!fits || !answer.type.includes('application/json'))
    throw new Error(`${answer.status} ${answer.text} for ${said}`);
}

/** google.rpc.Status; a grant only to who may, and for a body that is strict JSON. */
export function expectAdministration(
  answer: Heard,
  method: string,
  caller: 'administrator' | 'stranger' | 'workload',
  body: Uint8Array,
  said: string,
): void {
  const why = (what: string): Error => new Error(`${what}: ${answer.status} ${answer.text} for ${said}`);
  if (caller === 'stranger' && answer.status !== 401) throw why('a stranger was answered');
  if (caller === 'workload' && answer.status === 200) throw why('a push without a push token');
  if (answer.status === 200) {
    const reads = method === 'GET' || method === 'HEAD' || method === 'DELETE';
    if (!reads && body.length > 0 && isStrictObject(body) === undefined)
      throw why('taken, though it is no strict object');
    return;
  }
  if (method === 'HEAD') return;
  const error = parsed(answer.text)['error'] as
    | { readonly code?: unknown; readonly status?: unknown; readonly message?: unknown }
    | undefined;
  const fits = answer.status >= 400 && answer.status < 500 && error?.code === answer.status;
  if (!fits || typeof error?.status !== 'string' || typeof error.message !== 'string') throw why('not in its dialect');
}

/** Taken exactly when a second opinion takes it. */
export function expectTaken(world: World, answer: Heard, isRight: boolean, said: string): void {
  expectNoFault(world, said);
  if (answer.status === 200 && !isRight) throw new Error(`taken, though it is wrong: ${said}`);
  if (answer.status !== 200 && isRight) throw new Error(`refused, though it is right: ${answer.text} ${said}`);
  if (answer.status !== 200) expectAdministration(answer, 'POST', 'administrator', new Uint8Array(), said);
}

export function expectNoFault(world: World, said: string): void {
  const [fault] = world.faults;
  if (fault !== undefined) throw new Error(`${fault} after ${said}`);
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

export function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).slice(0, 2_000);
}
