/** Bodies that do not come: a few may be waited for, of many the rest is sent away after ten seconds, and whoever is honest is served meanwhile. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildBundle } from '../../src/local/bundle.ts';
import { startPlainWorkerd, type PlainWorkerd } from '../support/node/workerd.ts';

/** `FEW_WAITING` of `protocols/read-body.ts`. */
const FEW = 64;
const BEYOND = 16;
const BODY = 'grant_type=something';
const FORM = 'application/x-www-form-urlencoded';

let workerd: PlainWorkerd;
const sockets: Slow[] = [];
beforeAll(async () => {
  workerd = await startPlainWorkerd(await buildBundle(), (origin) => ({
    PUBLIC_ORIGIN: origin,
    EDGE_STS_KEK: Buffer.alloc(32, randomBytes(8).toString('hex')).toString('base64'),
    EDGE_STS_ADMIN_TOKEN: `test-only-admin-${randomBytes(32).toString('base64url')}`,
  }));
});
afterAll(async () => {
  for (const { socket } of sockets) socket.destroy();
  await workerd?.stop();
});

interface Slow {
  readonly socket: Socket;
  answer: string;
}

/** Says how much will come, and sends all but the last byte. */
async function begin(): Promise<Slow> {
  const { hostname, port } = new URL(workerd.origin);
  const slow: Slow = { socket: connect(Number(port), hostname), answer: '' };
  slow.socket.on('data', (chunk) => (slow.answer += chunk.toString()));
  slow.socket.on('error', () => undefined);
  const head = `POST /v1/token HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: ${FORM}\r\nContent-Length: ${BODY.length}\r\n\r\n`;
  await new Promise((sent) => slow.socket.write(head + BODY.slice(0, -1), sent));
  sockets.push(slow);
  return slow;
}

async function honest(): Promise<number> {
  const answer = await fetch(`${workerd.origin}/v1/token`, {
    method: 'POST',
    body: BODY,
    headers: { 'Content-Type': FORM },
  });
  expect(await answer.json()).toMatchObject({ error: 'unsupported_grant_type' });
  return answer.status;
}

it('a few slow senders are waited for; of many the rest is sent away, and nobody else waits for them', async () => {
  expect(await honest()).toBe(400);
  const all: Slow[] = [];
  for (let at = 0; at < FEW + BEYOND; at += 1) all.push(await begin());
  await sleep(1_000);
  expect(all.filter(({ answer }) => answer !== '')).toEqual([]);
  const askedMs = Date.now();
  expect(await honest()).toBe(400);
  expect(Date.now() - askedMs).toBeLessThan(5_000);
  for (let waitedMs = 0; waitedMs < 20_000 && answered() < BEYOND; waitedMs += 100) await sleep(100);
  await sleep(500);
  expect(answered()).toBe(BEYOND);
  const [first, ...rest] = all.filter(({ answer }) => answer !== '');
  expect(first?.answer).toContain('HTTP/1.1 400');
  expect(first?.answer).toContain('ended early or did not come in time');
  expect(rest.every(({ answer }) => answer.includes('did not come in time'))).toBe(true);
  // Whoever is waited for is answered when he has sent all of it.
  const [patient] = all.filter(({ answer }) => answer === '');
  patient?.socket.write(BODY.slice(-1));
  for (let waitedMs = 0; waitedMs < 5_000 && answered() === BEYOND; waitedMs += 50) await sleep(50);
  expect(patient?.answer).toContain('unsupported_grant_type');

  function answered(): number {
    return all.filter(({ answer }) => answer !== '').length;
  }
}, 60_000);
