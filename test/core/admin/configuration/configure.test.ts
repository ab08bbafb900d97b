/** A configuration applied as a whole: in the order that it needs, once, and nothing of it where anything is wrong. */
import { describe, expect, it } from 'vitest';
import { CLUSTER, EC_KEY, jwks, POINTS } from '../../../support/admin-samples.ts';
import { Administered, fieldsOf, sentencesOf } from '../../../support/administer.ts';
import { configured, diff, MEMBER, one, POOL, SMALL, stepsOf, wished, withOther } from './support.ts';

const OTHER_KEY = { ...EC_KEY, kid: 'ec-2', crv: 'P-384', ...POINTS['P-384'] };

describe('a configuration', () => {
  it('sets every member of the project that a file may name, and says so', () => {
    const project = new Administered();
    const input = { maxServiceAccountTokenLifetime: '7200s', awsAccountId: '111122223333' };
    const files = [one('project', 'project', input)];
    expect(diff(project, files)).toEqual(['CHANGED project']);
    project.do(wished(files));
    expect(project.state.project()).toMatchObject({
      maxServiceAccountTokenLifetimeSeconds: 7_200,
      awsAccountId: '111122223333',
    });
    expect(diff(project, files)).toEqual([]);
  });

  it('is made in the order in which its parts need each other, whatever order they are named in', () => {
    const project = new Administered();
    expect(stepsOf(project.do(wished(SMALL)))).toEqual([
      'CREATED role/reader',
      'CREATED target/files',
      `CREATED provider/${POOL}/cluster-1`,
      'CREATED policy/target/files',
    ]);
    expect(project.state.policy({ kind: 'target', targetId: 'files' })?.bindings).toHaveLength(1);
  });

  it('changes nothing the second time, in no row and no etag', () => {
    const project = new Administered();
    project.do(wished(SMALL));
    const before = JSON.stringify(project.state.entries);
    const again = project.do(wished(SMALL));
    expect(again).toMatchObject({ writes: [], shards: [] });
    expect(configured(again).steps).toEqual([]);
    expect(JSON.stringify(project.state.entries)).toBe(before);
  });

  it('shows what it would change, and changes it exactly', () => {
    const project = new Administered();
    project.do(wished(SMALL));
    const changed = withOther(
      one('target/files', 'target', { uri: 'https://files.example.com', displayName: 'Files' }),
    );
    const looked = configured(project.do(wished(changed, { validateOnly: true })));
    expect(looked.steps).toMatchObject([{ resource: 'target/files', action: 'CHANGED' }]);
    expect(JSON.parse(looked.steps[0]?.before ?? '')).toMatchObject({ displayName: '' });
    expect(JSON.parse(looked.steps[0]?.after ?? '')).toMatchObject({ displayName: 'Files' });
    expect(project.state.target('files')?.displayName).toBe('');
    project.do(wished(changed, { etag: looked.etag }));
    expect(project.state.target('files')?.displayName).toBe('Files');
    expect(diff(project, changed)).toEqual([]);
  });

  it('is refused with the etag of what was looked at, where anybody wrote in between; nothing is changed', () => {
    const project = new Administered();
    project.do(wished(SMALL));
    const changed = withOther(one('role/reader', 'role', { title: 'Readers', includedPermissions: ['files.read'] }));
    const { etag } = configured(project.do(wished(changed, { validateOnly: true })));
    // Another resource of the same files than the one that is to be changed.
    project.do({ type: 'target.patch', targetId: 'files', input: { displayName: 'By hand' }, mask: ['displayName'] });
    expect(project.refuse(wished(changed, { etag }))).toMatchObject({ tag: 'etag_mismatch' });
    expect(project.state.role('reader')?.title).toBe('Reader');
  });

  it('compares the etag of a single resource too, and that of one that must not be there yet', () => {
    const project = new Administered();
    const target = one('target/files', 'target', { uri: 'https://files.example.com' });
    project.do(wished([{ ...target, etag: 'ACAB' }]));
    expect(project.refuse(wished([{ ...target, etag: 'ACAB' }]))).toEqual({
      tag: 'etag_mismatch',
      resource: 'target/files',
    });
  });

  it('may swap what two resources must not have both', () => {
    const project = new Administered();
    const uris = (first: string, second: string) => [
      one('target/first', 'target', { uri: first }),
      one('target/second', 'target', { uri: second }),
    ];
    project.do(wished(uris('https://a.example.com', 'https://b.example.com')));
    project.do(wished(uris('https://c.example.com', 'https://a.example.com')));
    expect(project.state.target('second')?.uri).toBe('https://a.example.com');
  });

  it('takes a deleted pool and its provider back instead of making others', () => {
    const project = new Administered();
    const files = [
      one('pool/my-pool', 'pool', { displayName: 'Mine' }),
      one('provider/my-pool/cluster-1', 'provider', CLUSTER),
    ];
    project.do(wished(files));
    const uid = project.state.pool('my-pool')?.uid;
    project.do({ type: 'provider.delete', poolId: 'my-pool', providerId: 'cluster-1' });
    project.do({ type: 'pool.delete', poolId: 'my-pool' });
    expect(stepsOf(project.do(wished(files)))).toEqual([
      'UNDELETED pool/my-pool',
      'UNDELETED provider/my-pool/cluster-1',
    ]);
    expect(project.state.pool('my-pool')?.uid).toBe(uid);
  });

  it('changes of the project what it names, and nothing else', () => {
    const project = new Administered();
    project.do(wished([one('project', 'project', { recentExchangesRetention: '0s' })]));
    expect(project.state.project()).toMatchObject({ displayName: 'Demo', recentExchangesRetentionSeconds: 0 });
  });

  it('shows as well what goes along: the bindings of a role that is gone', () => {
    const project = new Administered();
    project.do(wished(SMALL));
    expect(stepsOf(project.do(wished([{ resource: 'role/reader', desired: null }])))).toEqual([
      'DELETED role/reader',
      'DELETED policy/target/files',
    ]);
  });

  it('leaves pushed keys as they are: those in the file were the first ones, and are older', () => {
    const project = new Administered();
    project.do(wished(SMALL));
    const provider = project.state.provider(POOL, 'cluster-1');
    if (provider === undefined) throw new Error('no provider');
    project.state.commit([
      { put: 'provider', provider: { ...provider, keySource: 'pushed', jwksJson: jwks(OTHER_KEY) } },
    ]);
    const again = configured(project.do(wished(SMALL)));
    expect(again.steps).toEqual([]);
    expect(again.left).toEqual([{ resource: `provider/${POOL}/cluster-1`, reason: 'pushed keys stay as they are' }]);
    expect(project.state.provider(POOL, 'cluster-1')).toMatchObject({ keySource: 'pushed', jwksJson: jwks(OTHER_KEY) });
  });
});

