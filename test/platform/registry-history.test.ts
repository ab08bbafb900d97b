/** The history in the Registry: what it holds, and that whoever writes its rows by hand is noticed, restored or let go of as it may be. */
import { env } from 'cloudflare:workers';
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Caller } from '../../src/core/admin/caller.ts';
import type { Command } from '../../src/core/admin/commands.ts';
import type { HistoryAnswer, HistoryFault } from '../../src/core/admin/history/entry.ts';
import type { Registry } from '../../src/platform/registry/object.ts';
import { hashOf, type HistoryKeys } from '../../src/platform/registry/history-chain.ts';
import { HistoryRows } from '../../src/platform/registry/history-rows.ts';
import { createRole, createTarget, provisioned, query, rename, replaceEnv } from './registry-support.ts';
import { by } from '../support/callers.ts';

type Stub = DurableObjectStub<Registry>;

const ADA: Caller = {
  name: 'user:ada@example.com',
  requestId: 'request-1',
  address: '192.0.2.7',
  identity: { kind: 'bootstrap' },
};

async function must(registry: Stub, command: Command, caller: Caller = by('test')): Promise<void> {
  const answer = await registry.apply(command, caller);
  if (!answer.ok) throw new Error(JSON.stringify(answer.error));
}

async function asked(registry: Stub, wanted: Parameters<Stub['history']>[0]): Promise<HistoryAnswer> {
  const answer = await registry.history(wanted);
  if (!answer.ok) throw new Error(JSON.stringify(answer.error));
  return answer.value;
}

const faultsOf = async (registry: Stub): Promise<readonly HistoryFault[]> =>
  (await asked(registry, { type: 'list', pageSize: 5 })).faults;

/** Six entries: project and pool, then four changes. */
async function withChanges() {
  const made = await provisioned();
  await must(made.registry, createRole, ADA);
  await must(made.registry, rename('One'));
  await must(made.registry, rename('Two'));
  await must(made.registry, createTarget('files'));
  return made;
}

const restore = (sequence: number, more: object = {}): Command => ({
  type: 'history.restore',
  sequence,
  validateOnly: false,
  ...more,
});

afterEach(() => vi.restoreAllMocks());

describe('an entry', () => {
  it('says who, when, from where, what, and how it was before and after', async () => {
    const { registry } = await withChanges();
    const list = await asked(registry, { type: 'list', pageSize: 3 });
    expect(list).toMatchObject({ kind: 'entries', faults: [], next: 4 });
    expect(list.kind === 'entries' && list.entries.map(({ sequence, command }) => [sequence, command])).toEqual([
      [6, 'target.create'],
      [5, 'project.patch'],
      [4, 'project.patch'],
    ]);
    const { entry } = (await asked(registry, { type: 'show', sequence: 3 })) as { entry: object };
    expect(entry).toMatchObject({
      epoch: 2,
      actor: 'user:ada@example.com',
      address: '192.0.2.7',
      requestId: 'request-1',
      command: 'role.create',
      resource: 'role/reader',
      before: null,
      after: expect.stringContaining('"roleId":"reader"'),
      time: expect.stringMatching(/^20\d\d-/),
    });
    const ofProject = await asked(registry, { type: 'list', pageSize: 9, before: 5, resource: 'project' });
    expect(ofProject).toMatchObject({ entries: [{ sequence: 4 }, { sequence: 1 }] });
    expect(await registry.history({ type: 'show', sequence: 7 })).toMatchObject({ error: { tag: 'not_found' } });
  });

  it('is compared with any other, both ways', async () => {
    const { registry } = await withChanges();
    const page = { pageSize: 10, skip: 0 };
    const told = (await asked(registry, { type: 'compare', from: 3, to: 5, ...page })) as {
      differences: readonly object[];
    };
    expect(told.differences).toMatchObject([{ resource: 'project' }]);
    const back = (await asked(registry, { type: 'compare', from: 5, to: 3, ...page })) as {
      differences: readonly object[];
    };
    expect(back.differences).toEqual(
      told.differences.map((one) => ({ ...one, before: Reflect.get(one, 'after'), after: Reflect.get(one, 'before') })),
    );
    const sinceThen = await asked(registry, { type: 'compare', from: 2, pageSize: 2, skip: 1 });
    expect(sinceThen).toMatchObject({ differences: [{ resource: 'role/reader' }, { resource: 'target/files' }] });
  });

  it('is made by a restore as well, which is one change in force at once, or none', async () => {
    const { project, registry } = await withChanges();
    expect(await registry.apply(restore(2, { validateOnly: true }), ADA)).toMatchObject({
      ok: true,
      value: { kind: 'restored', steps: [{ action: 'DELETED' }, { action: 'DELETED' }, { action: 'CHANGED' }] },
    });
    expect(await registry.read({ type: 'role.get', roleId: 'reader' })).toMatchObject({ ok: true });
    await must(registry, restore(2), ADA);
    expect(await registry.read({ type: 'role.get', roleId: 'reader' })).toMatchObject({ ok: false });
    expect(await registry.read({ type: 'project.get' })).toMatchObject({ value: { project: { displayName: '' } } });
    const rows = await query<{ epoch: number }>(
      registry,
      "SELECT epoch, actor FROM history WHERE command = 'history.restore 2'",
    );
    expect(new Set(rows.map(({ epoch }) => epoch))).toEqual(new Set([6]));
    expect((await env.QUOTA.getByName(project.projectNumber).news()).epoch).toBe(6);
    expect(await faultsOf(registry)).toEqual([]);
    // And is taken back like any other change.
    await must(registry, restore(6));
    expect(await registry.read({ type: 'target.get', targetId: 'files' })).toMatchObject({ ok: true });
    expect(await registry.apply(restore(6), ADA)).toMatchObject({ value: { steps: [] } });
  });
});

