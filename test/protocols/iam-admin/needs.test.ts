/** Every route of the administration asks for a right first, and for the one that its command needs; found by walking all routes, so that a new one cannot be forgotten. */
import { describe, expect, it } from 'vitest';
import { needOf } from '../../../src/core/admin/authority/needs.ts';
import { LOOKS_AT_CALLER } from '../../../src/protocols/iam-admin/needs.ts';
import type { Command } from '../../../src/core/admin/commands.ts';
import { err } from '../../../src/core/result.ts';
import { routesOf, withDemo } from '../../support/admin-rest.ts';

const { v1, v2 } = routesOf();
const routes = [
  ...v1.map((route) => ({ ...route, version: 'v1' })),
  ...v2.map((route) => ({ ...route, version: 'v2' })),
];

const ATTACHMENT = encodeURIComponent('sts.googleapis.com/projects/demo/targets/files');
const NAMES: Readonly<Record<string, string>> = {
  project: 'demo',
  pool: 'demo.svc.id.goog',
  attachment: ATTACHMENT,
};

const pathOf = ({ path, version }: { readonly path: string; readonly version: string }, names = NAMES): string =>
  `/${version}/${path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => names[name] ?? 'some')}`;

describe('the routes', () => {
  it('are all known here', () => {
    expect(routes.length).toBeGreaterThan(50);
    const open = routes.filter(({ needs }) => needs === LOOKS_AT_CALLER).map(({ method, path }) => `${method} ${path}`);
    expect(open.toSorted()).toEqual([
      'GET projects',
      'POST organizations/1:testIamPermissions',
      'POST projects/{project}/locations/global/workloadIdentityPools/{pool}:testIamPermissions',
      'POST projects/{project}/serviceAccounts/{account}:testIamPermissions',
      'POST projects/{project}/targets/{target}:testIamPermissions',
      'POST projects/{project}:testIamPermissions',
    ]);
  });

  it.each(
    routes
      .filter(({ needs }) => needs !== LOOKS_AT_CALLER)
      .map((route) => [`${route.method} ${route.path}`, route] as const),
  )('%s refuses a stranger before it looks at what he sends, naming right and resource', async (_name, route) => {
    const rest = await withDemo();
    const { needs } = route;
    if (needs === LOOKS_AT_CALLER) throw new Error('filtered out above');
    const body = route.method === 'GET' || route.method === 'DELETE' ? undefined : { nonsense: 1 };
    const answer = await rest.call(route.method, pathOf(route), body, 'user:stranger@example.com');
    expect(answer.status).toBe(403);
    const { details, status } = answer.body['error'] as { status: string; details: readonly object[] };
    expect(status).toBe('PERMISSION_DENIED');
    expect(details).toMatchObject([{ metadata: { permission: needs.permission } }]);
    // A project that is not there is refused with the very same words.
    const elsewhere = await rest.call(
      route.method,
      pathOf(route, { ...NAMES, project: 'nope', attachment: ATTACHMENT.replace('demo', 'nope') }),
      body,
      'user:stranger@example.com',
    );
    const said = (text: object): string => JSON.stringify(text).replaceAll('projects/nope', 'projects/demo');
    expect(said(elsewhere.body)).toBe(said(answer.body));
  });
});

describe('the commands', () => {
  const sent: Command[] = [];

  it('need what their routes need', async () => {
    const rest = await withDemo({
      apply: async (_number, command) => {
        sent.push(command);
        return err({ tag: 'not_found', resource: 'nothing is written here' });
      },
    });
    for (const route of routes.filter(({ method }) => method !== 'GET')) {
      const before = sent.length;
      for (const body of BODIES)
        await rest.call(route.method, pathOf(route), route.method === 'DELETE' ? undefined : body);
      for (const command of sent.slice(before)) {
        const need = needOf(command);
        if (route.needs === LOOKS_AT_CALLER || need === undefined) throw new Error(`${route.path} asks for nothing`);
        expect([route.path, route.needs.permission]).toEqual([route.path, need.permission]);
        const { on } = route.needs;
        expect([route.path, on === 'attachment' ? 'target' : on]).toEqual([route.path, need.where.kind]);
      }
    }
  });

  it('all came by', () => {
    const types = new Set(sent.map(({ type }) => type));
    expect([...types].toSorted()).toEqual([
      'configuration.apply',
      'denyPolicy.create',
      'denyPolicy.delete',
      'denyPolicy.update',
      'policy.set',
      'pool.create',
      'pool.delete',
      'pool.denyUids',
      'pool.patch',
      'pool.undelete',
      'project.delete',
      'project.patch',
      'project.undelete',
      'provider.create',
      'provider.delete',
      'provider.distrustKey',
      'provider.patch',
      'provider.undelete',
      'quotaPreference.approve',
      'quotaPreference.ask',
      'quotaPreference.change',
      'quotaPreference.refuse',
      'quotaPreference.withdraw',
      'role.create',
      'role.delete',
      'role.patch',
      'serviceAccount.create',
      'serviceAccount.delete',
      'serviceAccount.disable',
      'serviceAccount.enable',
      'serviceAccount.patch',
      'serviceAccount.undelete',
      'target.create',
      'target.delete',
      'target.patch',
    ]);
  });
});

/** One of them has the shape that a route wants. */
const BODIES: readonly object[] = [
  {},
  { policy: {} },
  { roleId: 'reader', role: {} },
  { uids: ['u'], until: '2026-02-01T00:00:00Z' },
  { thumbprint: 'x' },
  { accountId: 'robot' },
];
