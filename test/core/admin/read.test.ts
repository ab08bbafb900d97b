/** Questions: what is found, what is not, and pages that together are the whole list. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Query } from '../../../src/core/admin/commands.ts';
import { read } from '../../../src/core/admin/read.ts';
import { CLUSTER } from '../../support/admin-samples.ts';
import { Administered } from '../../support/administer.ts';

const PAGE = { pageSize: 50, after: '' };

describe('read', () => {
  it.each<[Query, string]>([
    [{ type: 'pool.get', poolId: 'none' }, 'projects/100000000001/locations/global/workloadIdentityPools/none'],
    [
      { type: 'provider.list', poolId: 'none', page: PAGE },
      'projects/100000000001/locations/global/workloadIdentityPools/none',
    ],
    [
      { type: 'provider.get', poolId: 'pool', providerId: 'none' },
      'projects/100000000001/locations/global/workloadIdentityPools/pool/providers/none',
    ],
    [{ type: 'target.get', targetId: 'none' }, 'projects/100000000001/targets/none'],
    [{ type: 'role.get', roleId: 'none' }, 'projects/demo/roles/none'],
    [{ type: 'policy.get', resource: { kind: 'target', targetId: 'none' } }, 'projects/100000000001/targets/none'],
  ])('does not find %j', (query, resource) => {
    expect(read(new Administered().state, query)).toEqual({ ok: false, error: { tag: 'not_found', resource } });
  });

  it('finds what was written', () => {
    const project = new Administered();
    const { answer } = project.do({
      type: 'provider.create',
      poolId: 'demo.svc.id.goog',
      providerId: 'cluster',
      input: CLUSTER,
    });
    expect(project.ask({ type: 'provider.get', poolId: 'demo.svc.id.goog', providerId: 'cluster' })).toEqual(answer);
    expect(project.ask({ type: 'provider.list', poolId: 'demo.svc.id.goog', page: PAGE })).toMatchObject({
      providers: [{ providerId: 'cluster' }],
      next: '',
    });
    expect(project.ask({ type: 'pool.get', poolId: 'demo.svc.id.goog' })).toMatchObject({ pool: { builtIn: true } });
    project.do({ type: 'role.create', roleId: 'reader', input: {} });
    expect(project.ask({ type: 'role.get', roleId: 'reader' })).toMatchObject({ role: { roleId: 'reader' } });
    expect(project.ask({ type: 'role.list', page: PAGE })).toMatchObject({ roles: [{ roleId: 'reader' }], next: '' });
    expect(project.ask({ type: 'policy.get', resource: { kind: 'project' } })).toEqual({
      kind: 'policy',
      policy: { version: 1, revision: 0, bindings: [] },
    });
  });

  it('gives pages that put together are the list, each once', () => {
    const project = new Administered();
    const ids = Array.from({ length: 23 }, (_, index) => `t-${index}`);
    for (const id of ids)
      project.do({ type: 'target.create', targetId: id, input: { uri: `https://${id}.example.com` } });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), (pageSize) => {
        const seen: string[] = [];
        let after = '';
        do {
          const answer = project.ask({ type: 'target.list', page: { pageSize, after } });
          if (answer.kind !== 'targets') throw new Error(answer.kind);
          expect(answer.targets.length).toBeLessThanOrEqual(pageSize);
          expect(answer.targets.length).toBeGreaterThan(0);
          seen.push(...answer.targets.map((target) => target.targetId));
          after = answer.next;
        } while (after !== '');
        expect(seen).toEqual(ids.toSorted());
      }),
    );
  });
});
