/** The directory: a project is there whole or not at all, its number and id never mean another, and a crash half way is finished. */
import { env } from 'cloudflare:workers';
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { etagOf } from '../../src/core/admin/etag.ts';
import { projectRegistryName } from '../../src/platform/object-names.ts';
import {
  epochInForce,
  fails,
  mendEnv,
  namespaceOf,
  query,
  replaceEnv,
  tablesOf,
  trap,
  withMethods,
} from './registry-support.ts';
import { by } from '../support/callers.ts';

/** Directories of their own: one for each test, under names that the broker does not use. */
let directories = 0;
function aDirectory() {
  directories += 1;
  return env.REGISTRY.getByName(`directory-of-test-${directories}`);
}

let numbers = 500_000_000_000 + Math.floor(Math.random() * 1e9) * 100;
function aNumber(): string {
  numbers += 1;
  return String(numbers);
}

const everything = { pageSize: 100, after: '' };

describe('an untouched directory', () => {
  it('answers that there is nothing, and makes nothing', async () => {
    const directory = aDirectory();
    expect(await directory.findProject('demo')).toBeUndefined();
    expect(await directory.listProjects(everything)).toEqual({ projects: [], next: '' });
    expect(await directory.organizationPolicy()).toEqual({ version: 1, revision: 0, bindings: [] });
    expect(await directory.ping()).toEqual({ kek: 'unset' });
    expect(await directory.createProject({ projectId: 'No Such Id' }, by('test'))).toMatchObject({
      ok: false,
      error: { tag: 'invalid_argument' },
    });
    expect(await tablesOf(directory)).toEqual([]);
  });
});

describe('creating a project', () => {
  it('makes up a number, and makes its configuration, its quota and its key ring', async () => {
    const directory = aDirectory();
    const answer = await directory.createProject({ projectId: 'demo', displayName: 'Demo' }, by('ada'));
    if (!answer.ok) throw new Error(JSON.stringify(answer.error));
    const { projectNumber } = answer.value;
    expect(projectNumber).toMatch(/^[1-9][0-9]{11}$/);
    expect(answer.value).toMatchObject({ projectId: 'demo', displayName: 'Demo', tokenExchangesPerMinute: 6000 });
    const found = { projectNumber, projectId: 'demo' };
    expect(await directory.findProject('demo')).toEqual(found);
    expect(await directory.findProject(projectNumber)).toEqual(found);
    expect(await directory.listProjects(everything)).toEqual({ projects: [found], next: '' });
    const registry = env.REGISTRY.getByName(projectRegistryName(projectNumber));
    expect(await registry.read({ type: 'project.get' })).toEqual({
      ok: true,
      value: { kind: 'project', project: answer.value },
    });
    expect(await epochInForce(answer.value)).toBeGreaterThan(0);
    expect((await env.KEY_RING.getByName(projectNumber).signingKeys())?.keys.length).toBeGreaterThan(0);
    expect(await directory.ping()).toEqual({ kek: 'current' });
  });

  it('refuses an id or a number that is taken', async () => {
    const directory = aDirectory();
    const projectNumber = aNumber();
    expect(await directory.createProject({ projectId: 'demo', projectNumber }, by('test'))).toMatchObject({ ok: true });
    const exists = { ok: false, error: { tag: 'already_exists' } };
    expect(await directory.createProject({ projectId: 'demo', projectNumber }, by('test'))).toMatchObject(exists);
    expect(await directory.createProject({ projectId: 'demo' }, by('test'))).toMatchObject(exists);
    expect(await directory.createProject({ projectId: 'other', projectNumber }, by('test'))).toMatchObject(exists);
    expect((await directory.listProjects(everything)).projects).toHaveLength(1);
  });

  it('five at once with one id: one is made', async () => {
    const directory = aDirectory();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => directory.createProject({ projectId: 'demo' }, by('test'))),
    );
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
    expect((await directory.listProjects(everything)).projects).toHaveLength(1);
  });

  it('lists page by page, by id', async () => {
    const directory = aDirectory();
    for (const projectId of ['cherry', 'apple', 'banana']) await directory.createProject({ projectId }, by('test'));
    const first = await directory.listProjects({ pageSize: 2, after: '' });
    expect(first.projects.map((project) => project.projectId)).toEqual(['apple', 'banana']);
    expect(first.next).toBe('banana');
    const second = await directory.listProjects({ pageSize: 2, after: first.next });
    expect(second.projects.map((project) => project.projectId)).toEqual(['cherry']);
    expect(second.next).toBe('');
  });
});

