/** CONTRACT's exchange table, 429: the project's quota, and addresses that keep failing. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addCluster,
  type Answer,
  call,
  captureAudit,
  type Cluster,
  createProject,
  exchange,
  must,
  postToken,
  tokenForm,
} from '../support/broker.ts';
import { expectRefusal } from './refusals-support.ts';

/** The limiter counts by the minute, and a test may begin at the end of one: twice 600 and a few are over it wherever it begins. */
const TWO_WINDOWS = 1_250;

const audit = captureAudit();
let cluster: Cluster;

beforeAll(async () => {
  cluster = await addCluster(await createProject());
});

describe('429', () => {
  it('over quota, with Retry-After, and room at once when the limit is raised', async () => {
    const small = await createProject();
    const mine = await addCluster(small);
    await must('PATCH', `/v1/projects/${small.number}?updateMask=tokenExchangesPerMinute`, {
      tokenExchangesPerMinute: 2,
    });
    expect((await exchange(mine)).status).toBe(200);
    expect((await exchange(mine)).status).toBe(200);
    const answer = await exchange(mine);
    await expectRefusal(audit, answer, 429, 'quota_exceeded', 'over_quota');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    await must('PATCH', `/v1/projects/${small.number}?updateMask=tokenExchangesPerMinute`, {
      tokenExchangesPerMinute: 3,
    });
    expect((await exchange(mine)).status).toBe(200);
    await must('PATCH', `/v1/projects/${small.number}?updateMask=tokenExchangesPerMinute`, {
      tokenExchangesPerMinute: 0,
    });
    expect((await exchange(mine)).status).toBe(429);
    await must('PATCH', `/v1/${mine.name}?updateMask=disabled`, { disabled: true });
    await expectRefusal(audit, await exchange(mine), 400, 'invalid_target', 'disabled');
  });

  it('over quota, with what is left of it in RateLimit, and RateLimit-Policy for whoever was verified', async () => {
    const small = await createProject();
    const mine = await addCluster(small);
    await must('PATCH', `/v1/projects/${small.number}?updateMask=tokenExchangesPerMinute`, {
      tokenExchangesPerMinute: 1,
    });
    const policyOf = ({ headers }: Answer): string | null => headers.get('ratelimit-policy');
    const granted = await exchange(mine);
    expect([granted.status, policyOf(granted), granted.headers.get('ratelimit')]).toEqual([
      200,
      '"project";q=1;w=60',
      null,
    ]);
    const refused = await exchange(mine);
    expect([refused.status, policyOf(refused)]).toEqual([429, '"project";q=1;w=60']);
    expect(refused.headers.get('ratelimit')).toBe(`"project";r=0;t=${refused.headers.get('retry-after')}`);
    // Who holds a token that verifies may know; a stranger sees the same of every project, and of none: nothing.
    expect(policyOf(await exchange(mine, 'https://nowhere.example.com'))).toBe('"project";q=1;w=60');
    const strangers = [
      await exchange(mine, undefined, 'a.b.c'),
      await exchange(mine, undefined, await cluster.token()),
      await postToken(tokenForm(`${mine.audience}x`, await mine.token())),
      await postToken(new URLSearchParams()),
      await call('/v1/token'),
      await call('/v1/token/x', { method: 'POST' }),
      await call('/v1/token', { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }),
    ];
    for (const answer of strangers) {
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect([answer.text, policyOf(answer), answer.headers.get('ratelimit')]).toEqual([answer.text, null, null]);
    }
  });

  it('of a project that is closed says so to whoever would be let in, and nothing to strangers', async () => {
    const closed = await createProject();
    const mine = await addCluster(closed);
    const path = `/v1/projects/${closed.number}?updateMask=tokenExchangesPerMinute`;
    await must('PATCH', path, { tokenExchangesPerMinute: 0 });
    const refused = await exchange(mine);
    expect([refused.status, refused.headers.get('ratelimit-policy')]).toEqual([429, '"project";q=0;w=60']);
    expect(refused.body['error_description']).toContain('Retrying does not help until an administrator raises it');
    expect(await audit.lineFor(refused)).toMatchObject({ check: 'project limit, which is 0: closed' });
    const stranger = await exchange(mine, undefined, 'a.b.c');
    expect([stranger.status, stranger.body['error']]).toEqual([400, 'invalid_grant']);
    await must('PATCH', path, { tokenExchangesPerMinute: 1 });
    expect((await exchange(mine)).status).toBe(200);
    expect((await exchange(mine)).body['error_description']).toContain('Please retry after the time in Retry-After');
  });

  it('refused exchanges cost no quota', async () => {
    const small = await createProject();
    const mine = await addCluster(small);
    await must('PATCH', `/v1/projects/${small.number}?updateMask=tokenExchangesPerMinute`, {
      tokenExchangesPerMinute: 1,
    });
    for (let round = 0; round < 5; round++) expect((await exchange(mine, undefined, 'a.b.c')).status).toBe(400);
    expect((await exchange(mine, 'https://nowhere.example.com')).status).toBe(400);
    expect((await exchange(mine)).status).toBe(200);
    expect((await exchange(mine)).status).toBe(429);
  });

  it('too many failures from one address slow that address down, and nobody else', async () => {
    const from = (address: string, token: string): Promise<Answer> =>
      postToken(tokenForm(cluster.audience, token), { 'cf-connecting-ip': address });
    let answer = await from('192.0.2.1', 'a.b.c');
    for (let round = 0; round < TWO_WINDOWS && answer.status === 400; round++)
      answer = await from('192.0.2.1', 'a.b.c');
    await expectRefusal(audit, answer, 429, 'slow_down', 'too_many_failures');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    // Behind one address there may be a whole cluster: only failures are slowed down.
    expect((await from('192.0.2.1', await cluster.token())).status).toBe(200);
    expect((await from('192.0.2.2', 'a.b.c')).status).toBe(400);
  });

  /** Fifty at a time until one is slowed down. */
  async function untilSlowedDown(atMost: number, send: (at: number) => Promise<Answer>): Promise<Answer> {
    for (let from = 0; from < atMost; from += 50) {
      const answers = await Promise.all(Array.from({ length: 50 }, (_, at) => send(from + at)));
      const slowed = answers.find(({ status }) => status === 429);
      if (slowed !== undefined) return slowed;
    }
    return send(atMost);
  }

  it('whoever changes provider, token and what he says of himself with each try is slowed down all the same', async () => {
    const address = { 'cf-connecting-ip': '192.0.2.3' };
    const answer = await untilSlowedDown(2 * TWO_WINDOWS, (at) => {
      const audience = cluster.audience.replace(/[^/]+$/, `guess-${at}`);
      const claimed = { 'x-forwarded-for': `203.0.113.${at % 250}`, 'x-real-ip': `203.0.113.${at % 250}` };
      return postToken(tokenForm(audience, `${at}.b.c`), { ...address, ...claimed, 'user-agent': `${at}` });
    });
    await expectRefusal(audit, answer, 429, 'slow_down', 'too_many_failures');
    expect((await postToken(tokenForm(cluster.audience, await cluster.token()), address)).status).toBe(200);
  });

  it('whoever has a whole IPv6 network, which is everybody there, has one share with all of it', async () => {
    const from = (address: string): Promise<Answer> =>
      postToken(tokenForm(cluster.audience, 'a.b.c'), { 'cf-connecting-ip': address });
    const answer = await untilSlowedDown(TWO_WINDOWS, (at) => from(`2001:db8:1:2:${at.toString(16)}::1`));
    await expectRefusal(audit, answer, 429, 'slow_down', 'too_many_failures');
    expect((await from('2001:db8:1:3::1')).status).toBe(400);
  });
});
