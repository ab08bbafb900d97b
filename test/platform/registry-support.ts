/** What the Registry's tests share: projects of their own, dependencies that can be broken, and a look into the tables. */
import { env } from 'cloudflare:workers';
import { abortAllDurableObjects, runInDurableObject } from 'cloudflare:test';
import { expect } from 'vitest';
import type { Command, Query } from '../../src/core/admin/commands.ts';
import type { Project } from '../../src/core/resources.ts';
import { projectRegistryName } from '../../src/platform/object-names.ts';
import type { Registry } from '../../src/platform/registry/object.ts';
import { openRecord } from '../../src/platform/registry/record.ts';
import { macKeys } from '../../src/platform/sealed-record.ts';
import { readKeks } from '../../src/platform/settings.ts';
import { by } from '../support/callers.ts';

type Stub = DurableObjectStub<Registry>;

let numbers = 0;

export function aProject(projectId = 'demo'): Project {
  numbers += 1;
  return {
    projectNumber: String(Math.floor(Math.random() * 1e9) * 1000 + 100_000_000_000_000 + numbers),
    projectId,
    displayName: '',
    tokenExchangesPerMinute: 6000,
    createTime: '2026-01-01T00:00:00.000Z',
  };
}

export function registryOf(project: Project): Stub {
  return env.REGISTRY.getByName(projectRegistryName(project.projectNumber));
}

export async function provisioned(): Promise<{ project: Project; registry: Stub }> {
  const project = aProject();
  const registry = registryOf(project);
  const answer = await registry.provision(project, by('test'));
  if (!answer.ok) throw new Error(JSON.stringify(answer.error));
  return { project, registry };
}

export const createRole: Command = {
  type: 'role.create',
  roleId: 'reader',
  input: { title: 'Reader', includedPermissions: ['files.read'] },
};

export const getRole: Query = { type: 'role.get', roleId: 'reader' };

export function createTarget(targetId: string, uri = `https://${targetId}.example.com`): Command {
  return { type: 'target.create', targetId, input: { uri } };
}

export function rename(displayName: string): Command {
  return { type: 'project.patch', input: { displayName }, mask: ['displayName'] };
}

/** What the object finds in its `env` from now on; an eviction gives it back the real one. */
export async function replaceEnv(stub: Stub, change: (real: Env) => object): Promise<void> {
  await runInDurableObject(stub, (instance) => {
    Object.assign(instance, { env: { ...env, ...change(env) } });
  });
}

export const mendEnv = (stub: Stub): Promise<void> => replaceEnv(stub, () => ({}));

/** A binding of which one method does something else. */
export function withMethods<T extends object>(real: T, methods: Record<string, unknown>): T {
  return new Proxy(real, {
    get(target, name) {
      if (typeof name === 'string' && name in methods) return methods[name];
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

/** A method that never answers: its caller is caught in the middle, and `crash` ends every object there. */
export function trap(): { readonly method: () => Promise<never>; readonly crash: () => Promise<void> } {
  let caught = false;
  return {
    method: () => {
      caught = true;
      return new Promise<never>(() => undefined);
    },
    crash: async () => {
      await expect.poll(() => caught, { timeout: 15_000 }).toBe(true);
      await abortAllDurableObjects();
    },
  };
}

/** A namespace whose objects all answer with these methods. */
export function namespaceOf(methods: Record<string, unknown>): object {
  return { getByName: () => methods };
}

export function fails(what: string): () => Promise<never> {
  return () => Promise.reject(new Error(what));
}

export async function tablesOf(stub: Stub): Promise<readonly string[]> {
  return runInDurableObject(stub, (_, state) =>
    [...state.storage.sql.exec<{ name: string }>(`SELECT name FROM sqlite_master WHERE type = 'table'`)]
      .map((row) => row.name)
      .filter((name) => !name.startsWith('_cf_') && !name.startsWith('sqlite_')),
  );
}

export async function query<T>(stub: Stub, sql: string, ...values: unknown[]): Promise<readonly T[]> {
  return runInDurableObject(stub, (_, state) => [...state.storage.sql.exec(sql, ...values)] as T[]);
}

export async function epochInForce(project: Project): Promise<number> {
  const news = await env.QUOTA.getByName(project.projectNumber).news();
  return news.epoch;
}

/** What lies in KV under that key, as a reader finds it. */
export async function inKv(key: string): Promise<{ epoch: number; value: unknown } | undefined> {
  const keks = readKeks(env);
  if (!keks.ok) throw new Error(keks.error);
  const text = await env.CACHE.get(key);
  return text === null ? undefined : openRecord(await macKeys(keks.value), key, text, Date.now());
}

/** Alarms come after up to a few seconds. */
export const eventually = <T>(look: () => Promise<T>) => expect.poll(look, { timeout: 15_000 });
