/** The Registry decides who may write in the transaction that writes, whatever the front thought a moment before; and closed where it cannot know. */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Caller } from '../../src/core/admin/caller.ts';
import type { Command, PolicyInput } from '../../src/core/admin/commands.ts';
import type { Project } from '../../src/core/resources.ts';
import { DIRECTORY_NAME } from '../../src/platform/object-names.ts';
import { by } from '../support/callers.ts';
import {
  createRole,
  createTarget,
  fails,
  mendEnv,
  provisioned,
  query,
  registryOf,
  rename,
  replaceEnv,
  withMethods,
} from './registry-support.ts';

const ADA: Caller = {
  name: 'user:ada@example.com',
  requestId: 'r',
  identity: { kind: 'user', email: 'ada@example.com' },
};
const DENIED = { ok: false, error: { tag: 'permission_denied' } };
const directory = () => env.REGISTRY.getByName(DIRECTORY_NAME);

const setPolicy = (...bindings: NonNullable<PolicyInput['bindings']>[number][]): Command => ({
  type: 'policy.set',
  resource: { kind: 'project' },
  policy: { version: 3, bindings },
});
const owner = { role: 'roles/owner', members: ['user:ada@example.com'] };

/** A project that the directory knows, for some answers name it. */
async function known(): Promise<Project> {
  const projectId = `p-${crypto.randomUUID().slice(0, 12)}`;
  const made = await directory().createProject({ projectId }, by('test'));
  if (!made.ok) throw new Error(JSON.stringify(made.error));
  return made.value;
}

beforeAll(async () => {
  await directory().setOrganizationPolicy({ bindings: [] }, by('test'));
});

describe('a change', () => {
  it('by who has no right for it is refused by the object itself, and nothing is written', async () => {
    const { registry } = await provisioned();
    expect(await registry.apply(createRole, ADA)).toMatchObject(DENIED);
    expect(await query(registry, `SELECT * FROM resources WHERE kind = 'role'`)).toEqual([]);
    await registry.apply(setPolicy(owner), by('test'));
    expect(await registry.apply(createRole, ADA)).toMatchObject({ ok: true });
  });

  it('that was on its way when the right was taken comes too late', async () => {
    const { registry } = await provisioned();
    await registry.apply(setPolicy(owner), by('test'));
    const [taken, late] = await Promise.all([registry.apply(setPolicy(), by('test')), registry.apply(createRole, ADA)]);
    expect([taken, late]).toMatchObject([{ ok: true }, DENIED]);
  });

  it('of the signing keys is refused there too: the ring has no policies of its own', async () => {
    const project = await known();
    const registry = registryOf(project);
    const ring = env.KEY_RING.getByName(project.projectNumber);
    const before = await ring.list();
    expect(await registry.rotateSigningKeys(project.projectNumber, { emergency: true }, ADA)).toMatchObject(DENIED);
    expect(await ring.list()).toEqual(before);
    await registry.apply(setPolicy(owner), by('test'));
    for (const other of ['100', '100/accounts', `${project.projectNumber}0`]) {
      expect(await registry.rotateSigningKeys(other, { emergency: true }, ADA)).toMatchObject({ ok: false });
    }
    expect(await registry.rotateSigningKeys(project.projectNumber, { alg: 'ES256' }, ADA)).toMatchObject({ ok: true });
    const rotated = await ring.list();
    expect(rotated).not.toEqual(before);
    await registry.apply({ type: 'project.delete' }, by('test'));
    for (const caller of [ADA, by('test')]) {
      const answer = await registry.rotateSigningKeys(project.projectNumber, { emergency: true }, caller);
      expect(answer).toMatchObject({ ok: false, error: { tag: 'failed_precondition' } });
    }
    expect(await ring.list()).toEqual(rotated);
  });

  it('of the organization’s policy and of the list of projects is refused there', async () => {
    const input = { bindings: [owner] };
    expect(await directory().setOrganizationPolicy(input, ADA)).toMatchObject(DENIED);
    expect(await directory().createProject({ projectId: 'by-ada' }, ADA)).toMatchObject(DENIED);
    expect(await directory().findProject('by-ada')).toBeUndefined();
    await directory().setOrganizationPolicy(input, by('test'));
    expect(await directory().createProject({ projectId: `ada-${crypto.randomUUID().slice(0, 8)}` }, ADA)).toMatchObject(
      { ok: true },
    );
    await directory().setOrganizationPolicy({ bindings: [] }, by('test'));
  });

  it('by an owner of the organization is done in every project, until he is none', async () => {
    const { registry } = await provisioned();
    await directory().setOrganizationPolicy({ bindings: [owner] }, by('test'));
    expect(await registry.apply(rename('One'), ADA)).toMatchObject({ ok: true });
    await directory().setOrganizationPolicy({ bindings: [] }, by('test'));
    expect(await registry.apply(rename('Two'), ADA)).toMatchObject(DENIED);
  });
});