/** As it was before there was a chain. */
const OLD_FORM = `CREATE TABLE history (epoch INTEGER NOT NULL, position INTEGER NOT NULL, time TEXT NOT NULL, actor TEXT NOT NULL,
  command TEXT NOT NULL, resource TEXT NOT NULL, before TEXT, after TEXT, PRIMARY KEY (epoch, position)) STRICT, WITHOUT ROWID`;

describe('rows that were written by hand', () => {
  const REHASHED = 'the history does not end where its seal says';

  it.each<[string, string, RegExp]>([
    ['altered', "UPDATE history SET actor = 'nobody' WHERE seq = 4", /4 the entry, or the one before it, was altered/],
    ['altered before', `UPDATE history SET before = '{}' WHERE seq = 5`, /5 the entry/],
    ['missing', 'DELETE FROM history WHERE seq = 4', /4 entries are missing or put in/],
    ['missing at the end', 'DELETE FROM history WHERE seq = 6', new RegExp(`6 ${REHASHED}`)],
    ['missing at the beginning', 'DELETE FROM history WHERE seq < 3', /1 entries are missing/],
    ['all missing', 'DELETE FROM history', new RegExp(`6 ${REHASHED}`)],
    [
      'exchanged',
      'UPDATE history SET seq = CASE seq WHEN 4 THEN -5 WHEN 5 THEN -4 ELSE seq END; UPDATE history SET seq = abs(seq)',
      /4 the entry/,
    ],
    [
      'put in',
      'INSERT INTO history SELECT 7, epoch, 9, time, actor, address, request_id, command, resource, before, after, hash FROM history WHERE seq = 6',
      new RegExp(REHASHED),
    ],
    ['without their seal', 'DELETE FROM history_head', /the end of the history is not sealed/],
    ['with a seal of their own', 'UPDATE history_head SET seal = hex(zeroblob(32))', /not sealed by this broker/],
    ['all missing, with their seal', 'DELETE FROM history; DELETE FROM history_head', /all entries are missing/],
    ['all missing, with their tables', 'DROP TABLE history; DROP TABLE history_head', /all entries are missing/],
    [
      'in the place of a chain',
      `DROP TABLE history; DROP TABLE history_head; ${OLD_FORM};
       INSERT INTO history VALUES (6, 0, 't', 'eve', 'c', 'role/reader', '{}', '{}')`,
      /all entries are missing/,
    ],
    ['with a doubt wiped out', "UPDATE history_head SET doubt = 'x'", /not sealed by this broker/],
  ])('%s are noticed, by GET and on stdout, and nothing is restored from them', async (_what, sql, expected) => {
    const { project, registry } = await withChanges();
    await query(registry, sql);
    const lines = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    const faults = await faultsOf(registry);
    expect(faults.map(({ sequence, description }) => `${sequence} ${description}`).join('\n')).toMatch(expected);
    const line: unknown = JSON.parse(String(lines.mock.calls[0]?.[0]));
    expect(line).toMatchObject({ event: 'history-doubtful', subject: `projects/${project.projectNumber}`, faults });
    const refused = await registry.apply(restore(2), ADA);
    expect(refused).toMatchObject({ ok: false });
  });

  it('hashed all anew are still not sealed', async () => {
    const { registry } = await withChanges();
    await runInDurableObject(registry, (_, { storage: { sql } }) => {
      sql.exec("UPDATE history SET actor = 'nobody' WHERE seq = 4");
      let hash = '0'.repeat(64);
      for (const entry of new HistoryRows(sql).list({ pageSize: 99 }).toReversed()) {
        const whole = new HistoryRows(sql).entry(entry.sequence);
        if (whole === undefined) throw new Error('no entry');
        hash = hashOf(whole, hash);
        sql.exec('UPDATE history SET hash = ? WHERE seq = ?', hash, entry.sequence);
      }
      sql.exec('UPDATE history_head SET hash = ?', hash);
    });
    expect(await faultsOf(registry)).toEqual([{ description: 'the end of the history is not sealed by this broker' }]);
  });

  it('are not washed by the changes that come after: the doubt is sealed with them', async () => {
    const { registry } = await withChanges();
    await query(registry, 'DELETE FROM history WHERE seq = 6');
    vi.spyOn(console, 'log').mockImplementation(() => undefined);
    await must(registry, rename('Three'));
    await must(registry, rename('Four'));
    const faults = await faultsOf(registry);
    expect(faults[0]).toMatchObject({ sequence: 6, description: expect.stringContaining('found at') });
    // What came after it can be believed.
    const list = await asked(registry, { type: 'list', pageSize: 2 });
    expect(list).toMatchObject({ entries: [{ sequence: 8 }, { sequence: 7 }] });
    await must(registry, restore(7));
    expect(await registry.apply(restore(5), ADA)).toMatchObject({ error: { tag: 'failed_precondition' } });
  });

  it.each([
    ['emptied', 'DELETE FROM history; DELETE FROM history_head'],
    ['dropped', 'DROP TABLE history; DROP TABLE history_head'],
    [
      'put in the place of a chain',
      `DROP TABLE history; DROP TABLE history_head; ${OLD_FORM};
       INSERT INTO history VALUES (5, 0, 't', 'eve', 'c', 'role/reader', '{}', '{}')`,
    ],
  ])('%s are not whole again by the next change', async (_what, sql) => {
    const { registry } = await withChanges();
    await query(registry, sql);
    const lines = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    await must(registry, rename('Three'));
    expect(lines.mock.calls.map(([line]) => String(line)).join()).toContain('history-doubtful');
    expect(await faultsOf(registry)).not.toEqual([]);
    await must(registry, rename('Four'));
    expect(await faultsOf(registry)).not.toEqual([]);
    expect(await registry.apply(restore(0), ADA)).toMatchObject({ ok: false });
  });

  it('are told of once in a while, however often somebody asks', async () => {
    const { registry } = await withChanges();
    await query(registry, 'DELETE FROM history WHERE seq = 4');
    const lines = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    const faults = await faultsOf(registry);
    expect(faults).not.toEqual([]);
    for (let n = 0; n < 5; n++) expect(await faultsOf(registry)).toEqual(faults);
    expect(lines).toHaveBeenCalledTimes(1);
  });

  it('are not restored by the word of a look from before', async () => {
    const { registry } = await withChanges();
    expect(await faultsOf(registry)).toEqual([]);
    await query(registry, `UPDATE history SET before = replace(before, 'One', 'Evil') WHERE seq = 5`);
    vi.spyOn(console, 'log').mockImplementation(() => undefined);
    expect(await registry.apply(restore(4), ADA)).toMatchObject({ error: { tag: 'failed_precondition' } });
  });

  it('with the whole object set back to an older state are noticed by the epoch that is in force, and for good', async () => {
    const { registry } = await withChanges();
    const old = await runInDurableObject(registry, (_, { storage: { sql } }) => ({
      head: [...sql.exec('SELECT * FROM history_head')][0] ?? {},
      epoch: 5,
    }));
    await must(registry, rename('Evil'));
    await runInDurableObject(registry, (_, { storage: { sql } }) => {
      sql.exec('DELETE FROM history WHERE epoch > ?', old.epoch);
      sql.exec('UPDATE standing SET epoch = ?', old.epoch);
      const { seq = 0, hash = '', bytes = 0, epoch = 0, seal = '' } = old.head;
      sql.exec(
        'UPDATE history_head SET seq = ?, hash = ?, bytes = ?, epoch = ?, seal = ?',
        seq,
        hash,
        bytes,
        epoch,
        seal,
      );
    });
    const lines = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    const missing = { description: 'the newest changes are missing: the state was set back' };
    expect(await faultsOf(registry)).toEqual([missing]);
    await evictDurableObject(registry);
    await must(registry, rename('Three'));
    const told = (await faultsOf(registry)).map(({ description }) => description).join();
    expect(told).toContain('the state was set back: changes between the epochs 5 and 6 are not in it');
    expect(lines.mock.calls.map(([line]) => String(line)).join()).toContain('history-doubtful');
  });
});

