/** A project's configuration over REST: applied as a whole, looked at, staged in parts, listed as what makes it again. */
import { describe, expect, it } from 'vitest';
import { badFields, withDemo } from '../../support/admin-rest.ts';
import { CLUSTER } from '../../support/admin-samples.ts';

const APPLY = '/v1/projects/demo:apply';
const POOL = 'demo.svc.id.goog';
const CHANGES = [
  { resource: 'target/files', desired: { uri: 'https://files.example.com' } },
  { resource: 'role/reader', desired: { includedPermissions: ['files.read'] } },
  { resource: `provider/${POOL}/cluster-1`, desired: CLUSTER },
  {
    resource: 'policy/target/files',
    desired: { bindings: [{ role: 'projects/demo/roles/reader', members: ['user:a@example.com'] }] },
  },
];

describe('POST projects/PROJECT:apply', () => {
  it('says what it did, and nothing the second time', async () => {
    const rest = await withDemo();
    const first = await rest.call('POST', APPLY, { changes: CHANGES.slice(0, 3), owner: 'team-a' });
    expect(first).toMatchObject({
      status: 200,
      body: { steps: [{ resource: 'role/reader', action: 'CREATED' }, { resource: 'target/files' }, {}], left: [] },
    });
    expect(JSON.stringify(first.body)).not.toContain('jwksJson');
    const again = await rest.call('POST', APPLY, { changes: CHANGES.slice(0, 3), owner: 'team-a', prune: true });
    expect(again.body).toMatchObject({ steps: [] });
  });

  it('shows before and after where it only looks', async () => {
    const rest = await withDemo();
    await rest.call('POST', APPLY, { changes: CHANGES.slice(0, 1) });
    const changes = [{ resource: 'target/files', desired: { uri: 'https://other.example.com' } }];
    const looked = await rest.call('POST', APPLY, { changes, validateOnly: true });
    expect(looked.body).toMatchObject({
      steps: [{ before: { uri: 'https://files.example.com' }, after: { uri: 'https://other.example.com' } }],
    });
    const stale = await rest.call('POST', APPLY, { changes, etag: 'AAAA' });
    expect(stale).toMatchObject({ status: 409, body: { error: { status: 'ABORTED' } } });
    const { etag } = looked.body;
    expect(await rest.call('POST', APPLY, { changes, etag })).toMatchObject({ status: 200 });
  });

  it('names everything that is wrong at once, in form and in meaning, by resource', async () => {
    const rest = await withDemo();
    const refused = await rest.call('POST', APPLY, {
      changes: [
        { resource: 'target/files', desired: { uri: 'https://files.example.com', colour: 'blue' } },
        { resource: 'target/other', desired: { uri: 'no uri' } },
        { resource: 'policy/target/files', desired: { bindings: [{ role: 'roles/no-such', members: [] }] } },
        { resource: 'cluster/one', desired: {} },
        { resource: 'role/reader', desired: [] },
        { desired: {} },
      ],
    });
    expect(refused.status).toBe(400);
    expect(badFields(refused).toSorted()).toEqual([
      'changes[5]: resource',
      'cluster/one: resource',
      'role/reader: desired',
      'target/files: colour',
      'target/other: uri',
    ]);
    expect(rest.admin.stateOf('100000000001')?.target('other')).toBeUndefined();
  });

  it('takes away what is to be gone', async () => {
    const rest = await withDemo();
    await rest.call('POST', APPLY, { changes: CHANGES.slice(0, 1) });
    const gone = await rest.call('POST', APPLY, { changes: [{ resource: 'target/files', desired: null }] });
    expect(gone.body).toMatchObject({ steps: [{ resource: 'target/files', action: 'DELETED' }] });
  });

  it('takes what was staged under its name', async () => {
    const rest = await withDemo();
    const stage = (part: number, changes: unknown) =>
      rest.call('POST', '/v1/projects/demo/changeSets/set-1:stage', { part, changes });
    expect(await stage(0, CHANGES.slice(0, 1))).toMatchObject({ status: 200, body: {} });
    expect(badFields(await stage(1, [{ resource: 'target/x', desired: { colour: 'blue' } }]))).toEqual([
      'target/x: colour',
    ]);
    await stage(1, CHANGES.slice(1, 2));
    const applied = await rest.call('POST', APPLY, { changeSet: 'set-1', stagedParts: 2 });
    expect(applied.body).toMatchObject({ changeSet: 'set-1', steps: [{ action: 'CREATED' }, { action: 'CREATED' }] });
    const once = await rest.call('POST', APPLY, { changeSet: 'set-1', stagedParts: 2 });
    expect(once).toMatchObject({ status: 400, body: { error: { status: 'FAILED_PRECONDITION' } } });
  });

  it.each([
    [{ changeSet: 'a/b' }, 'changeSet'],
    [{ stagedParts: -1 }, 'stagedParts'],
    [{ stagedParts: 1.5 }, 'stagedParts'],
    [{ owner: '' }, 'owner'],
    [{ surprise: true }, 'surprise'],
  ])('refuses %o', async (body, field) => {
    const rest = await withDemo();
    expect(badFields(await rest.call('POST', APPLY, body))).toEqual([field]);
  });

  it('refuses a part that is none', async () => {
    const rest = await withDemo();
    const refused = await rest.call('POST', '/v1/projects/demo/changeSets/set-1:stage', { part: -1 });
    expect(badFields(refused)).toEqual(['part']);
  });
});

describe('GET projects/PROJECT/configuration', () => {
  it('is what makes it again, page by page, whatever is deleted meanwhile', async () => {
    const rest = await withDemo();
    await rest.call('POST', APPLY, { changes: CHANGES, owner: 'team-a' });
    const resources: { resource: string; document: unknown; owner?: string }[] = [];
    let token = '';
    do {
      const page = await rest.call('GET', `/v1/projects/demo/configuration?pageSize=2&pageToken=${token}`);
      resources.push(...(page.body['resources'] as typeof resources));
      token = nextOf(page.body);
    } while (token !== '');
    expect(resources.map(({ resource }) => resource)).toEqual([
      'project',
      'role/reader',
      'target/files',
      `pool/${POOL}`,
      `provider/${POOL}/cluster-1`,
      'policy/target/files',
    ]);
    expect(resources.filter(({ owner }) => owner === 'team-a')).toHaveLength(4);
    const changes = resources.map(({ resource, document }) => ({ resource, desired: document }));
    expect((await rest.call('POST', APPLY, { changes })).body).toMatchObject({ steps: [] });
    const mine = await rest.call('GET', '/v1/projects/demo/configuration?owner=team-a&pageSize=100');
    expect(mine.body['resources']).toHaveLength(4);
    // The page token still leads on after what it names is gone.
    const first = await rest.call('GET', '/v1/projects/demo/configuration?pageSize=3');
    await rest.call('DELETE', '/v1/projects/demo/targets/files');
    const next = await rest.call('GET', `/v1/projects/demo/configuration?pageSize=100&pageToken=${nextOf(first.body)}`);
    expect(next.body['resources']).toMatchObject([{ resource: `pool/${POOL}` }, {}]);
  });
});

function nextOf({ nextPageToken }: Readonly<Record<string, unknown>>): string {
  return typeof nextPageToken === 'string' ? nextPageToken : '';
}
