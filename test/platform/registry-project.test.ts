/** One project's Registry: what is written is at once the truth, in force before it is confirmed, stands in history and records, and within bounds. */
import { env } from 'cloudflare:workers';
import { runDurableObjectAlarm } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { etagOf } from '../../src/core/admin/etag.ts';
import type { PolicyInput } from '../../src/core/admin/commands.ts';
import { stillCurrent } from '../../src/core/news.ts';
import { shardKey } from '../../src/core/resources.ts';
import {
  aProject,
  createRole,
  createTarget,
  epochInForce,
  eventually,
  fails,
  getRole,
  inKv,
  mendEnv,
  namespaceOf,
  provisioned,
  query,
  registryOf,
  rename,
  replaceEnv,
  tablesOf,
  withMethods,
} from './registry-support.ts';
import { by } from '../support/callers.ts';

describe('a project that nobody made', () => {
  it('is not there, and asking for it makes nothing', async () => {
    const project = aProject();
    const registry = registryOf(project);
    expect(await registry.read({ type: 'project.get' })).toEqual({
      ok: false,
      error: { tag: 'not_found', resource: `projects/${project.projectNumber}` },
    });
    expect(await registry.shard(shardKey.project(project.projectNumber))).toEqual({ epoch: 0, value: null });
    expect(await registry.ping()).toEqual({ kek: 'unset' });
    expect((await registry.apply(createRole, by('test'))).ok).toBe(false);
    const announced = await registry.announce([shardKey.ring(project.projectNumber)]).then(
      () => 'announced',
      () => 'refused',
    );
    expect(announced).toBe('refused');
    expect(await tablesOf(registry)).toEqual([]);
    expect(await epochInForce(project)).toBe(0);
  });
});

describe('provisioning', () => {
  it('gives the project its first epoch, its pool and its records; again changes nothing', async () => {
    const { project, registry } = await provisioned();
    expect(await epochInForce(project)).toBe(1);
    expect(await registry.provision(project, by('test'))).toEqual({ ok: true, value: project });
    expect(await epochInForce(project)).toBe(1);
    const poolKey = shardKey.pool(project.projectNumber, 'demo.svc.id.goog');
    await eventually(() => inKv(poolKey)).toMatchObject({ epoch: 1, value: { pool: { builtIn: true } } });
    await eventually(() => inKv(shardKey.project(project.projectNumber))).toMatchObject({
      epoch: 1,
      value: { project: { projectId: 'demo' } },
    });
    expect(await registry.ping()).toEqual({ kek: 'current' });
  });

  it('refuses another project under the same number', async () => {
    const { project, registry } = await provisioned();
    const answer = await registry.provision({ ...project, projectId: 'other' }, by('test'));
    expect(answer).toMatchObject({ ok: false, error: { tag: 'already_exists' } });
  });
});

