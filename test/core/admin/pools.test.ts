/** Pools: names, limits, patches, and the built-in one. */
import { describe, expect, it } from 'vitest';
import { Administered, fieldsOf } from '../../support/administer.ts';

const create = (poolId: string, input: object = {}) => ({ type: 'pool.create', poolId, input }) as const;
const patch = (poolId: string, input: object, ...mask: string[]) =>
  ({ type: 'pool.patch', poolId, input, mask }) as const;

describe('pool.create', () => {
  it('makes a pool', () => {
    const applied = new Administered().do(create('my-pool', { displayName: 'Mine', description: 'd', disabled: true }));
    expect(applied.answer).toEqual({
      kind: 'pool',
      pool: {
        poolId: 'my-pool',
        uid: 'uid-2-1',
        builtIn: false,
        deniedUids: [],
        displayName: 'Mine',
        description: 'd',
        disabled: true,
        createTime: '2026-01-01T00:00:02.000Z',
        updateTime: '2026-01-01T00:00:02.000Z',
      },
    });
    expect(applied.shards).toEqual(['pool:100000000001/my-pool']);
  });

  it.each(['', 'abc', 'a'.repeat(33), 'gcp-pool', 'Pool', 'my_pool', 'demo.svc.id.goog', 'other.svc.id.goog', 'a/bcd'])(
    'refuses the id %j',
    (poolId) => {
      expect(fieldsOf(new Administered().refuse(create(poolId)))).toEqual(['workloadIdentityPoolId']);
    },
  );

  it('refuses what is there already', () => {
    const project = new Administered();
    project.do(create('my-pool'));
    expect(project.refuse(create('my-pool'))).toEqual({
      tag: 'already_exists',
      resource: 'projects/100000000001/locations/global/workloadIdentityPools/my-pool',
    });
  });

  it.each([
    ['displayName', { displayName: 'x'.repeat(33) }],
    ['displayName', { displayName: '\u0007' }],
    ['description', { description: 'x'.repeat(257) }],
  ])('refuses a bad %s', (field, input) => {
    expect(fieldsOf(new Administered().refuse(create('my-pool', input)))).toEqual([field]);
  });

  it('counts characters as people do', () => {
    new Administered().do(create('my-pool', { displayName: '🔑'.repeat(32) }));
    expect(fieldsOf(new Administered().refuse(create('my-pool', { displayName: '🔑'.repeat(33) })))).toEqual([
      'displayName',
    ]);
  });
});

describe('pool.patch', () => {
  it('changes what the mask names and keeps the rest', () => {
    const project = new Administered();
    project.do(create('my-pool', { displayName: 'Mine', description: 'd' }));
    const { answer } = project.do(
      patch('my-pool', { disabled: true, description: 'not named' }, 'disabled', 'displayName'),
    );
    expect(answer).toMatchObject({ pool: { displayName: '', description: 'd', disabled: true, uid: 'uid-2-1' } });
    expect(answer).toMatchObject({
      pool: { createTime: '2026-01-01T00:00:02.000Z', updateTime: '2026-01-01T00:00:03.000Z' },
    });
  });

  it('refuses unknown pools and paths', () => {
    const project = new Administered();
    expect(project.refuse(patch('my-pool', {}))).toMatchObject({ tag: 'not_found' });
    project.do(create('my-pool'));
    expect(fieldsOf(project.refuse(patch('my-pool', {}, 'uid')))).toEqual(['updateMask']);
    expect(fieldsOf(project.refuse(patch('my-pool', { description: 'x'.repeat(257) }, 'description')))).toEqual([
      'description',
    ]);
  });

  it('disables the built-in pool, and never renames it', () => {
    const project = new Administered();
    project.do(patch('demo.svc.id.goog', { disabled: true }, 'disabled'));
    expect(project.state.pool('demo.svc.id.goog')?.disabled).toBe(true);
    const renamed = patch('demo.svc.id.goog', { displayName: 'Other' }, 'displayName');
    expect(project.refuse(renamed)).toMatchObject({ tag: 'failed_precondition' });
  });
});
