/** A configuration applied in the Registry object: one transaction, one epoch, one change in the history; a crash anywhere leaves all of it or nothing. */
import { env } from 'cloudflare:workers';
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import type { Command } from '../../src/core/admin/commands.ts';
import type { ConfigurationWish, DesiredChange } from '../../src/core/admin/configuration/change.ts';
import type { Project } from '../../src/core/resources.ts';
import type { Registry } from '../../src/platform/registry/object.ts';
import { by } from '../support/callers.ts';
import { CLUSTER } from '../support/admin-samples.ts';
import {
  epochInForce,
  mendEnv,
  namespaceOf,
  provisioned,
  query,
  registryOf,
  replaceEnv,
  trap,
  withMethods,
} from './registry-support.ts';

const POOL = 'demo.svc.id.goog';
const ACTOR = by('test');

function wish(changes: readonly DesiredChange[], more: Partial<ConfigurationWish> = {}): Command {
  const none = { stagedParts: 0, prune: false, takeOver: false, validateOnly: false };
  return { type: 'configuration.apply', changeSet: 'set-1', changes, ...none, ...more };
}

function target(id: string): DesiredChange {
  return { resource: `target/${id}`, desired: { kind: 'target', input: { uri: `https://${id}.example.com` } } };
}

function cluster(index: number): DesiredChange {
  const kubernetes = { ...CLUSTER.kubernetes, clusterUri: `https://clusters.example.com/${index}` };
  return { resource: `provider/${POOL}/cluster-${index}`, desired: { kind: 'provider', input: { kubernetes } } };
}

const many = (count: number): readonly DesiredChange[] =>
  Array.from({ length: count }, (_, index) => target(`t-${index}`));

const targetCount = async (project: Project): Promise<number> => {
  const rows = await query<{ count: number }>(
    registryOf(project),
    `SELECT count(*) AS count FROM resources WHERE kind = 'target'`,
  );
  return rows[0]?.count ?? -1;
};

describe('a configuration', () => {
  it('is one epoch and one change in the history, under the name of its change set', async () => {
    const { project, registry } = await provisioned();
    expect(await registry.apply(wish(many(5), { owner: 'team-a' }), ACTOR)).toMatchObject({ ok: true });
    expect(await epochInForce(project)).toBe(2);
    const rows = await query<{ epoch: number; command: string; resource: string }>(
      registry,
      'SELECT epoch, command, resource FROM history WHERE epoch > 1',
    );
    expect(rows.map(({ resource }) => resource)).toContain('owner/target/t-4');
    expect([...new Set(rows.map(({ epoch, command }) => `${epoch} ${command}`))]).toEqual([
      '2 configuration.apply set-1',
    ]);
  });

  it('of many resources leaves one step of the epoch out, so that every copy is read again, and no more', async () => {
    const { project, registry } = await provisioned();
    expect(await registry.apply(wish(many(300)), ACTOR)).toMatchObject({ ok: true });
    expect(await epochInForce(project)).toBe(3);
    expect(await query(registry, 'SELECT * FROM outbox')).toEqual([]);
  });

  it('that is as it is already, or is only looked at, is no change at all', async () => {
    const { project, registry } = await provisioned();
    await registry.apply(wish(many(3)), ACTOR);
    const before = await query(registry, 'SELECT * FROM history');
    await registry.apply(wish(many(3)), ACTOR);
    await registry.apply(wish(many(6), { validateOnly: true }), ACTOR);
    expect(await query(registry, 'SELECT * FROM history')).toEqual(before);
    expect(await epochInForce(project)).toBe(2);
  });

  it('of which one part is refused changes nothing', async () => {
    const { project, registry } = await provisioned();
    const broken: DesiredChange = { resource: 'target/last', desired: { kind: 'target', input: { uri: 'no uri' } } };
    expect(await registry.apply(wish([...many(20), broken]), ACTOR)).toMatchObject({ ok: false });
    expect(await targetCount(project)).toBe(0);
    expect(await epochInForce(project)).toBe(1);
  });

  it('that was looked at is not applied over what somebody wrote since', async () => {
    const { project, registry } = await provisioned();
    const looked = await registry.apply(wish(many(3), { validateOnly: true }), ACTOR);
    const etag = looked.ok && looked.value.kind === 'configured' ? looked.value.etag : '';
    await registry.apply(wish([target('t-1')], { changeSet: 'set-2' }), by('other'));
    expect(await registry.apply(wish(many(3), { etag }), ACTOR)).toMatchObject({
      ok: false,
      error: { tag: 'etag_mismatch' },
    });
    expect(await targetCount(project)).toBe(1);
  });
});