describe('a change', () => {
  it('is read back at once, from read() and from shard(), and is in force when it is confirmed', async () => {
    const { project, registry } = await provisioned();
    expect(await registry.apply(createRole, by('test'))).toMatchObject({ ok: true, value: { kind: 'role' } });
    expect(await registry.read(getRole)).toMatchObject({ ok: true, value: { role: { title: 'Reader', version: 2 } } });
    const shard = await registry.shard(shardKey.project(project.projectNumber));
    expect(shard).toMatchObject({ epoch: 2, value: { openingRoleIds: ['reader'] } });
    const news = await env.QUOTA.getByName(project.projectNumber).news();
    expect(news).toMatchObject({ epoch: 2, recent: [{ epoch: 1 }, { epoch: 2 }] });
    expect(news.recent[1]?.shards).toContain(shardKey.project(project.projectNumber));
    await eventually(() => inKv(shardKey.project(project.projectNumber))).toMatchObject({ epoch: 2 });
  });

  it('that is refused leaves no trace', async () => {
    const { project, registry } = await provisioned();
    await registry.apply(createRole, by('test'));
    expect(await registry.apply(createRole, by('test'))).toMatchObject({ ok: false, error: { tag: 'already_exists' } });
    expect(await epochInForce(project)).toBe(2);
    expect(await query(registry, 'SELECT epoch FROM history WHERE epoch > 2')).toEqual([]);
  });

  it('of a policy is answered with its warnings, which are kept nowhere', async () => {
    const { registry } = await provisioned();
    await registry.apply(createRole, by('test'));
    const bindings = [{ role: 'projects/demo/roles/reader', members: ['user:a@example.com'] }];
    const resource = { kind: 'project' } as const;
    expect(await registry.apply({ type: 'policy.set', resource, policy: { bindings } }, by('test'))).toMatchObject({
      ok: true,
      value: { policy: { bindings }, warnings: [expect.stringMatching(/^bindings\[0\]\.members\[0\]: /)] },
    });
    const read = await registry.read({ type: 'policy.get', resource });
    expect(read).toMatchObject({ ok: true, value: { kind: 'policy', policy: { bindings } } });
    expect(JSON.stringify(read)).not.toContain('warnings');
    expect(await query(registry, "SELECT 1 FROM history WHERE after LIKE '%warnings%'")).toEqual([]);
  });

  it('of the limit reaches the quota', async () => {
    const { project, registry } = await provisioned();
    const input = { tokenExchangesPerMinute: 7 };
    await registry.apply({ type: 'project.patch', input, mask: ['tokenExchangesPerMinute'] }, by('test'));
    const usage = await env.QUOTA.getByName(project.projectNumber).usage();
    expect(usage.limitPerMinute).toBe(7);
  });

  it('stands in the history: who, what, before and after', async () => {
    const { registry } = await provisioned();
    await registry.apply(rename('One'), by('ada'));
    const rows = await query<Record<string, string>>(registry, 'SELECT * FROM history WHERE epoch = 2');
    expect(rows).toMatchObject([{ actor: 'ada', command: 'project.patch', resource: 'project' }]);
    expect(JSON.parse(rows[0]?.['before'] ?? '')).toMatchObject({ displayName: '' });
    expect(JSON.parse(rows[0]?.['after'] ?? '')).toMatchObject({ displayName: 'One' });
  });

  it('by two writers with one etag: exactly one wins', async () => {
    const { registry } = await provisioned();
    await registry.apply(createRole, by('test'));
    const set = (policy: PolicyInput) =>
      registry.apply({ type: 'policy.set', resource: { kind: 'project' }, policy }, by('test'));
    const bindings = [{ role: 'projects/demo/roles/reader', members: ['user:ada@example.com'] }];
    const etag = etagOf(0);
    const answers = await Promise.all(Array.from({ length: 5 }, () => set({ etag, bindings })));
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
    const refused = answers.filter((answer) => !answer.ok).map((answer) => answer.error.tag);
    expect(refused).toEqual(['etag_mismatch', 'etag_mismatch', 'etag_mismatch', 'etag_mismatch']);
  });

  it('that deletes leaves a record that says so, and no binding for the next of that name', async () => {
    const { project, registry } = await provisioned();
    const key = shardKey.target(project.projectNumber, 'files');
    const resource = { kind: 'target', targetId: 'files' } as const;
    const bindings = [{ role: 'projects/demo/roles/reader', members: ['user:ada@example.com'] }];
    await registry.apply(createRole, by('test'));
    await registry.apply(createTarget('files'), by('test'));
    expect(await registry.apply({ type: 'policy.set', resource, policy: { bindings } }, by('test'))).toMatchObject({
      ok: true,
    });
    await eventually(() => inKv(key)).toMatchObject({ value: { policy: { bindings: [{}] } } });
    await registry.apply({ type: 'target.delete', targetId: 'files' }, by('test'));
    expect(await registry.shard(key)).toMatchObject({ value: null });
    await eventually(() => inKv(key)).toEqual({ epoch: 5, value: null });
    await registry.apply(createTarget('files'), by('test'));
    expect(await registry.shard(key)).toMatchObject({ value: { policy: { bindings: [] } } });
    await eventually(() => inKv(key)).toMatchObject({ epoch: 6, value: { policy: { bindings: [] } } });
  });

  it('that deletes a role leaves none of its bindings for the next role of that name', async () => {
    const { project, registry } = await provisioned();
    const resource = { kind: 'target', targetId: 'files' } as const;
    const bindings = [{ role: 'projects/demo/roles/reader', members: ['user:ada@example.com'] }];
    await registry.apply(createRole, by('test'));
    await registry.apply(createTarget('files'), by('test'));
    await registry.apply({ type: 'policy.set', resource, policy: { bindings } }, by('test'));
    await registry.apply({ type: 'role.delete', roleId: 'reader' }, by('test'));
    const targetKey = shardKey.target(project.projectNumber, 'files');
    const news = await env.QUOTA.getByName(project.projectNumber).news();
    expect(news.recent.at(-1)).toEqual({ epoch: 5, shards: [shardKey.project(project.projectNumber), targetKey] });
    await registry.apply(createRole, by('test'));
    expect(await registry.shard(targetKey)).toMatchObject({ value: { policy: { bindings: [], revision: 5 } } });
    expect(await registry.shard(shardKey.project(project.projectNumber))).toMatchObject({
      value: { openingRoleIds: ['reader'] },
    });
  });

  it('of very many shards names none of them: every copy is in doubt, and read again', async () => {
    const { project, registry } = await provisioned();
    const bindings = [{ role: 'projects/demo/roles/reader', members: ['user:ada@example.com'] }];
    const targetIds = Array.from({ length: 12 }, (_, index) => `target-${index}`);
    await registry.apply(createRole, by('test'));
    for (const targetId of targetIds) {
      await registry.apply(createTarget(targetId), by('test'));
      const resource = { kind: 'target', targetId } as const;
      await registry.apply({ type: 'policy.set', resource, policy: { bindings } }, by('test'));
    }
    const before = await epochInForce(project);
    expect(await registry.apply({ type: 'role.delete', roleId: 'reader' }, by('test'))).toMatchObject({ ok: true });
    const news = await env.QUOTA.getByName(project.projectNumber).news();
    expect(news).toMatchObject({ epoch: before + 2 });
    expect(news.recent.at(-1)).toEqual({ epoch: before + 2, shards: [] });
    const poolKey = shardKey.pool(project.projectNumber, 'demo.svc.id.goog');
    expect(stillCurrent(poolKey, before, news)).toBe(false);
    await eventually(() => inKv(poolKey)).toMatchObject({ epoch: before + 2 });
    for (const targetId of targetIds) {
      await eventually(() => inKv(shardKey.target(project.projectNumber, targetId))).toMatchObject({
        epoch: before + 2,
        value: { policy: { bindings: [] } },
      });
    }
  });

  it('after change within a second is one put for a key, and the newest', async () => {
    const { project, registry } = await provisioned();
    const key = shardKey.project(project.projectNumber);
    await eventually(() => inKv(key)).toBeDefined();
    let puts = 0;
    await replaceEnv(registry, (real) => ({
      CACHE: withMethods(real.CACHE, {
        put: (...all: Parameters<KVNamespace['put']>) => {
          puts += 1;
          return real.CACHE.put(...all);
        },
      }),
    }));
    for (let n = 0; n < 20; n++) await registry.apply(rename(`Name ${n}`), by('test'));
    await eventually(() => inKv(key)).toMatchObject({ epoch: 21, value: { project: { displayName: 'Name 19' } } });
    expect(puts).toBeLessThanOrEqual(4);
  });
});