describe('a failure half way', () => {
  const steps: readonly (readonly [string, (real: Env) => object])[] = [
    ['the project registry is unreachable', () => ({ REGISTRY: namespaceOf({ provision: fails('away') }) })],
    [
      'the project registry did it and its answer was lost',
      (real) => ({
        REGISTRY: withMethods(real.REGISTRY, {
          getByName: (name: string) => {
            const stub = real.REGISTRY.getByName(name);
            const provision = async (...all: Parameters<typeof stub.provision>) => {
              await stub.provision(...all);
              throw new Error('lost');
            };
            return { provision };
          },
        }),
      }),
    ],
    ['the key ring is unreachable', () => ({ KEY_RING: namespaceOf({ create: fails('away') }) })],
  ];

  it.each(steps)('%s: nobody finds the project, and the same request finishes it', async (_, change) => {
    const directory = aDirectory();
    const projectNumber = aNumber();
    const input = { projectId: 'demo', projectNumber };
    await replaceEnv(directory, change);
    const refused = await directory.createProject(input, by('test'));
    expect(refused).toEqual({ ok: false, error: { tag: 'not_in_force_yet', resource: `projects/${projectNumber}` } });
    expect(await directory.findProject('demo')).toBeUndefined();
    expect(await directory.listProjects(everything)).toEqual({ projects: [], next: '' });
    const exists = { ok: false, error: { tag: 'already_exists' } };
    expect(await directory.createProject({ ...input, displayName: 'Mine' }, by('test'))).toMatchObject(exists);
    expect(await directory.createProject({ ...input, projectNumber: aNumber() }, by('test'))).toMatchObject(exists);
    expect(await directory.createProject({ projectId: 'other', projectNumber }, by('test'))).toMatchObject(exists);
    await mendEnv(directory);
    expect(await directory.createProject({ projectId: 'demo' }, by('test'))).toMatchObject({
      ok: true,
      value: { projectNumber },
    });
    expect(await directory.findProject('demo')).toEqual({ projectNumber, projectId: 'demo' });
  });

  it.each(steps)('%s: the alarm finishes it', async (_, change) => {
    const directory = aDirectory();
    const projectNumber = aNumber();
    await replaceEnv(directory, change);
    await directory.createProject({ projectId: 'demo', projectNumber }, by('test'));
    for (let n = 0; n < 10; n++) expect(await runDurableObjectAlarm(directory)).toBe(true);
    expect(await directory.findProject('demo')).toBeUndefined();
    await mendEnv(directory);
    expect(await runDurableObjectAlarm(directory)).toBe(true);
    expect(await directory.findProject('demo')).toEqual({ projectNumber, projectId: 'demo' });
    expect(await env.KEY_RING.getByName(projectNumber).signingKeys()).toBeDefined();
  });

  it('the directory itself crashes between the steps: the alarm finishes it', async () => {
    const projectNumber = aNumber();
    const directory = aDirectory();
    const name = `directory-of-test-${directories}`;
    const { method, crash } = trap();
    await replaceEnv(directory, () => ({ KEY_RING: namespaceOf({ create: method }) }));
    const answer = directory.createProject({ projectId: 'demo', projectNumber }, by('test')).catch(() => 'lost');
    await crash();
    expect(await answer).toBe('lost');
    const again = env.REGISTRY.getByName(name);
    await expect
      .poll(() => again.findProject('demo'), { timeout: 15_000 })
      .toEqual({ projectNumber, projectId: 'demo' });
  });
});

describe('the organization policy', () => {
  it('is set, read back, and guarded by its etag', async () => {
    const directory = aDirectory();
    const bindings = [{ role: 'roles/owner', members: ['user:ada@example.com'] }];
    const input = { bindings, etag: etagOf(0) };
    const answers = await Promise.all([1, 2, 3].map(() => directory.setOrganizationPolicy(input, by('ada'))));
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
    expect(answers.find((answer) => !answer.ok)).toMatchObject({ error: { tag: 'etag_mismatch' } });
    await evictDurableObject(directory);
    expect(await directory.organizationPolicy()).toMatchObject({ revision: 1, bindings });
    const history = await query(directory, `SELECT actor, command FROM history`);
    expect(history).toEqual([{ actor: 'ada', command: 'organization.policy.set' }]);
  });
});

describe('a wrong KEK', () => {
  it('refuses every write by name and changes nothing', async () => {
    const directory = aDirectory();
    await directory.createProject({ projectId: 'demo' }, by('test'));
    await replaceEnv(directory, () => ({ EDGE_STS_KEK: btoa('test-only-other-kek-0123456789ab') }));
    expect(await directory.ping()).toEqual({ kek: 'other' });
    const unavailable = { ok: false, error: { tag: 'unavailable', dependency: 'EDGE_STS_KEK' } };
    expect(await directory.createProject({ projectId: 'other' }, by('test'))).toMatchObject(unavailable);
    expect(await directory.setOrganizationPolicy({ bindings: [] }, by('test'))).toMatchObject(unavailable);
    expect(await runDurableObjectAlarm(directory)).toBe(true);
    await mendEnv(directory);
    expect(await directory.ping()).toEqual({ kek: 'current' });
    expect(await directory.findProject('other')).toBeUndefined();
    expect(await directory.findProject('demo')).toBeDefined();
  });
});