describe('a crash', () => {
  it('before the change is saved leaves nothing of it', async () => {
    const { project } = await provisioned();
    // Caught where the object asks how far the edge is, before its first write.
    const { method, crash } = trap();
    await abortAllDurableObjects();
    const again = registryOf(project);
    await replaceEnv(again, () => ({ QUOTA: namespaceOf({ news: method }) }));
    const applying = again.apply(wish(many(50)), ACTOR).catch(() => 'crashed');
    await crash();
    expect(await applying).toBe('crashed');
    expect(await targetCount(project)).toBe(0);
    expect(await query(registryOf(project), 'SELECT * FROM outbox')).toEqual([]);
  });

  it('after it is saved and before it is in force leaves all of it, and the alarm puts it in force', async () => {
    const { project, registry } = await provisioned();
    const { method, crash } = trap();
    await replaceEnv(registry, (real) => ({
      QUOTA: namespaceOf({ advance: method, news: () => real.QUOTA.getByName(project.projectNumber).news() }),
    }));
    const applying = registry.apply(wish(many(50), { owner: 'team-a' }), ACTOR).catch(() => 'crashed');
    await crash();
    expect(await applying).toBe('crashed');
    expect(await targetCount(project)).toBe(50);
    expect(await runDurableObjectAlarm(registryOf(project))).toBe(true);
    expect(await epochInForce(project)).toBe(3);
  });

  it.each([1, 7, 40])('in the middle of writing, at row %i, leaves nothing of it', async (row) => {
    const { project, registry } = await provisioned();
    // A full disk at that row, once the change is written for good: trying it out before does not move the epoch.
    await query(
      registry,
      `CREATE TRIGGER no_room BEFORE INSERT ON resources
       WHEN new.id = 't-${row}' AND (SELECT epoch FROM standing) > 1 BEGIN SELECT RAISE(ABORT, 'disk full'); END`,
    );
    const outcome = await runInDurableObject(registry, (instance: Registry) =>
      instance.apply(wish(many(50), { owner: 'team-a' }), ACTOR).then(
        () => 'applied',
        (fault: unknown) => String(fault),
      ),
    );
    expect(outcome).toContain('disk full');
    await query(registryOf(project), 'DROP TRIGGER no_room');
    expect(await targetCount(project)).toBe(0);
    expect(await query(registryOf(project), `SELECT * FROM history WHERE epoch > 1`)).toEqual([]);
    expect(await epochInForce(project)).toBe(1);
  });

  it('between the parts leaves nothing but parts, which end by themselves', async () => {
    const { project, registry } = await provisioned();
    await registry.stage({ changeSet: 'set-1', part: 0, changes: many(20) }, ACTOR);
    await abortAllDurableObjects();
    expect(await targetCount(project)).toBe(0);
    expect(await epochInForce(project)).toBe(1);
    const again = registryOf(project);
    await runInDurableObject(again, async (instance: Registry) => {
      instance.clock = () => Date.now() + 2 * 3_600_000;
      await instance.alarm();
    });
    expect(await query(again, 'SELECT * FROM staged')).toEqual([]);
  });
});