describe('the seal', () => {
  const OTHER_KEK = 'b3RoZXItdGVzdC1rZWstb3RoZXItdGVzdC1rZWstMTI=';

  it('goes over to a new KEK, and never one that was broken', async () => {
    for (const broken of [false, true]) {
      const { registry } = await withChanges();
      if (broken) await query(registry, "UPDATE history_head SET doubt = 'x'");
      await replaceEnv(registry, ({ EDGE_STS_KEK }) => ({
        EDGE_STS_KEK: OTHER_KEK,
        EDGE_STS_KEK_PREVIOUS: EDGE_STS_KEK,
      }));
      await must(registry, createTarget('mail'));
      await runDurableObjectAlarm(registry);
      await replaceEnv(registry, () => ({ EDGE_STS_KEK: OTHER_KEK }));
      vi.spyOn(console, 'log').mockImplementation(() => undefined);
      expect((await faultsOf(registry)).length > 0).toBe(broken);
    }
  });

  it('cannot be looked at without the KEK: then nothing is called whole', async () => {
    const { registry } = await withChanges();
    await replaceEnv(registry, () => ({ EDGE_STS_KEK: OTHER_KEK }));
    expect(await faultsOf(registry)).toMatchObject([{ description: expect.stringContaining('EDGE_STS_KEK') }]);
  });
});

