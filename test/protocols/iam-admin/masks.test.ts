/** Masks of every PATCH: what a path may be, and that a mask that is refused writes nothing. */
import { describe, expect, it } from 'vitest';
import { OIDC } from '../../support/admin-samples.ts';
import { type AdminRest, badFields, withDemo } from '../../support/admin-rest.ts';

const POOL = '/v1/projects/demo/locations/global/workloadIdentityPools/my-pool';

const PATCHED = [
  ['a project', '/v1/projects/demo', { displayName: 'New' }],
  ['a pool', POOL, { displayName: 'New' }],
  ['a provider', `${POOL}/providers/provider-1`, { displayName: 'New' }],
  ['a role', '/v1/projects/demo/roles/reader', { title: 'New' }],
  ['a target', '/v1/projects/demo/targets/files', { displayName: 'New' }],
] as const;

const OUTPUT_ONLY = [
  'name',
  'uid',
  'etag',
  'state',
  'expireTime',
  'createTime',
  'updateTime',
  'issuer',
  'administrative',
  'keys',
  'keySource',
  'deniedUids',
  'distrustedThumbprints',
  'temporaryRaises',
  'projectNumber',
  'version',
];
const UNKNOWN = ['nothing', 'displayName.x', 'oidc.*', 'attributeMapping.google.subject', 'tags.env', '__proto__', 'x'];
const STARS = ['*,displayName', 'displayName,*', '**', 'oidc,*'];

async function world(): Promise<AdminRest> {
  const rest = await withDemo();
  await rest.call('POST', POOL.replace('/my-pool', '?workloadIdentityPoolId=my-pool'), {});
  await rest.call('POST', `${POOL}/providers?workloadIdentityPoolProviderId=provider-1`, OIDC);
  await rest.call('POST', '/v1/projects/demo/roles', { roleId: 'reader', role: { title: 'Old' } });
  await rest.call('POST', '/v1/projects/demo/targets?targetId=files', { uri: 'https://files.example.com' });
  return rest;
}

describe.each(PATCHED)('the mask of %s', (_what, path, body) => {
  it('names no path that is not there, is the broker’s to write, lies inside another, or stands beside "*"', async () => {
    const rest = await world();
    const before = (await rest.call('GET', path)).body;
    for (const mask of [...OUTPUT_ONLY, ...UNKNOWN, ...STARS, 'x'.repeat(5_000)]) {
      const refused = await rest.call('PATCH', `${path}?updateMask=${mask}`, body);
      expect(refused, mask.slice(0, 50)).toMatchObject({
        status: 400,
        body: { error: { status: 'INVALID_ARGUMENT' } },
      });
      expect(badFields(refused)).toContain('updateMask');
    }
    expect((await rest.call('GET', path)).body).toEqual(before);
  });

  it('of a known path changes that, said twice, in snake_case or with an empty path beside it too', async () => {
    const rest = await world();
    const [name = ''] = Object.keys(body);
    const snake = name.replace('displayName', 'display_name');
    for (const mask of [name, `${name},${name}`, snake, `${name},`]) {
      expect((await rest.call('PATCH', `${path}?updateMask=${mask}`, {})).status).toBe(200);
      expect((await rest.call('GET', path)).body).not.toMatchObject(body);
      expect((await rest.call('PATCH', `${path}?updateMask=${mask}`, body)).status).toBe(200);
      expect((await rest.call('GET', path)).body).toMatchObject(body);
    }
  });
});