describe('a project that grows', () => {
  const permissions = (count: number): readonly string[] =>
    Array.from({ length: count }, (_, index) => `files.${'x'.repeat(90)}.c${index}`);

  it('keeps its shard small whatever its roles hold', async () => {
    const { project, registry } = await provisioned();
    for (let index = 0; index < 30; index++) {
      const input = { includedPermissions: index % 2 === 0 ? permissions(600) : ['iam.roles.get'] };
      expect(await registry.apply({ type: 'role.create', roleId: `role_${index}`, input }, by('test'))).toMatchObject({
        ok: true,
      });
    }
    const shard = await registry.shard(shardKey.project(project.projectNumber));
    expect(JSON.stringify(shard).length).toBeLessThan(2_000);
    const opening = Array.from({ length: 15 }, (_, index) => `role_${index * 2}`).toSorted();
    expect(shard).toMatchObject({ value: { openingRoleIds: opening } });
    const input = { includedPermissions: ['iam.roles.get'] };
    await registry.apply({ type: 'role.patch', roleId: 'role_0', input, mask: ['includedPermissions'] }, by('test'));
    expect(await registry.shard(shardKey.project(project.projectNumber))).toMatchObject({
      value: { openingRoleIds: opening.slice(1) },
    });
  });

  it('refuses the target with which its shard would outgrow the edge, and keeps nothing of it', async () => {
    const { project, registry } = await provisioned();
    const key = shardKey.project(project.projectNumber);
    // As it would be after some hundreds of targets with the longest addresses.
    await query(
      registry,
      `INSERT INTO resources (kind, parent, id, uri, body)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 530)
       SELECT 'target', '', 'target-' || i, 'https://' || i || '.example.com/' || substr(hex(zeroblob(1000)), 1, 1960), '{}' FROM n`,
    );
    const uri = `https://last.example.com/${'a'.repeat(1_970)}`;
    const answers: unknown[] = [];
    for (let index = 0; index < 12; index++) {
      const answer = await registry.apply(createTarget(`last-${index}`, `${uri}${index}`), by('test'));
      answers.push(answer.ok ? 'ok' : answer.error);
    }
    const accepted = answers.filter((answer) => answer === 'ok').length;
    expect(answers.slice(accepted)).toEqual(
      Array.from(answers.slice(accepted), () => ({
        tag: 'failed_precondition',
        description: expect.stringContaining(key),
      })),
    );
    expect(accepted).toBeLessThan(12);
    expect(await epochInForce(project)).toBe(1 + accepted);
    const refused = `last-${accepted}`;
    expect(await registry.read({ type: 'target.get', targetId: refused })).toMatchObject({ ok: false });
    expect(await query(registry, 'SELECT 1 FROM history WHERE epoch > ?', 1 + accepted)).toEqual([]);
    expect(await query(registry, 'SELECT 1 FROM outbox')).toEqual([]);
    expect(await registry.shard(key)).toMatchObject({ epoch: 1 + accepted, value: { project: { projectId: 'demo' } } });
    await eventually(() => inKv(key)).toMatchObject({ epoch: 1 + accepted });
  });

  it('refuses a row that SQLite would not take, and keeps two large ones in its history', async () => {
    const { project, registry } = await provisioned();
    const resource = { kind: 'pool', poolId: 'demo.svc.id.goog' } as const;
    const large = (count: number, title: string): PolicyInput => ({
      version: 3,
      bindings: Array.from({ length: count }, (_, index) => ({
        role: 'roles/sts.targetViewer',
        members: [`user:u${index}@example.com`],
        condition: {
          expression: 'true',
          title: `${title}${index}`,
          description: '€'.repeat(256),
          location: '€'.repeat(256),
        },
      })),
    });
    expect(await registry.apply({ type: 'policy.set', resource, policy: large(700, 'a') }, by('test'))).toMatchObject({
      ok: false,
      error: { tag: 'failed_precondition', description: expect.stringContaining('policy/pool/demo.svc.id.goog') },
    });
    for (const title of ['b', 'c']) {
      const policy = large(450, title);
      expect(await registry.apply({ type: 'policy.set', resource, policy }, by('test'))).toMatchObject({ ok: true });
    }
    expect(await epochInForce(project)).toBe(3);
    const rows = await query<{ position: number; before: string | null; after: string | null }>(
      registry,
      'SELECT position, length(before) AS before, length(after) AS after FROM history WHERE epoch = 3 ORDER BY position',
    );
    expect(rows).toEqual([
      { position: 0, before: expect.any(Number), after: null },
      { position: 1, before: null, after: expect.any(Number) },
    ]);
  });
});