describe('parts', () => {
  it('are applied together, once, by whoever staged them; one more time replaces a part', async () => {
    const { project, registry } = await provisioned();
    await registry.stage({ changeSet: 'set-1', part: 0, changes: [target('wrong')] }, ACTOR);
    await registry.stage({ changeSet: 'set-1', part: 0, changes: many(3) }, ACTOR);
    await registry.stage({ changeSet: 'set-1', part: 1, changes: [target('more')] }, ACTOR);
    const incomplete = await registry.apply(wish([], { stagedParts: 3 }), ACTOR);
    expect(incomplete).toMatchObject({ ok: false, error: { tag: 'failed_precondition' } });
    expect(await registry.apply(wish([], { stagedParts: 2 }), by('other'))).toMatchObject({ ok: false });
    expect(await registry.apply(wish([], { stagedParts: 2 }), ACTOR)).toMatchObject({ ok: true });
    expect(await targetCount(project)).toBe(4);
    expect(await query(registry, 'SELECT * FROM staged')).toEqual([]);
  });

  it('of another caller are not touched', async () => {
    const { registry } = await provisioned();
    await registry.stage({ changeSet: 'set-1', part: 0, changes: many(3) }, ACTOR);
    expect(await registry.stage({ changeSet: 'set-1', part: 1, changes: [target('mine')] }, by('other'))).toMatchObject(
      {
        ok: false,
        error: { tag: 'failed_precondition' },
      },
    );
  });

  it('are nobody’s who may not apply', async () => {
    const { registry } = await provisioned();
    const stranger = {
      name: 'user:a@example.com',
      identity: { kind: 'user', email: 'a@example.com' },
      requestId: '',
    } as const;
    expect(await registry.stage({ changeSet: 'set-1', part: 0, changes: [] }, stranger)).toMatchObject({
      ok: false,
      error: { tag: 'permission_denied', permission: 'sts.configuration.apply' },
    });
  });

  it('take so much room together and no more', async () => {
    const { registry } = await provisioned();
    const large: DesiredChange = {
      resource: 'target/large',
      desired: { kind: 'target', input: { displayName: 'x'.repeat(1_000_000) } },
    };
    const staged = async (part: number) => registry.stage({ changeSet: 'set-1', part, changes: [large] }, ACTOR);
    for (let part = 0; part < 50; part++) expect(await staged(part)).toEqual({ ok: true, value: null });
    expect(await staged(50)).toMatchObject({ ok: false, error: { tag: 'limit_reached' } });
  });
});

describe('reading one provider', () => {
  /** Rows that SQLite looked at. */
  async function rowsRead(project: Project): Promise<number> {
    return runInDurableObject(registryOf(project), async (instance, state) => {
      const { sql } = state.storage;
      let read = 0;
      const counted = withMethods(sql, {
        exec: (...words: Parameters<typeof sql.exec>) => {
          const cursor = sql.exec(...words);
          const rows = cursor.toArray();
          read += cursor.rowsRead;
          return { toArray: () => rows, one: () => rows[0], [Symbol.iterator]: () => rows[Symbol.iterator]() };
        },
      });
      const { ProjectRegistry } = await import('../../src/platform/registry/project.ts');
      const ctx = withMethods(state, {});
      const host = {
        ctx: new Proxy(ctx, {
          get: (whole, name) => (name === 'storage' ? withSql(state.storage, counted) : Reflect.get(whole, name)),
        }),
        env: () => env,
        nowMs: () => Date.now(),
        alert: () => undefined,
      };
      void instance;
      const answer = await new ProjectRegistry(host).read({
        type: 'provider.get',
        poolId: POOL,
        providerId: 'cluster-7',
      });
      expect(answer).toMatchObject({ ok: true, value: { provider: { providerId: 'cluster-7' } } });
      return read;
    });
  }

  function withSql(storage: DurableObjectStorage, sql: SqlStorage): DurableObjectStorage {
    return new Proxy(storage, {
      get(whole, name) {
        if (name === 'sql') return sql;
        const member: unknown = Reflect.get(whole, name, whole);
        return typeof member === 'function' ? member.bind(whole) : member;
      },
    });
  }

  it('touches as many records among three hundred as among ten', async () => {
    const clusters = (count: number) => Array.from({ length: count }, (_, index) => cluster(index));
    const few = await provisioned();
    await few.registry.apply(wish(clusters(10), { owner: 'team-a' }), ACTOR);
    const lots = await provisioned();
    await lots.registry.apply(wish([...clusters(300), ...many(100)], { owner: 'team-a' }), ACTOR);
    const among10 = await rowsRead(few.project);
    expect(among10).toBeGreaterThan(0);
    expect(await rowsRead(lots.project)).toBe(among10);
    await mendEnv(lots.registry);
  });
});
