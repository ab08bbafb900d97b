/** Quotas over REST as Google's Cloud Quotas spells them: what they are, asking for more, the review, own limits. */
import { describe, expect, it } from 'vitest';
import { err, ok } from '../../../src/core/result.ts';
import { CLUSTER } from '../../support/admin-samples.ts';
import { badFields, type AdminRest, withDemo } from '../../support/admin-rest.ts';

const PROJECT = '/v1/projects/demo';
const INFOS = `${PROJECT}/locations/global/services/sts/quotaInfos`;
const PREFERENCES = `${PROJECT}/locations/global/quotaPreferences`;
const NAME = 'projects/100000000001/locations/global/quotaPreferences';
const EXCHANGES = 'TokenExchangeRequestsPerMinutePerProject';
const CREDENTIALS = 'CredentialGenerationRequestsPerMinutePerProject';
const TOMORROW = '2026-01-02T00:00:00.000Z';

const WISH = {
  quotaId: EXCHANGES,
  service: 'sts',
  quotaConfig: { preferredValue: '12000' },
  justification: 'a rollout of all clusters at once',
};

async function must(rest: AdminRest, method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const answered = await rest.call(method, path, body);
  expect(answered).toMatchObject({ status: 200 });
  return answered.body;
}

const away = err({ tag: 'unavailable', dependency: 'quota', description: '' } as const);

describe('quotaInfos', () => {
  it('are two, in pages, by their own names', async () => {
    const rest = await withDemo();
    const all = await must(rest, 'GET', INFOS);
    expect(all).toMatchObject({ quotaInfos: [{ quotaId: CREDENTIALS }, { quotaId: EXCHANGES }] });
    expect(all).not.toHaveProperty('nextPageToken');
    const first = await must(rest, 'GET', `${INFOS}?pageSize=1`);
    expect(first).toMatchObject({ quotaInfos: [{ quotaId: CREDENTIALS }] });
    const second = await must(rest, 'GET', `${INFOS}?pageSize=1&pageToken=${String(first['nextPageToken'])}`);
    expect(second).toMatchObject({ quotaInfos: [{ quotaId: EXCHANGES }] });
    expect(second).not.toHaveProperty('nextPageToken');
    expect(await rest.call('GET', `${INFOS}/Cpus`)).toMatchObject({
      status: 404,
      body: {
        error: { status: 'NOT_FOUND', message: expect.stringContaining(`there are ${CREDENTIALS}, ${EXCHANGES}`) },
      },
    });
  });

  it('of exchanges: Google’s shape, the quota object’s own count, and the limits of single ones before that of all', async () => {
    const rest = await withDemo();
    const providers = `${PROJECT}/locations/global/workloadIdentityPools/demo.svc.id.goog/providers`;
    await must(rest, 'POST', `${providers}?workloadIdentityPoolProviderId=cluster`, CLUSTER);
    const pool = 'projects/100000000001/locations/global/workloadIdentityPools/demo.svc.id.goog';
    const provider = `${pool}/providers/cluster`;
    const principal = `principal://iam.googleapis.com/${pool}/subject/ns/default/sa/robot`;
    await must(rest, 'PATCH', `${PROJECT}?updateMask=ownLimits`, {
      ownLimits: [
        { provider, tokenExchangesPerMinute: 600 },
        { principal, tokenExchangesPerMinute: 60 },
      ],
    });
    expect(await must(rest, 'GET', `${INFOS}/${EXCHANGES}`)).toEqual({
      name: `projects/100000000001/locations/global/services/sts/quotaInfos/${EXCHANGES}`,
      quotaId: EXCHANGES,
      metric: 'sts/token_exchange_requests',
      service: 'sts',
      isPrecise: true,
      refreshInterval: 'minute',
      containerType: 'PROJECT',
      dimensions: ['provider', 'principal'],
      metricDisplayName: 'Token exchange requests',
      quotaDisplayName: 'Token exchange requests per minute per project',
      metricUnit: '1',
      quotaIncreaseEligibility: { isEligible: true },
      isFixed: false,
      dimensionsInfos: [
        { dimensions: { principal }, details: { value: '60' }, applicableLocations: ['global'] },
        { dimensions: { provider }, details: { value: '600' }, applicableLocations: ['global'] },
        { details: { value: '6000' }, applicableLocations: ['global'] },
      ],
      isConcurrent: false,
      usage: { used: 42, remaining: 5_958 },
      forecast: {},
    });
  });

  it('of credentials: a limit that is set, and counted from the first service account on', async () => {
    let counted = { limitPerMinute: 0, countedPermits: 0 };
    const rest = await withDemo({
      quotaUsage: async (_number, quotaId) => (quotaId === CREDENTIALS ? ok(counted) : away),
    });
    expect(await must(rest, 'GET', `${INFOS}/${CREDENTIALS}`)).toMatchObject({
      dimensionsInfos: [{ details: { value: '60000' } }],
      usage: { used: 0, remaining: 60_000 },
    });
    const path = `${PROJECT}?updateMask=credentialGenerationsPerMinute`;
    expect(await must(rest, 'PATCH', path, { credentialGenerationsPerMinute: 600_000 })).toMatchObject({
      tokenExchangesPerMinute: 6_000,
      credentialGenerationsPerMinute: 600_000,
    });
    expect(await must(rest, 'GET', `${INFOS}/${CREDENTIALS}`)).toMatchObject({
      dimensionsInfos: [{ details: { value: '600000' } }],
      quotaIncreaseEligibility: { isEligible: false, ineligibilityReason: 'OTHER' },
    });
    counted = { limitPerMinute: 600_000, countedPermits: 7 };
    expect(await must(rest, 'GET', `${INFOS}/${CREDENTIALS}`)).toMatchObject({
      usage: { used: 7, remaining: 599_993 },
    });
    const over = await rest.call('PATCH', path, { credentialGenerationsPerMinute: 600_001 });
    expect(badFields(over)).toEqual(['credentialGenerationsPerMinute']);
    expect((await rest.call('GET', `${INFOS}/${EXCHANGES}`)).status).toBe(503);
  });
});

