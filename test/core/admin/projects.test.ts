/** Projects: what a new one may be called, what it begins with, what a patch may change. */
import { describe, expect, it } from 'vitest';
import { etagOf } from '../../../src/core/admin/etag.ts';
import { projectRevision, provisionWrites, validateNewProject } from '../../../src/core/admin/projects.ts';
import { contextAt, PROJECT } from '../../support/admin-samples.ts';
import { Administered, fieldsOf } from '../../support/administer.ts';

describe('validateNewProject', () => {
  it.each([
    { projectId: 'demo' },
    { projectId: 'a-b1', projectNumber: '123456' },
    { projectId: 'a'.repeat(30), projectNumber: '1'.repeat(19), displayName: 'x'.repeat(32) },
  ])('accepts %j', (input) => {
    expect(validateNewProject(input)).toEqual({ ok: true, value: undefined });
  });

  it.each([
    [{ projectId: 'abc' }, 'projectId'],
    [{ projectId: '1abc' }, 'projectId'],
    [{ projectId: 'Demo' }, 'projectId'],
    [{ projectId: 'demo-' }, 'projectId'],
    [{ projectId: 'a'.repeat(31) }, 'projectId'],
    [{ projectId: 'demo', projectNumber: '12345' }, 'projectNumber'],
    [{ projectId: 'demo', projectNumber: '012345' }, 'projectNumber'],
    [{ projectId: 'demo', projectNumber: '1'.repeat(20) }, 'projectNumber'],
    [{ projectId: 'demo', projectNumber: '' }, 'projectNumber'],
    [{ projectId: 'demo', displayName: 'x'.repeat(33) }, 'displayName'],
    [{ projectId: 'demo', displayName: 'a\nb' }, 'displayName'],
  ])('refuses %j', (input, field) => {
    const refused = validateNewProject(input);
    expect(refused.ok).toBe(false);
    if (!refused.ok) expect(fieldsOf(refused.error)).toEqual([field]);
  });
});

describe('provisionWrites', () => {
  it('makes the project and its built-in pool', () => {
    const { writes, shards } = provisionWrites(PROJECT, contextAt(1));
    expect(writes).toMatchObject([
      { put: 'project', project: PROJECT },
      { put: 'pool', pool: { poolId: 'demo.svc.id.goog', builtIn: true, disabled: false, uid: 'uid-1-1' } },
    ]);
    expect(shards).toEqual(['project:100000000001', 'pool:100000000001/demo.svc.id.goog']);
  });
});