describe('what is too much', () => {
  const keys: HistoryKeys = { current: new Uint8Array(32).fill(7) };
  const change = (epoch: number) => ({ epoch, time: '2026-01-01T00:00:00.000Z', caller: by('test'), command: 'test' });
  const trace = (size: number) => ({ resource: 'role/reader', before: null, after: 'x'.repeat(size) });

  async function rows<T>(
    work: (rows: HistoryRows, sql: SqlStorage) => T,
    limits = { entries: 5, bytes: 100_000 },
  ): Promise<T> {
    const stub = env.REGISTRY.getByName(`history-${crypto.randomUUID()}`);
    return runInDurableObject(stub, (_, { storage: { sql } }) => work(new HistoryRows(sql, limits), sql));
  }

  it('goes, oldest first and whole changes at a time, and the chain begins where it then begins', async () => {
    await rows((history, sql) => {
      for (let epoch = 1; epoch <= 10; epoch++) history.add(keys, 'it', change(epoch), [trace(1), trace(2)]);
      expect(history.list({ pageSize: 99 }).map(({ epoch }) => epoch)).toEqual([10, 10, 9, 9]);
      expect(history.faults(keys, 'it', 10)).toEqual([]);
      sql.exec('DELETE FROM history WHERE seq = 17');
      expect(history.faults(keys, 'it', 10)).toMatchObject([{ sequence: 17 }]);
    });
  });

  it('goes by size too, but never what is being written', async () => {
    await rows((history) => {
      history.add(keys, 'it', change(1), [trace(60_000)]);
      history.add(keys, 'it', change(2), [trace(60_000)]);
      expect(history.list({ pageSize: 9 })).toHaveLength(1);
      history.add(
        keys,
        'it',
        change(3),
        Array.from({ length: 8 }, () => trace(30_000)),
      );
      expect(history.list({ pageSize: 9 })).toHaveLength(8);
      expect(history.faults(keys, 'it', 3)).toEqual([]);
    });
  });

  it('takes the doubt along once nothing of then is left', async () => {
    await rows((history, sql) => {
      history.add(keys, 'it', change(1), [trace(1), trace(1)]);
      sql.exec('DELETE FROM history WHERE seq = 2');
      history.add(keys, 'it', change(2), [trace(1)]);
      expect(history.faults(keys, 'it', 2)).not.toEqual([]);
      for (let epoch = 3; epoch < 9; epoch++) history.add(keys, 'it', change(epoch), [trace(1)]);
      expect(history.faults(keys, 'it', 8)).toEqual([]);
    });
  });

  it('one history does not pass for another', async () => {
    await rows((history) => {
      history.add(keys, 'it', change(1), [trace(1)]);
      expect(history.faults(keys, 'other', 1)).toMatchObject([{ description: expect.stringContaining('not sealed') }]);
    });
  });

  it('entries from before there was a chain are taken into it, and nobody vouches for them', async () => {
    await rows((history, sql) => {
      sql.exec(
        `${OLD_FORM};
         INSERT INTO history VALUES (1, 0, 't', 'ada', 'c', 'project', NULL, '{}'), (2, 0, 't', 'bob', 'c', 'role/r', NULL, '{}'),
           (1, 1, 't', 'ada', 'c', 'pool/p', NULL, '{}')`,
      );
      expect(history.list({ pageSize: 9 })).toEqual([]);
      history.add(keys, 'it', change(3), [trace(1)]);
      expect(history.list({ pageSize: 9 }).map(({ actor, resource }) => `${actor} ${resource}`)).toEqual([
        'test role/reader',
        'bob role/r',
        'ada pool/p',
        'ada project',
      ]);
      history.add(keys, 'it', change(4), [trace(1)]);
      expect(history.faults(keys, 'it', 4)).toMatchObject([
        { sequence: 3, description: expect.stringContaining('from before there was a chain') },
      ]);
    });
  });
});