describe('quotaPreferences', () => {
  it('are asked for and read; who asks, and every step, in the full view', async () => {
    const rest = await withDemo();
    const body = {
      ...WISH,
      name: 'whatever',
      reconciling: false,
      state: 'GRANTED',
      quotaConfig: { preferredValue: '12000', grantedValue: '600000', annotations: { ticket: '7' } },
      dimensions: {},
      contactEmail: 'ada@example.com',
      expireTime: TOMORROW,
    };
    const asked = await must(rest, 'POST', `${PREFERENCES}?quotaPreferenceId=burst&ignoreSafetyChecks=true`, body);
    expect(asked).toEqual({
      name: `${NAME}/burst`,
      service: 'sts',
      quotaId: EXCHANGES,
      quotaConfig: {
        preferredValue: '12000',
        stateDetail: 'Waits for an administrator of the organization.',
        annotations: { ticket: '7' },
      },
      state: 'PENDING',
      reconciling: true,
      justification: WISH.justification,
      contactEmail: 'ada@example.com',
      expireTime: TOMORROW,
      etag: expect.any(String),
      createTime: expect.any(String),
      updateTime: expect.any(String),
    });
    expect(await must(rest, 'GET', `${PREFERENCES}/burst`)).toEqual(asked);
    expect(await must(rest, 'GET', `${PREFERENCES}/burst?view=FULL`)).toEqual({
      ...asked,
      events: [{ time: asked['createTime'], actor: 'bootstrap', state: 'PENDING', value: '12000', comment: '' }],
    });
    expect(rest.admin.history.at(-1)).toEqual({ actor: 'bootstrap', type: 'quotaPreference.ask' });
  });

  it('are listed in pages', async () => {
    const rest = await withDemo();
    expect(await must(rest, 'GET', PREFERENCES)).toEqual({ quotaPreferences: [] });
    for (const id of ['a', 'b', 'c']) {
      await must(rest, 'POST', `${PREFERENCES}?quotaPreferenceId=${id}`, WISH);
      await must(rest, 'DELETE', `${PREFERENCES}/${id}`);
    }
    const first = await must(rest, 'GET', `${PREFERENCES}?pageSize=2`);
    expect(first).toMatchObject({ quotaPreferences: [{ name: `${NAME}/a` }, { name: `${NAME}/b` }] });
    const second = await must(rest, 'GET', `${PREFERENCES}?pageSize=2&pageToken=${String(first['nextPageToken'])}`);
    expect(second).toMatchObject({ quotaPreferences: [{ name: `${NAME}/c`, state: 'WITHDRAWN', reconciling: false }] });
    expect(second).not.toHaveProperty('nextPageToken');
  });

  it('are changed by mask, and as a whole by what was read', async () => {
    const rest = await withDemo();
    const asked = await must(rest, 'POST', `${PREFERENCES}?quotaPreferenceId=burst`, { ...WISH, expireTime: TOMORROW });
    const path = `${PREFERENCES}/burst`;
    const changed = await must(rest, 'PATCH', `${path}?updateMask=quotaConfig.preferred_value`, {
      quotaConfig: { preferredValue: 9_000 },
      justification: 'not in the mask',
    });
    expect(changed).toMatchObject({
      quotaConfig: { preferredValue: '9000' },
      justification: WISH.justification,
      expireTime: TOMORROW,
    });
    const stale = await rest.call('PATCH', path, asked);
    expect(stale).toMatchObject({ status: 409, body: { error: { status: 'ABORTED' } } });
    const whole = await must(rest, 'PATCH', path, { ...changed, justification: 'another reason' });
    expect(whole).toMatchObject({ quotaConfig: { preferredValue: '9000' }, justification: 'another reason' });
    expect(await must(rest, 'PATCH', `${path}?updateMask=expireTime`, {})).not.toHaveProperty('expireTime');
    const missing = `${PREFERENCES}/other?allowMissing=`;
    expect((await rest.call('PATCH', `${missing}false`, WISH)).status).toBe(404);
    expect(badFields(await rest.call('PATCH', `${missing}maybe`, WISH))).toEqual(['allowMissing']);
    await must(rest, 'DELETE', path);
    expect(await must(rest, 'PATCH', `${missing}true`, WISH)).toMatchObject({
      name: `${NAME}/other`,
      state: 'PENDING',
    });
  });

  it.each<[string, object, string]>([
    ['a number in words', { ...WISH, quotaConfig: { preferredValue: true } }, 'quotaConfig.preferredValue'],
    ['an unknown member', { ...WISH, urgent: true }, 'urgent'],
    ['an unknown member inside', { ...WISH, quotaConfig: { preferredValue: 1, unit: '1' } }, 'quotaConfig.unit'],
    ['a list', { ...WISH, quotaConfig: [] }, 'quotaConfig'],
    ['a time as a number', { ...WISH, expireTime: 7 }, 'expireTime'],
    ['an empty time', { ...WISH, expireTime: '' }, 'expireTime'],
    ['no value', { ...WISH, quotaConfig: {} }, 'quotaConfig.preferredValue'],
    ['no reason', { ...WISH, justification: '' }, 'justification'],
  ])('refuse %s by its path', async (_name, body, field) => {
    const rest = await withDemo();
    const answered = await rest.call('POST', `${PREFERENCES}?quotaPreferenceId=burst`, body);
    expect(answered).toMatchObject({ status: 400, body: { error: { status: 'INVALID_ARGUMENT' } } });
    expect(badFields(answered)).toEqual([field]);
    expect((await rest.call('GET', `${PREFERENCES}/burst`)).status).toBe(404);
  });

  it('refuse what else is wrong: a view, a parameter, a verdict that is not one', async () => {
    const rest = await withDemo();
    const path = `${PREFERENCES}/burst`;
    await must(rest, 'POST', `${PREFERENCES}?quotaPreferenceId=burst`, WISH);
    expect(badFields(await rest.call('GET', `${path}?view=ALL`))).toEqual(['view']);
    expect(badFields(await rest.call('GET', `${PREFERENCES}?filter=x`))).toEqual(['filter']);
    expect(badFields(await rest.call('POST', `${path}:approve`, { preferredValue: '1' }))).toEqual(['preferredValue']);
    expect(badFields(await rest.call('POST', `${path}:approve`, { grantedValue: '-1' }))).toEqual(['grantedValue']);
    expect(badFields(await rest.call('POST', `${path}:approve`, { grantedValue: [] }))).toEqual(['grantedValue']);
    expect(badFields(await rest.call('POST', `${path}:refuse`, {}))).toEqual(['comment']);
    expect(badFields(await rest.call('POST', `${path}:refuse`, { comment: 'no', grantedValue: '1' }))).toEqual([
      'grantedValue',
    ]);
    expect(badFields(await rest.call('PATCH', path, { ...WISH, etag: 7 }))).toEqual(['etag']);
    expect(await rest.call('POST', `${PREFERENCES}/none:approve`, {})).toMatchObject({ status: 404 });
    expect(await must(rest, 'GET', path)).toMatchObject({ state: 'PENDING' });
  });

  it('are granted with less, and say until when; the project and the quota show it', async () => {
    const rest = await withDemo();
    await must(rest, 'POST', `${PREFERENCES}?quotaPreferenceId=burst`, WISH);
    const seen = await must(rest, 'GET', `${PREFERENCES}/burst`);
    const granted = await must(rest, 'POST', `${PREFERENCES}/burst:approve`, {
      grantedValue: '8000',
      comment: 'to begin with',
      expireTime: TOMORROW,
      etag: seen['etag'],
    });
    expect(granted).toMatchObject({
      state: 'GRANTED_PARTIALLY',
      reconciling: false,
      expireTime: TOMORROW,
      quotaConfig: { preferredValue: '12000', grantedValue: '8000', stateDetail: 'to begin with' },
    });
    const project = await must(rest, 'GET', PROJECT);
    expect(project).toMatchObject({
      tokenExchangesPerMinute: 8_000,
      temporaryRaises: [
        { quotaId: EXCHANGES, value: 8_000, baseValue: 6_000, expireTime: TOMORROW, quotaPreference: `${NAME}/burst` },
      ],
    });
    expect(await must(rest, 'GET', `${INFOS}/${EXCHANGES}`)).toMatchObject({
      dimensionsInfos: [
        { details: { value: '8000', baseValue: '6000', expireTime: TOMORROW, quotaPreference: `${NAME}/burst` } },
      ],
    });
    // Written back as it was read: the raise is not the base by that.
    expect(await must(rest, 'PATCH', PROJECT, { ...project, displayName: 'Demo' })).toMatchObject({
      displayName: 'Demo',
      tokenExchangesPerMinute: 8_000,
      temporaryRaises: [{ baseValue: 6_000 }],
    });
    expect(await rest.call('POST', `${PREFERENCES}/burst:approve`, {})).toMatchObject({
      status: 400,
      body: { error: { status: 'FAILED_PRECONDITION' } },
    });
    // Google's clients drop `state`: a value that is still shown would read as one that is in force.
    const over = await must(rest, 'DELETE', `${PREFERENCES}/burst`);
    expect(over).toMatchObject({ state: 'WITHDRAWN', quotaConfig: { preferredValue: '12000' } });
    expect(over['quotaConfig']).not.toHaveProperty('grantedValue');
    expect(await must(rest, 'GET', PROJECT)).toMatchObject({ tokenExchangesPerMinute: 6_000 });
  });

  it('withdrawn with an etag that is not the newest stay', async () => {
    const rest = await withDemo();
    const asked = await must(rest, 'POST', `${PREFERENCES}?quotaPreferenceId=burst`, WISH);
    await must(rest, 'PATCH', `${PREFERENCES}/burst`, { justification: 'another' });
    const etag = encodeURIComponent(String(asked['etag']));
    expect((await rest.call('DELETE', `${PREFERENCES}/burst?etag=${etag}`)).status).toBe(409);
    expect(await must(rest, 'GET', `${PREFERENCES}/burst`)).toMatchObject({ state: 'PENDING' });
  });
});

