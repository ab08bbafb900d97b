/** Deny policies in the Registry: rows with history, records at the edge that follow the roles, and a project that is older than they are. */
import { env } from 'cloudflare:workers';
import { runDurableObjectAlarm } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import type { Command, DenyPolicyInput } from '../../src/core/admin/commands.ts';
import { type DenyAttachment, shardKey } from '../../src/core/resources.ts';
import {
  createRole,
  createTarget,
  epochInForce,
  fails,
  mendEnv,
  namespaceOf,
  provisioned,
  query,
  replaceEnv,
  tablesOf,
} from './registry-support.ts';
import { by } from '../support/callers.ts';

const EVERYBODY = 'principalSet://goog/public:all';
const PROJECT = { kind: 'project' } as const;
const page = { after: '', pageSize: 10 };

const deny = (
  input: DenyPolicyInput = ruleOf(['files.*']),
  attachment: DenyAttachment = PROJECT,
  policyId = 'no-files',
): Command => ({ type: 'denyPolicy.create', attachment, policyId, input });

function ruleOf(deniedPermissions: readonly string[]): DenyPolicyInput {
  return { rules: [{ denyRule: { deniedPrincipals: [EVERYBODY], deniedPermissions } }] };
}

describe('a deny policy', () => {
  it('is read back, is in the record of its project, and is in force when it is confirmed', async () => {
    const { project, registry } = await provisioned();
    const key = shardKey.project(project.projectNumber);
    await registry.apply(createRole, by('test'));
    expect(await registry.shard(key)).toMatchObject({ value: { openingRoleIds: ['reader'] } });
    expect(await registry.apply(deny(), by('test'))).toMatchObject({ ok: true, value: { kind: 'denyPolicy' } });
    expect(await registry.shard(key)).toMatchObject({
      epoch: 3,
      value: { denyRules: [{ deniedPrincipals: [EVERYBODY], deniesExchange: false, deniedRoleIds: ['reader'] }] },
    });
    const news = await env.QUOTA.getByName(project.projectNumber).news();
    expect(news.recent.at(-1)).toEqual({ epoch: 3, shards: [key] });
    expect(await registry.read({ type: 'denyPolicy.list', attachment: PROJECT, page })).toMatchObject({
      value: { policies: [{ policyId: 'no-files', version: 3 }] },
    });
  });

  it('stands in the history: written, replaced, deleted', async () => {
    const { registry } = await provisioned();
    const id = { attachment: PROJECT, policyId: 'no-files' };
    await registry.apply(deny(), by('ada'));
    await registry.apply({ type: 'denyPolicy.update', ...id, input: ruleOf(['*']) }, by('bob'));
    await registry.apply({ type: 'denyPolicy.delete', ...id }, by('eve'));
    const rows = await query<Record<string, string | null>>(registry, 'SELECT * FROM history WHERE epoch > 1');
    expect(rows).toMatchObject([
      { epoch: 2, actor: 'ada', command: 'denyPolicy.create', resource: 'denyPolicy/project/no-files', before: null },
      { epoch: 3, actor: 'bob', command: 'denyPolicy.update', before: rows[0]?.['after'] },
      { epoch: 4, actor: 'eve', command: 'denyPolicy.delete', before: rows[1]?.['after'], after: null },
    ]);
    expect(JSON.parse(rows[1]?.['after'] ?? '')).toMatchObject({
      rules: [{ denyRule: { deniedPermissions: ['*'] } }],
    });
    expect(await registry.read({ type: 'denyPolicy.get', ...id })).toMatchObject({ ok: false });
  });

  it('is taken by a project from before there were any, and asking there makes no table', async () => {
    const { project, registry } = await provisioned();
    await registry.apply(createRole, by('test'));
    await registry.apply(createTarget('files'), by('test'));
    await registry.apply({ type: 'target.delete', targetId: 'files' }, by('test'));
    await registry.read({ type: 'denyPolicy.list', attachment: PROJECT, page });
    await registry.read({ type: 'denyPolicy.get', attachment: PROJECT, policyId: 'no-files' });
    expect(await tablesOf(registry)).not.toContain('deny_policies');
    const shard = await registry.shard(shardKey.project(project.projectNumber));
    expect(shard.value).not.toHaveProperty('denyRules');
    expect(await registry.apply(deny(), by('test'))).toMatchObject({ ok: true });
    expect(await tablesOf(registry)).toContain('deny_policies');
  });

  it('on a target follows every change of roles, and goes with the target', async () => {
    const { project, registry } = await provisioned();
    const on = { kind: 'target', targetId: 'files' } as const;
    const key = shardKey.target(project.projectNumber, 'files');
    await registry.apply(createTarget('files'), by('test'));
    await registry.apply(deny(undefined, on), by('test'));
    await registry.apply(createRole, by('test'));
    expect(await registry.shard(key)).toMatchObject({ value: { denyRules: [{ deniedRoleIds: ['reader'] }] } });
    const news = await env.QUOTA.getByName(project.projectNumber).news();
    expect(news.recent.at(-1)?.shards).toEqual([shardKey.project(project.projectNumber), key]);
    const mask = ['includedPermissions'];
    await registry.apply(
      { type: 'role.patch', roleId: 'reader', input: { includedPermissions: ['x.y'] }, mask },
      by('test'),
    );
    expect(await registry.shard(key)).toMatchObject({ value: { denyRules: [{ deniedRoleIds: [] }] } });
    await registry.apply({ type: 'target.delete', targetId: 'files' }, by('test'));
    await registry.apply(createTarget('files'), by('test'));
    expect((await registry.shard(key)).value).not.toHaveProperty('denyRules');
    expect(await query(registry, 'SELECT 1 FROM deny_policies')).toEqual([]);
  });

  it('on twenty targets does not name them all when a role changes: every copy is in doubt', async () => {
    const { project, registry } = await provisioned();
    for (let index = 0; index < 20; index++) {
      await registry.apply(createTarget(`target-${index}`), by('test'));
      await registry.apply(deny(undefined, { kind: 'target', targetId: `target-${index}` }), by('test'));
    }
    const before = await epochInForce(project);
    expect(await registry.apply(createRole, by('test'))).toMatchObject({ ok: true });
    const news = await env.QUOTA.getByName(project.projectNumber).news();
    expect(news.recent.at(-1)).toEqual({ epoch: before + 2, shards: [] });
  });

  it('that was saved while the quota object was away is put in force by the alarm', async () => {
    const { project, registry } = await provisioned();
    await replaceEnv(registry, () => ({ QUOTA: namespaceOf({ advance: fails('unreachable') }) }));
    expect(await registry.apply(deny(), by('test'))).toMatchObject({ ok: false, error: { tag: 'not_in_force_yet' } });
    expect(await registry.read({ type: 'denyPolicy.get', attachment: PROJECT, policyId: 'no-files' })).toMatchObject({
      ok: true,
    });
    await mendEnv(registry);
    expect(await runDurableObjectAlarm(registry)).toBe(true);
    expect(await epochInForce(project)).toBe(2);
  });
});