describe('records', () => {
  it('are put again at the newest epoch before they run out', async () => {
    const { project, registry } = await provisioned();
    const poolKey = shardKey.pool(project.projectNumber, 'demo.svc.id.goog');
    await eventually(() => inKv(poolKey)).toMatchObject({ epoch: 1 });
    await registry.apply(rename('One'), by('test'));
    const [copy] = await query<{ put_at_ms: number; due_at_ms: number }>(
      registry,
      'SELECT * FROM copies WHERE key = ?',
      poolKey,
    );
    expect((copy?.due_at_ms ?? 0) - (copy?.put_at_ms ?? 0)).toBe(12 * 3_600_000);
    expect(await inKv(poolKey)).toMatchObject({ epoch: 1 });
    await query(registry, 'UPDATE copies SET due_at_ms = 0 WHERE key = ?', poolKey);
    await runDurableObjectAlarm(registry);
    expect(await inKv(poolKey)).toMatchObject({ epoch: 2 });
  });

  it('are put again when somebody found KV behind, and not for a stranger who guesses', async () => {
    const { project, registry } = await provisioned();
    const poolKey = shardKey.pool(project.projectNumber, 'demo.svc.id.goog');
    await eventually(() => inKv(poolKey)).toMatchObject({ epoch: 1 });
    await query(registry, 'UPDATE copies SET put_at_ms = put_at_ms - 61000');
    await env.CACHE.delete(poolKey);
    await registry.shard(poolKey);
    await eventually(() => inKv(poolKey)).toMatchObject({ epoch: 1 });
    const guess = shardKey.provider(project.projectNumber, 'demo.svc.id.goog', 'guess');
    expect(await registry.shard(guess)).toEqual({ epoch: 1, value: null });
    expect(await registry.shard(shardKey.project('999999'))).toEqual({ epoch: 1, value: null });
    expect(await registry.shard('')).toEqual({ epoch: 1, value: null });
    expect(await query(registry, 'SELECT key FROM copies')).toHaveLength(2);
  });
});