describe('a path that is nearly right', () => {
  it.each([
    ['GET', 'quotaPreferences', 'locations/global/quotaPreferences'],
    ['GET', 'services/sts/quotaInfos', 'locations/global/services/sts/quotaInfos'],
    [
      'GET',
      'locations/global/services/sts.googleapis.com/quotaInfos/x',
      'locations/global/services/sts/quotaInfos/{quota}',
    ],
    ['POST', 'locations/global/quotaPreferences/x:deny', 'locations/global/quotaPreferences/{preference}:refuse'],
    ['POST', 'quotaPreferences/x:reject', 'locations/global/quotaPreferences/{preference}:refuse'],
  ])('%s %s is told the right one', async (method, path, right) => {
    const answered = await (await withDemo()).call(method, `${PROJECT}/${path}`, method === 'POST' ? {} : undefined);
    const message = `The requested URL was not found on this server. Nearly the same is /v1/projects/{project}/${right}.`;
    expect(answered).toMatchObject({ status: 404, body: { error: { message } } });
  });

  it('is told nothing where there is none', async () => {
    const rest = await withDemo();
    for (const path of ['locations/global/quotaPreferences/x:maybe', 'quotaPreferences/x/y', 'quotas']) {
      expect(await rest.call('GET', `${PROJECT}/${path}`)).toMatchObject({
        status: 404,
        body: { error: { message: 'The requested URL was not found on this server.' } },
      });
    }
  });
});

describe('own limits over REST', () => {
  it.each<[unknown, string]>([
    [{}, 'ownLimits'],
    [[{ provider: 'x' }], 'ownLimits[0].tokenExchangesPerMinute'],
    [[{ provider: 'x', tokenExchangesPerMinute: '7' }], 'ownLimits[0].tokenExchangesPerMinute'],
    [[{ provider: 'x', tokenExchangesPerMinute: 7 }], 'ownLimits[0].provider'],
    [[{ provider: 'x', tokenExchangesPerMinute: 7, burst: 9 }], 'ownLimits[0].burst'],
    [[{ tokenExchangesPerMinute: 7 }], 'ownLimits[0]'],
  ])('refuse %j by its path', async (ownLimits, field) => {
    const rest = await withDemo();
    const answered = await rest.call('PATCH', `${PROJECT}?updateMask=ownLimits`, { ownLimits });
    expect(answered.status).toBe(400);
    expect(badFields(answered)).toEqual([field]);
    expect(await must(rest, 'GET', PROJECT)).not.toHaveProperty('ownLimits');
  });
});