describe('project.patch', () => {
  const patch = (input: object, ...mask: string[]) => ({ type: 'project.patch', input, mask }) as const;

  it.each([0, 1, 12_000, 600_000])('sets %i exchanges a minute', (tokenExchangesPerMinute) => {
    const project = new Administered();
    const applied = project.do(patch({ tokenExchangesPerMinute }, 'tokenExchangesPerMinute'));
    expect(applied.answer).toEqual({ kind: 'project', project: { ...PROJECT, tokenExchangesPerMinute } });
    expect(applied.shards).toEqual(['project:100000000001']);
    expect(project.ask({ type: 'project.get' })).toEqual(applied.answer);
  });

  it.each([-1, 600_001, 0.5, Number.NaN])('refuses %d', (tokenExchangesPerMinute) => {
    const denial = new Administered().refuse(patch({ tokenExchangesPerMinute }, 'tokenExchangesPerMinute'));
    expect(fieldsOf(denial)).toEqual(['tokenExchangesPerMinute']);
  });

  it.each([
    ['0s', 0],
    ['3600s', 3_600],
    ['604800s', 604_800],
  ])('remembers exchanges for %s', (recentExchangesRetention, recentExchangesRetentionSeconds) => {
    const project = new Administered();
    project.do(patch({ recentExchangesRetention }, 'recentExchangesRetention'));
    expect(project.state.project()).toEqual({ ...PROJECT, recentExchangesRetentionSeconds });
    project.do(patch({ displayName: 'x' }, 'displayName'));
    expect(project.state.project()).toMatchObject({ recentExchangesRetentionSeconds });
    // The default is kept as no word at all, and comes back by either way.
    project.do(patch({ recentExchangesRetention: '86400s' }, 'recentExchangesRetention'));
    expect(project.state.project()).toEqual({ ...PROJECT, displayName: 'x' });
  });

  it('of limits and of memory leaves the other as it was', () => {
    const project = new Administered();
    const principal = `principal://iam.googleapis.com/projects/${PROJECT.projectNumber}/locations/global/workloadIdentityPools/demo.svc.id.goog/subject/ns/shop/sa/s`;
    const ownLimits = [{ principal, tokenExchangesPerMinute: 5 }];
    project.do(patch({ recentExchangesRetention: '60s' }, 'recentExchangesRetention'));
    project.do(patch({ ownLimits, credentialGenerationsPerMinute: 9 }, 'ownLimits', 'credentialGenerationsPerMinute'));
    const both = { ownLimits, credentialGenerationsPerMinute: 9, recentExchangesRetentionSeconds: 60 };
    expect(project.state.project()).toMatchObject(both);
    project.do(patch({ recentExchangesRetention: '0s' }, 'recentExchangesRetention'));
    expect(project.state.project()).toMatchObject({ ...both, recentExchangesRetentionSeconds: 0 });
  });

  it.each(['604801s', '-1s', '1h', '86400', '0.5s'])(
    'does not remember exchanges for %s',
    (recentExchangesRetention) => {
      const denial = new Administered().refuse(patch({ recentExchangesRetention }, 'recentExchangesRetention'));
      expect(fieldsOf(denial)).toEqual(['recentExchangesRetention']);
    },
  );

  it('returns to the default what is named and absent', () => {
    const project = new Administered();
    project.do(patch({ tokenExchangesPerMinute: 7 }, 'tokenExchangesPerMinute'));
    project.do(patch({}, 'tokenExchangesPerMinute', 'displayName'));
    expect(project.state.project()).toEqual({ ...PROJECT, displayName: '', tokenExchangesPerMinute: 6_000 });
  });

  it.each(['projectId', 'projectNumber', 'createTime', '__proto__', ''])('refuses the path %j', (path) => {
    expect(fieldsOf(new Administered().refuse(patch({ projectId: 'other' }, path)))).toEqual(['updateMask']);
  });

  it('refuses members that its mask does not name: own limits would go, and the answer would say that all is well', () => {
    const project = new Administered();
    const principal = `principal://iam.googleapis.com/projects/${PROJECT.projectNumber}/locations/global/workloadIdentityPools/demo.svc.id.goog/subject/ns/shop/sa/s`;
    const ownLimits = [{ principal, tokenExchangesPerMinute: 5 }];
    project.do(patch({ ownLimits }, 'ownLimits'));
    const denial = project.refuse(patch({ tokenExchangesPerMinute: 7, displayName: 'x' }, 'ownLimits'));
    expect(fieldsOf(denial)).toEqual(['tokenExchangesPerMinute', 'displayName']);
    expect(project.state.project()).toEqual({ ...PROJECT, ownLimits });
    project.do(patch({ displayName: 'x' }, '*'));
    expect(project.state.project()).toEqual({ ...PROJECT, displayName: 'x' });
  });

  it('with the etag of what was read overwrites nothing that was written since', () => {
    const project = new Administered();
    const etag = () => etagOf(projectRevision(project.state.project()));
    const seen = etag();
    const limited = (tokenExchangesPerMinute: number, of: string) =>
      ({ ...patch({ tokenExchangesPerMinute }, 'tokenExchangesPerMinute'), etag: of }) as const;
    project.do(limited(7, seen));
    expect(project.refuse(limited(8, seen))).toEqual({ tag: 'etag_mismatch', resource: 'projects/100000000001' });
    project.do(limited(8, etag()));
    project.do(limited(9, ''));
    expect(fieldsOf(project.refuse(limited(10, 'invented')))).toEqual(['etag']);
    // Back where it was: nothing that was seen is lost by writing now.
    project.do(limited(6_000, etag()));
    expect(etag()).toBe(seen);
  });

  it('refuses a long display name', () => {
    expect(fieldsOf(new Administered().refuse(patch({ displayName: 'x'.repeat(33) }, 'displayName')))).toEqual([
      'displayName',
    ]);
  });
});