describe('announcing', () => {
  it('moves the epoch and names the shard', async () => {
    const { project, registry } = await provisioned();
    const ring = shardKey.ring(project.projectNumber);
    await registry.announce([ring]);
    await registry.announce([ring], by('ada'), 'keys.rotate');
    expect(await query(registry, 'SELECT actor, command FROM history WHERE epoch > 1')).toEqual([
      { actor: 'edge-sts', command: 'announce' },
      { actor: 'ada', command: 'keys.rotate' },
    ]);
    const news = await env.QUOTA.getByName(project.projectNumber).news();
    expect(news.epoch).toBe(3);
    expect(news.recent[1]).toEqual({ epoch: 2, shards: [ring] });
    expect(await query(registry, 'SELECT 1 FROM copies WHERE key = ?', ring)).toEqual([]);
  });

  it('rejects while it is not in force', async () => {
    const { project, registry } = await provisioned();
    await replaceEnv(registry, () => ({ QUOTA: namespaceOf({ advance: fails('unreachable') }) }));
    const announced = await registry.announce([shardKey.ring(project.projectNumber)]).then(
      () => 'in force',
      () => 'refused',
    );
    expect(announced).toBe('refused');
    await mendEnv(registry);
    await runDurableObjectAlarm(registry);
    expect(await epochInForce(project)).toBe(2);
  });
});
