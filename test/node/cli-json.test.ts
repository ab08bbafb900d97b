/** Every command answers with JSON and with the same as YAML; a command that is not in this list fails it. */
import type { Command } from 'commander';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createProgram } from '../../src/cli/program.ts';
import { processWorld } from '../../src/cli/process-world.ts';
import { startApiServer, type ApiServer } from '../support/node/api-server.ts';
import { startWorld, type World } from '../support/node/demo-world.ts';
import { newAdministrator, type Person } from './cli-support.ts';

const ORDERS = 'https://orders.example.com';
let world: World;
let admin: Person;
let cluster: ApiServer;
let workload = '';

beforeAll(async () => {
  world = await startWorld();
  cluster = await startApiServer();
  admin = await newAdministrator(world.broker, 'world');
  const project = `/v1/projects/${world.projectNumber}`;
  await world.must('POST', `${project}/targets?targetId=orders`, { uri: ORDERS });
  await world.must('POST', `${project}/roles`, { roleId: 'reader', role: { includedPermissions: ['orders.get'] } });
  workload = admin.file('workload', await world.token());
  admin.file('kubeconfig', cluster.kubeconfig());
  admin.file('configuration.yaml', 'kind: Role\nname: writer\nspec: { includedPermissions: [orders.create] }\n');
  admin.file('policy.yaml', 'bindings: []\n');
  admin.file('jwks.json', world.issuer.jwksJson);
  const { generateKeyPairSync } = await import('node:crypto');
  admin.file(
    'sa.pub',
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'pem', type: 'spki' }).toString(),
  );
});
afterAll(async () => {
  admin?.leave();
  cluster?.stop();
  await world?.broker.stop();
});

const provider = (): string => `provider/${world.audience.split('/').at(-1)}`;

/** In an order in which each finds what it needs. What is answered anew each time has no second answer to be compared with. */
const CHANGES = 'changes each time';
type Row = readonly [name: string, args: () => readonly string[], how?: typeof CHANGES];

const COMMANDS: readonly Row[] = [
  ['init', () => []],
  ['login', () => [world.broker.origin, '--token-file', 'token', '-p', 'world', '--name', 'here']],
  ['whoami', () => []],
  ['contexts list', () => []],
  ['contexts use', () => ['here']],
  ['apply', () => ['-f', 'configuration.yaml', '--dry-run'], CHANGES],
  ['diff', () => ['-f', 'configuration.yaml'], CHANGES],
  ['export', () => []],
  ['get', () => ['target/orders']],
  ['describe', () => ['target/orders']],
  ['check', () => ['--principal', 'ns/shop/sa/checkout', '--target', 'orders', '--time', '2030-01-01T00:00:00Z']],
  ['simulate', () => ['target/orders', '-f', 'policy.yaml']],
  ['inspect', () => [workload]],
  ['exchange', () => ['--subject-token-file', workload], CHANGES],
  ['create-cred-config google', () => [world.audience, '--credential-source-file', '/t']],
  [
    'create-cred-config aws',
    () => ['--role-arn', 'arn:aws:iam::123456789012:role/x', '--web-identity-token-file', '/t'],
  ],
  ['cluster connect', () => ['connected', '--kubeconfig', 'kubeconfig', '--dry-run']],
  ['history list', () => []],
  ['history show', () => ['3']],
  ['history compare', () => ['3']],
  ['history restore', () => ['3', '--dry-run']],
  ['quota list', () => []],
  ['quota usage', () => [], CHANGES],
  ['quota ask', () => ['friday', '--value', '9000', '--justification', 'x'], CHANGES],
  ['quota grant', () => ['friday', '--until', '2d'], CHANGES],
  ['quota withdraw', () => ['friday'], CHANGES],
  ['quota refuse', () => ['monday', '--comment', 'no'], CHANGES],
  ['keys list', () => []],
  ['keys rotate', () => [], CHANGES],
  ['keys from-pem', () => ['sa.pub']],
  ['keys upload', () => [provider(), '--jwks', 'jwks.json'], CHANGES],
  ['keys distrust', () => [provider(), 'BEYqJsDcrss-B3w2jspU36NPSv0PhHLDDGRgDRFGy9I'], CHANGES],
  ['delete', () => ['target/orders'], CHANGES],
  ['delete', () => [provider()], CHANGES],
  ['undelete', () => [provider()], CHANGES],
  ['doctor', () => []],
  ['contexts remove', () => ['here'], CHANGES],
];

function leaves(command: Command, path: readonly string[] = []): readonly string[] {
  if (command.commands.length === 0) return [path.join(' ')];
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((one) => one.name() !== 'help')
    .flatMap((one) => leaves(one, [...path, one.name()]));
}

it('no command is left out; completion prints a script and nothing else', () => {
  const named = new Set(COMMANDS.map(([name]) => name));
  expect(leaves(createProgram(processWorld())).filter((name) => !named.has(name))).toEqual(['completion']);
});

it.each(COMMANDS.map(([name, args, how = 'the same again']) => [name, args, how] as const))(
  '%s',
  async (name, args, how) => {
    if (name === 'quota refuse') await admin.run(['quota', 'ask', 'monday', '--value', '9000', '--justification', 'x']);
    const words = [...name.split(' '), ...args()];
    const json = await admin.run([...words, '--json']);
    expect({ code: json.code, stderr: json.stderr }).toEqual({ code: expect.toBeOneOf([0, 1]), stderr: '' });
    const value: unknown = json.json();
    expect(value).toBeTypeOf('object');
    if (how === CHANGES) return;
    const yaml = await admin.run([...words, '-o', 'yaml']);
    expect(yaml.code).toBe(json.code);
    // What the first run made is there for the second one.
    if (name === 'init') expect(parse(yaml.stdout)).toMatchObject({ added: [] });
    else expect(parse(yaml.stdout)).toEqual(value);
  },
);
