/** The history over REST: names, pages, rows in the form of `GET`, doubts in the answer, and a restore that says what it did and what it left. */
import { describe, expect, it } from 'vitest';
import { ok } from '../../../src/core/result.ts';
import { CLUSTER, OIDC } from '../../support/admin-samples.ts';
import { type AdminRest, badFields, withDemo } from '../../support/admin-rest.ts';

const PROJECT = '/v1/projects/demo';
const HISTORY = `${PROJECT}/history`;
const POOLS = `${PROJECT}/locations/global/workloadIdentityPools`;
const NAME = 'projects/100000000001/history';

/** Of each kind of row one, then a change of the role: entries 3 to 11. */
async function made(): Promise<AdminRest> {
  const rest = await withDemo();
  const must = async (method: string, path: string, body: object): Promise<void> => {
    const answer = await rest.call(method, path, body);
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  };
  await must('POST', `${POOLS}?workloadIdentityPoolId=my-pool`, { displayName: 'Mine' });
  await must('POST', `${POOLS}/my-pool/providers?workloadIdentityPoolProviderId=issuer`, OIDC);
  await must('POST', `${POOLS}/demo.svc.id.goog/providers?workloadIdentityPoolProviderId=cluster`, CLUSTER);
  await must('POST', `${PROJECT}/targets?targetId=files`, { uri: 'https://files.example.com' });
  await must('POST', `${PROJECT}/roles`, { roleId: 'reader', role: { includedPermissions: ['files.read'] } });
  const attachment = encodeURIComponent('cloudresourcemanager.googleapis.com/projects/demo');
  await must('POST', `/v2/policies/${attachment}/denypolicies?policyId=no-files`, {
    rules: [{ denyRule: { deniedPrincipals: ['principalSet://goog/public:all'], deniedPermissions: ['files.burn'] } }],
  });
  await must('PATCH', `${PROJECT}/roles/reader?updateMask=title`, { title: 'Reader' });
  return rest;
}

describe('the list', () => {
  it('is newest first, says whether it can be believed, and shows no bodies', async () => {
    const rest = await made();
    const { status, body } = await rest.call('GET', `${HISTORY}?pageSize=2`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ integrity: 'INTACT', entries: [{ resource: 'role/reader' }, {}] });
    const [newest] = body['entries'] as Record<string, string>[];
    expect(newest?.['name']).toBe(`${NAME}/${newest?.['sequence']}`);
    expect(newest).not.toHaveProperty('after');
    expect(body).not.toHaveProperty('faults');
  });

  it('names the doubts, with the entry that each is about', async () => {
    const faults = [{ sequence: 4, description: 'altered' }, { description: 'not sealed' }];
    const rest = await withDemo({
      readHistory: async () => ok({ kind: 'entries', entries: [], faults, next: 7 }),
    });
    const { body } = await rest.call('GET', HISTORY);
    expect(body).toEqual({
      entries: [],
      integrity: 'DOUBTFUL',
      faults: [{ sequence: '4', description: 'altered' }, { description: 'not sealed' }],
      nextPageToken: expect.any(String),
    });
  });

  it('hands its page on', async () => {
    const asked: unknown[] = [];
    const rest = await withDemo({
      readHistory: async (projectNumber, query) => {
        asked.push([projectNumber, query]);
        return ok({ kind: 'entries', entries: [], faults: [], next: 7 });
      },
    });
    const { body } = await rest.call('GET', HISTORY);
    await rest.call('GET', `${HISTORY}?pageSize=999&resource=pool/my-pool&pageToken=${String(body['nextPageToken'])}`);
    await rest.call('GET', '/v1/organizations/1/history');
    expect(asked).toEqual([
      ['100000000001', { type: 'list', pageSize: 50 }],
      ['100000000001', { type: 'list', pageSize: 200, before: 7, resource: 'pool/my-pool' }],
      [undefined, { type: 'list', pageSize: 50 }],
    ]);
  });
});

