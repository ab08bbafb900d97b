/** The commands that `npm start` prints, as somebody pastes them: they log in, exchange, inspect, and say why a stranger is refused. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBroker, type Broker } from '../../src/local/broker.ts';
import { runDemo } from '../../src/local/demo/run.ts';
import { writeSecret } from '../../src/local/state-folder.ts';
import { hearForTheSearch } from '../support/node/demo-world.ts';
import { BINARY, newPerson, type Person } from './cli-support.ts';

let broker: Broker;
let person: Person;
let state = '';
const said: string[] = [];
beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), 'edge-sts-demo state-'));
  broker = await startBroker({ adminToken: `test-only-admin-${crypto.randomUUID()}`, onDiagnostic: hearForTheSearch });
  writeSecret(join(state, 'admin-token'), broker.adminToken);
  person = newPerson();
  await runDemo(broker, state, (text) => said.push(...text.split('\n')));
});
afterAll(async () => {
  person?.leave();
  await broker?.stop();
  rmSync(state, { recursive: true, force: true });
});

/** A shell in which `npx edge-sts` is ours. */
function paste(line: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const npx = `npx() { shift; '${process.execPath}' '${BINARY}' "$@"; }`;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', `${npx}\n${line}`], {
    env: person.env,
    cwd: person.home,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

it('log in, exchange and inspect, and an explained refusal', () => {
  const [login = '', exchange = '', check = '', ...more] = said.filter((line) => line.startsWith('npx edge-sts'));
  expect(more).toEqual([]);
  expect(paste(login)).toMatchObject({ status: 0, stdout: expect.stringContaining('Logged in') });
  const inspected = paste(exchange);
  expect(inspected).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^verified by[\s\S]+aud: https:\/\/storage\.example\.com/),
  });
  const refused = paste(check);
  expect(refused).toMatchObject({ status: 1, stdout: expect.stringMatching(/^No:[\s\S]+refused: no binding on/) });
});

it('the tokens lie in files that others cannot read', () => {
  for (const name of ['checkout.token', 'stranger.token'])
    expect(statSync(join(state, 'demo', name)).mode & 0o777).toBe(0o600);
});