describe('what is wrong', () => {
  it('is told all at once, by resource; what is refused only because of it is not told; nothing is changed', () => {
    const project = new Administered();
    const denial = project.refuse(
      wished([
        one('role/reader', 'role', { includedPermissions: ['no wildcards *'] }),
        one('target/files', 'target', { uri: 'not a uri' }),
        one('policy/target/files', 'policy', { bindings: [{ role: 'projects/demo/roles/reader', members: [MEMBER] }] }),
        one('target/fine', 'target', { uri: 'https://fine.example.com' }),
        one('policy/target/fine', 'policy', {
          bindings: [{ role: 'projects/demo/roles/reader', members: ['nobody'] }],
        }),
        one('provider/no-such-pool/cluster-1', 'provider', CLUSTER),
        one('target/fine', 'target', { uri: 'https://twice.example.com' }),
      ]),
    );
    expect(fieldsOf(denial).toSorted()).toEqual([
      'policy/target/fine: policy.bindings[0].members[0]',
      'provider/no-such-pool/cluster-1',
      'role/reader: role.includedPermissions[0]',
      'target/files: uri',
      'target/fine',
    ]);
    expect(sentencesOf(denial)).toContain('is named twice');
    expect(project.state.target('fine')).toBeUndefined();
  });

  it.each([
    [{ owner: 'two words' }, 'owner'],
    [{ prune: true }, 'prune'],
  ])('%o is refused', (more, field) => {
    expect(fieldsOf(new Administered().refuse(wished(SMALL, more)))).toEqual([field]);
  });

  it('a document of another kind than the name says, and a name of nothing', () => {
    const denial = new Administered().refuse(
      wished([
        one('target/files', 'role', {}),
        one('quotaPreference/x', 'role', {}),
        one('owner/target/files', 'role', {}),
        one('policy/organization', 'policy', { bindings: [] }),
      ]),
    );
    expect(fieldsOf(denial)).toEqual([
      'target/files',
      'quotaPreference/x',
      'owner/target/files',
      'policy/organization',
    ]);
  });

  it('a wish of which parts are missing', () => {
    expect(new Administered().refuse(wished([], { stagedParts: 2 }))).toMatchObject({ tag: 'failed_precondition' });
  });
});
