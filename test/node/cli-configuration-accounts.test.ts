/** Service accounts in files, as somebody works with them: made with their policy, changed, exported, pruned, and back. */
import { join } from 'node:path';
import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { startWorld, type World } from '../support/node/demo-world.ts';
import { newAdministrator, type Person } from './cli-support.ts';

const PROJECT = 'accounts-x';
let world: World;
let admin: Person;

beforeAll(async () => {
  world = await startWorld();
  admin = await newAdministrator(world.broker, 'world');
  await world.must('POST', '/v1/projects', { projectId: PROJECT });
  mkdirSync(join(admin.home, 'files'));
});
afterAll(async () => {
  admin?.leave();
  await world?.broker.stop();
});

const HEADER = `kind: Configuration\nproject: ${PROJECT}\nowner: shop\n`;
const ACCOUNT = (displayName: string): string =>
  `---\nkind: ServiceAccount\nname: checkout\nspec:\n  displayName: ${displayName}\n  maxTokenLifetime: 900s\n`;
const POLICY = `---
kind: AllowPolicy
on: serviceAccount/checkout
spec:
  bindings:
    - role: roles/iam.workloadIdentityUser
      members: ["principal://iam.googleapis.com/projects/\${project.number}/locations/global/workloadIdentityPools/\${project.id}.svc.id.goog/subject/ns/shop/sa/checkout"]
`;
const TARGET = '---\nkind: Target\nname: orders\nspec: {uri: "https://orders.example.com"}\n';

async function did(code: number, command: 'apply' | 'diff', text: string): Promise<string> {
  const ran = await admin.run([command, '-f', admin.file('files/all.yaml', HEADER + text)]);
  expect(ran, ran.stderr).toMatchObject({ code });
  return ran.stdout;
}

const account = (): Promise<Record<string, unknown>> =>
  world.must('GET', `/v1/projects/${PROJECT}/serviceAccounts?showDeleted=true`);

it('a service account and its policy come, change, are exported, go with their owner’s file, and come back the same', async () => {
  const all = ACCOUNT('Checkout') + POLICY + TARGET;
  expect(await did(EXIT.no, 'diff', all)).toContain('(new)');
  expect((await did(EXIT.ok, 'apply', all)).split('\n').toSorted()).toEqual([
    '',
    'policy/serviceAccount/checkout created',
    'serviceAccount/checkout created',
    'target/orders created',
  ]);
  expect(await did(EXIT.ok, 'diff', all)).toBe('No differences.\n');
  const { accounts: [made] = [] } = (await account()) as { accounts?: Record<string, unknown>[] };
  expect(made).toMatchObject({ displayName: 'Checkout' });

  const renamed = ACCOUNT('Till') + POLICY + TARGET;
  expect(await did(EXIT.no, 'diff', renamed)).toContain('+ displayName: Till');
  expect(await did(EXIT.ok, 'apply', renamed)).toBe('serviceAccount/checkout changed\n');

  const exported = await admin.run(['export', '-p', PROJECT, '--owner', 'shop']);
  expect(exported.stdout).toContain('kind: ServiceAccount\nname: checkout\n');
  expect(exported.stdout).toContain('on: serviceAccount/checkout\n');
  const same = await admin.run(['diff', '-f', admin.file('exported.yaml', exported.stdout)]);
  expect(same, same.stderr).toMatchObject({ code: EXIT.ok, stdout: 'No differences.\n' });

  expect((await did(EXIT.ok, 'apply', TARGET)).split('\n').toSorted()).toEqual([
    '',
    'policy/serviceAccount/checkout deleted',
    'serviceAccount/checkout deleted',
  ]);
  expect(await did(EXIT.ok, 'diff', TARGET)).toBe('No differences.\n');
  const back = await did(EXIT.ok, 'apply', renamed);
  expect(back).toContain('serviceAccount/checkout undeleted');
  const { accounts: [again] = [] } = (await account()) as { accounts?: Record<string, unknown>[] };
  expect(again?.['uniqueId']).toBe(made?.['uniqueId']);
});

it('what is wrong with one is said at its place, and nothing of the files is done', async () => {
  const wrong = ACCOUNT('Checkout').replace('900s', '99999s') + TARGET.replaceAll('orders', 'other');
  const ran = await admin.run(['apply', '-f', admin.file('files/all.yaml', HEADER + wrong)]);
  expect(ran).toMatchObject({ code: EXIT.usage, stdout: '' });
  expect(ran.stderr).toMatch(/all\.yaml:9:3: maxTokenLifetime: /);
  expect((await admin.run(['get', 'target', 'other', '-p', PROJECT])).code).toBe(EXIT.notFound);
});