describe('a project that grows', () => {
  const principal = (project: string, index: number, length: number): string =>
    `principalSet://iam.googleapis.com/projects/${project}/locations/global/workloadIdentityPools/my-pool/attribute.name/${index}${'x'.repeat(length)}`;
  const large = (project: string, count: number, length: number): DenyPolicyInput => ({
    rules: [
      {
        denyRule: {
          deniedPrincipals: Array.from({ length: count }, (_, index) => principal(project, index, length)),
          deniedPermissions: ['files.*'],
        },
      },
    ],
  });

  it('refuses a policy that is too large for a row, by name, and keeps nothing of it', async () => {
    const { project, registry } = await provisioned();
    expect(await registry.apply(deny(large(project.projectNumber, 600, 1_800)), by('test'))).toMatchObject({
      ok: false,
      error: {
        tag: 'failed_precondition',
        description: expect.stringContaining('denyPolicy/project/no-files'),
      },
    });
    expect(await epochInForce(project)).toBe(1);
    expect(await registry.read({ type: 'denyPolicy.list', attachment: PROJECT, page })).toMatchObject({
      value: { policies: [] },
    });
  });

  it('refuses policies, and roles, with which its record would outgrow the edge', async () => {
    const { project, registry } = await provisioned();
    const key = shardKey.project(project.projectNumber);
    const tooLarge = { ok: false, error: { tag: 'failed_precondition', description: expect.stringContaining(key) } };
    const half = large(project.projectNumber, 300, 1_700);
    expect(await registry.apply(deny(half), by('test'))).toMatchObject({ ok: true });
    expect(await registry.apply(deny(half, PROJECT, 'second'), by('test'))).toMatchObject(tooLarge);
    // Many rules, each of which would list the role.
    const rules = Array.from({ length: 490 }, () => ({
      denyRule: { deniedPrincipals: [EVERYBODY], deniedPermissions: ['files.*'] },
    }));
    expect(await registry.apply(deny({ rules }, PROJECT, 'second'), by('test'))).toMatchObject({ ok: true });
    const answers: unknown[] = [];
    for (let index = 0; index < 30; index++) {
      const roleId = `role_${'x'.repeat(56)}_${index}`;
      const input = { title: 'R', includedPermissions: ['files.read'] };
      const answer = await registry.apply({ type: 'role.create', roleId, input }, by('test'));
      answers.push(answer.ok ? 'ok' : answer);
    }
    const accepted = answers.indexOf(answers.find((answer) => answer !== 'ok'));
    expect(accepted).toBeGreaterThan(0);
    for (const refused of answers.slice(accepted)) expect(refused).toMatchObject(tooLarge);
    expect(await epochInForce(project)).toBe(3 + accepted);
    const first = `role_${'x'.repeat(56)}_0`;
    expect(await registry.apply({ type: 'role.delete', roleId: first }, by('test'))).toMatchObject({ ok: true });
  });
});