describe('where the directory does not answer', () => {
  it('nobody writes whom a policy would have to let in; the bootstrap administrator still does', async () => {
    const { registry } = await provisioned();
    await registry.apply(setPolicy(owner), by('test'));
    const real = env.REGISTRY;
    await replaceEnv(registry, () => ({
      REGISTRY: withMethods(real, { getByName: () => ({ above: fails('away') }) }),
    }));
    expect(await registry.apply(createRole, ADA)).toMatchObject({
      ok: false,
      error: { tag: 'unavailable', dependency: 'directory' },
    });
    expect(await registry.held(ADA, ['iam.roles.get'], { kind: 'project' })).toMatchObject({ ok: false });
    expect(await registry.apply(createRole, by('test'))).toMatchObject({ ok: true });
    await mendEnv(registry);
    expect(await registry.apply(createTarget('files'), ADA)).toMatchObject({ ok: true });
  });

  it('no policy is saved that would let a foreign pool administer unseen', async () => {
    const [home, away] = [await known(), await known()];
    const registry = registryOf(away);
    const pool = `projects/${home.projectNumber}/locations/global/workloadIdentityPools/ci-pool`;
    const naming = setPolicy({ role: 'roles/owner', members: [`principalSet://iam.googleapis.com/${pool}/*`] });
    await replaceEnv(registry, (real) => ({
      REGISTRY: withMethods(real.REGISTRY, { getByName: () => ({ nameAdministrators: fails('away') }) }),
    }));
    expect(await registry.apply(naming, by('test'))).toMatchObject({ ok: false, error: { tag: 'unavailable' } });
    expect(await query(registry, `SELECT * FROM resources WHERE kind = 'policy'`)).toEqual([]);
    await mendEnv(registry);
    expect(await registry.apply(naming, by('test'))).toMatchObject({ ok: true });
    expect((await directory().above(home.projectNumber)).namedByProjects).toEqual([`${home.projectNumber}/ci-pool`]);
  });
});

describe('whom other projects let administer', () => {
  it('is never forgotten by two changes at once, and is by the last that named him', async () => {
    const [home, away] = [await known(), await known()];
    const registry = registryOf(away);
    await registry.apply(createTarget('files'), by('test'));
    const member = (poolId: string): string =>
      `principalSet://iam.googleapis.com/projects/${home.projectNumber}/locations/global/workloadIdentityPools/${poolId}/*`;
    const on = (kind: 'project' | 'target', ...poolIds: string[]): Command => ({
      type: 'policy.set',
      resource: kind === 'project' ? { kind } : { kind, targetId: 'files' },
      policy: { bindings: poolIds.map((poolId) => ({ role: 'roles/owner', members: [member(poolId)] })) },
    });
    const named = async (): Promise<readonly string[]> =>
      (await directory().above(home.projectNumber)).namedByProjects.map((key) =>
        key.replace(`${home.projectNumber}/`, ''),
      );
    await registry.apply(on('project', 'pool-one', 'pool-two'), by('test'));
    expect(await named()).toEqual(['pool-one', 'pool-two']);
    await Promise.all([
      registry.apply(on('project', 'pool-one'), by('test')),
      registry.apply(on('target', 'pool-three'), by('test')),
      registry.apply(on('project'), by('test')),
      registry.apply(on('project', 'pool-four'), by('test')),
    ]);
    expect(await named()).toEqual(['pool-four', 'pool-three']);
    await registry.apply(on('target'), by('test'));
    await registry.apply(on('project'), by('test'));
    expect(await named()).toEqual([]);
  });
});