describe('the directory', () => {
  const aDirectory = (): Stub => env.REGISTRY.getByName(`directory-of-history-${crypto.randomUUID()}`);
  const bind = (email: string) => ({ bindings: [{ role: 'roles/owner', members: [`user:${email}`] }] });

  it('keeps the policy of the organization in the same way, and gives it back', async () => {
    const directory = aDirectory();
    await directory.setOrganizationPolicy(bind('ada@example.com'), ADA);
    await directory.setOrganizationPolicy(bind('eve@example.com'), by('eve'));
    const { entry } = (await asked(directory, { type: 'show', sequence: 1 })) as { entry: object };
    expect(entry).toMatchObject({ actor: ADA.name, address: '192.0.2.7', resource: 'policy/organization' });
    expect(await directory.restoreOrganizationPolicy(1, true, by('bootstrap'))).toMatchObject({ value: [{}] });
    expect(await directory.organizationPolicy()).toMatchObject(bind('eve@example.com'));
    await directory.restoreOrganizationPolicy(1, false, by('bootstrap'));
    expect(await directory.organizationPolicy()).toMatchObject(bind('ada@example.com'));
    expect(await asked(directory, { type: 'list', pageSize: 1 })).toMatchObject({
      entries: [{ sequence: 3, command: 'history.restore 1' }],
      faults: [],
    });
  });

  it('restores for nobody what he could not set, and nothing that was tampered with', async () => {
    const directory = aDirectory();
    await directory.setOrganizationPolicy(bind('ada@example.com'), by('bootstrap'));
    await directory.setOrganizationPolicy(bind('bob@example.com'), by('bootstrap'));
    const ada: Caller = { ...ADA, identity: { kind: 'user', email: 'ada@example.com' } };
    expect(await directory.restoreOrganizationPolicy(1, false, ada)).toMatchObject({
      error: { tag: 'permission_denied' },
    });
    expect(await faultsOf(directory)).toEqual([]);
    await query(directory, `UPDATE history SET before = '{"bindings":[]}' WHERE seq = 2`);
    vi.spyOn(console, 'log').mockImplementation(() => undefined);
    expect(await directory.restoreOrganizationPolicy(1, false, by('bootstrap'))).toMatchObject({
      error: { tag: 'failed_precondition' },
    });
  });

  it.each(['DELETE FROM history; DELETE FROM history_head', 'DROP TABLE history; DROP TABLE history_head'])(
    'is not whole again by the next change after %s',
    async (sql) => {
      const directory = aDirectory();
      await directory.setOrganizationPolicy(bind('ada@example.com'), by('bootstrap'));
      expect(await faultsOf(directory)).toEqual([]);
      await query(directory, sql);
      await evictDurableObject(directory);
      vi.spyOn(console, 'log').mockImplementation(() => undefined);
      expect(await faultsOf(directory)).not.toEqual([]);
      await directory.setOrganizationPolicy(bind('eve@example.com'), by('bootstrap'));
      expect(await faultsOf(directory)).not.toEqual([]);
    },
  );
});