describe('an entry', () => {
  it('shows each kind of row as GET on it would', async () => {
    const rest = await made();
    const { body: list } = await rest.call('GET', `${HISTORY}?pageSize=50`);
    const shown = new Map<string, unknown>();
    for (const { name, resource } of (list['entries'] as { name: string; resource: string }[]).toReversed()) {
      const { body } = await rest.call('GET', `/v1/${name}`);
      shown.set(resource, body['after']);
    }
    const at = async (path: string): Promise<unknown> => (await rest.call('GET', path)).body;
    expect(shown.get('project')).toEqual(await at(PROJECT));
    expect(shown.get('pool/my-pool')).toEqual(await at(`${POOLS}/my-pool`));
    expect(shown.get('provider/my-pool/issuer')).toEqual(await at(`${POOLS}/my-pool/providers/issuer`));
    expect(shown.get('target/files')).toEqual(await at(`${PROJECT}/targets/files`));
    expect(shown.get('role/reader')).toEqual(await at(`${PROJECT}/roles/reader`));
    expect(shown.get('denyPolicy/project/no-files')).toMatchObject({ kind: 'DenyPolicy' });
  });

  it.each(['0', '-1', '1.5', '1e3', 'x', '9999999999999999'])('called %s is none', async (sequence) => {
    const rest = await withDemo();
    const answer = await rest.call('GET', `${HISTORY}/${sequence}`);
    expect(answer.status).toBe(400);
    expect(badFields(answer)).toEqual(['sequence']);
  });

  it('that is not there is not found', async () => {
    expect((await (await withDemo()).call('GET', `${HISTORY}/999`)).status).toBe(404);
  });
});

describe('comparing', () => {
  it('tells by resource what differs between two states, absent where there was nothing', async () => {
    const rest = await made();
    const { body } = await rest.call('GET', `${HISTORY}:compare?from=2`);
    const differences = body['differences'] as { resource: string; before?: object; after?: object }[];
    expect(differences.map(({ resource }) => resource)).toEqual([
      'denyPolicy/project/no-files',
      'pool/my-pool',
      'provider/demo.svc.id.goog/cluster',
      'provider/my-pool/issuer',
      'role/reader',
      'target/files',
    ]);
    expect(differences.every((one) => one.before === undefined && one.after !== undefined)).toBe(true);
    const page = await rest.call('GET', `${HISTORY}:compare?from=2&pageSize=4`);
    const others = await rest.call(
      'GET',
      `${HISTORY}:compare?from=2&pageSize=4&pageToken=${String(page.body['nextPageToken'])}`,
    );
    expect(others.body['differences']).toEqual(differences.slice(4));
  });

  it.each([
    ['', ['from']],
    ['?from=x', ['from']],
    ['?from=1&to=0', ['to']],
    ['?from=1&pageToken=cG9vbA', ['pageToken']],
  ])('%s is refused', async (query, fields) => {
    const answer = await (await withDemo()).call('GET', `${HISTORY}:compare${query}`);
    expect(answer.status).toBe(400);
    expect(badFields(answer)).toEqual(fields);
  });
});

describe('restoring', () => {
  it('says what it did and what it left, and only says so where it is to validate', async () => {
    const rest = await made();
    await rest.call('PATCH', `${PROJECT}?updateMask=tokenExchangesPerMinute`, { tokenExchangesPerMinute: 10 });
    const wanted = { validateOnly: true };
    const tried = await rest.call('POST', `${HISTORY}/2:restore`, wanted);
    expect(tried).toMatchObject({
      status: 200,
      body: {
        steps: expect.arrayContaining([{ resource: 'pool/my-pool', action: 'DELETED' }]),
        left: [{ resource: 'project', reason: 'limits, raises and own limits stay as they are' }],
      },
    });
    expect((await rest.call('GET', `${POOLS}/my-pool`)).body).toMatchObject({ state: 'ACTIVE' });
    const one = await rest.call('POST', `${HISTORY}/2:restore`, { resource: 'pool/my-pool' });
    expect(one.body).toEqual({ steps: [{ resource: 'pool/my-pool', action: 'DELETED' }], left: [] });
    expect((await rest.call('GET', `${POOLS}/my-pool`)).body).toMatchObject({ state: 'DELETED' });
    expect((await rest.call('GET', `${PROJECT}/roles/reader`)).status).toBe(200);
  });

  it.each([
    ['unknown fields', `${HISTORY}/2:restore`, { force: true }, ['force']],
    ['a resource that is none', `${HISTORY}/2:restore`, { resource: 'nothing' }, ['resource']],
    [
      'another resource of the organization',
      '/v1/organizations/1/history/2:restore',
      { resource: 'project' },
      ['resource'],
    ],
    ['no number', `${HISTORY}/x:restore`, {}, ['sequence']],
  ])('refuses %s', async (_what, path, body, fields) => {
    const answer = await (await withDemo()).call('POST', path, body);
    expect(answer.status).toBe(400);
    expect(badFields(answer)).toEqual(fields);
  });
});
