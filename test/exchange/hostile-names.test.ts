/** Key ids, issuers, audiences and names that pass for others (SECURITY.md §1.3, LESSONS.md §6). */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addCluster,
  addRole,
  addTarget,
  call,
  captureAudit,
  claimsOf,
  type Cluster,
  createProject,
  exchange,
  member,
  ORIGIN,
  setPolicy,
  type TestProject,
} from '../support/broker.ts';
import { createIssuer } from '../support/issuer.ts';
import { addOidc, claimsFor, expectUnverified } from './hostile-support.ts';

const audit = captureAudit();
let project: TestProject;
let ec: Cluster;
let rsa: Cluster;

beforeAll(async () => {
  project = await createProject();
  ec = await addCluster(project);
  rsa = await addCluster(project, { issuer: await createIssuer('RS256') });
});

describe('the key id', () => {
  it.each(['__proto__', 'constructor', 'toString', '0', '../keys', "' OR 1=1 --", '\u0000', 'ｋid', '*', 'kid\u202e'])(
    '%j is nobody’s',
    async (kid) => {
      await expectUnverified(
        audit,
        await exchange(ec, undefined, await ec.issuer.sign(claimsFor(ec), { kid })),
        'unknown_kid',
      );
    },
  );

  it.each([[7], [null], [{}], [['k']], [true], [''], ['k'.repeat(257)], [undefined]])('%j is none', async (kid) => {
    await expectUnverified(
      audit,
      await exchange(ec, undefined, await ec.issuer.sign(claimsFor(ec), { kid })),
      'header_kid',
    );
  });

  it('of 100 kB does not even get that far', async () => {
    const answer = await exchange(ec, undefined, await ec.issuer.sign(claimsFor(ec), { kid: 'k'.repeat(100_000) }));
    expect(answer.status).toBe(413);
  });

  it('of another provider, with its key, in the same pool and in another project: each set is its provider’s own', async () => {
    const other = await addCluster(project);
    await expectUnverified(audit, await exchange(ec, undefined, await other.issuer.sign(claimsFor(ec))), 'unknown_kid');
    const stranger = await addCluster(await createProject());
    await expectUnverified(
      audit,
      await exchange(ec, undefined, await stranger.issuer.sign(claimsFor(ec))),
      'unknown_kid',
    );
    await expectUnverified(audit, await exchange(stranger, undefined, await ec.token()), 'unknown_kid');
  });
});

describe('a key id that several providers have', () => {
  it('is each one’s own: no token of any of them passes at another, whatever the keys are', async () => {
    const kid = `shared-${crypto.randomUUID()}`;
    const issuers = [
      await createIssuer('ES256', kid),
      await createIssuer('ES256', kid),
      await createIssuer('RS256', kid),
    ];
    const clusters: Cluster[] = [];
    for (const issuer of issuers) clusters.push(await addCluster(project, { issuer }));
    for (const at of clusters) {
      for (const by of clusters) {
        const answer = await exchange(at, undefined, await by.issuer.sign(claimsFor(at)));
        if (at === by) expect(answer.status, answer.text).toBe(200);
        else if (at.issuer.alg === by.issuer.alg) await expectUnverified(audit, answer, 'signature');
        else await expectUnverified(audit, answer, 'key_alg_mismatch');
      }
    }
  });
});

describe('the issuer', () => {
  it.each([
    (uri: string) => uri.toUpperCase(),
    (uri: string) => `${uri}%2f`,
    (uri: string) => `${uri}#`,
    (uri: string) => `${uri}?`,
    (uri: string) => ` ${uri}`,
    (uri: string) => `${uri}\u0000`,
    (uri: string) => uri.replace('.', '．'),
    (uri: string) => uri.replace('https', 'http'),
    (uri: string) => uri.replace('kubernetes', 'kubern\u0435tes'),
    (uri: string) => ({ toString: uri }),
    () => null,
    () => undefined,
    () => '',
  ])('respelled: %s', async (respell) => {
    const token = await ec.issuer.sign(claimsFor(ec, { iss: respell(ec.issuerUri) }));
    await expectUnverified(audit, await exchange(ec, undefined, token), 'issuer');
  });

  it('in our own name, with a token that we made: nobody registered us', async () => {
    const target = await addTarget(project, { tokenType: 'JWT' });
    const role = await addRole(project);
    await setPolicy(target.path, [{ role, members: [member(project, ec.pool, '*', 'principalSet')] }]);
    const own = await exchange(ec, target.uri);
    expect(own.status, own.text).toBe(200);
    await expectUnverified(audit, await exchange(ec, undefined, String(own.body['access_token'])), 'unknown_kid');
  });
});

it('our own published keys, registered for somebody else, do not let our tokens in', async () => {
  const pools = `/${project.number}/${project.builtInPool}`;
  const jwks = await call(`${pools}/jwks`);
  const stranger = await addCluster(project, { issuer: { ...ec.issuer, jwksJson: jwks.text } });
  // A target that spells the provider's audience, so that nothing but the issuer is left to refuse it.
  const target = await addTarget(project, { uri: `https:${stranger.audience}`, tokenType: 'JWT' });
  const role = await addRole(project);
  await setPolicy(target.path, [{ role, members: [member(project, ec.pool, '*', 'principalSet')] }]);
  const own = await exchange(ec, `https:${stranger.audience}`);
  expect(own.status, own.text).toBe(200);
  expect(claimsOf(own)['aud']).toBe(`https:${stranger.audience}`);
  await expectUnverified(audit, await exchange(stranger, undefined, String(own.body['access_token'])), 'issuer');
});

describe('the audience', () => {
  it.each([
    () => ({ 0: `https:${ec.audience}`, length: 1 }),
    () => [[`https:${ec.audience}`]],
    () => [`https:${ec.audience}`, `https:${ec.audience}`],
    () => [`https:${ec.audience}`, null],
    () => `https:${ec.audience} https://other.example`,
    () => `https:${ec.audience}\u0000`,
    () => `https:${ec.audience}:pushKeys`,
    () => `https:${ec.audience}`.replace(project.number, project.id),
    () => `https:${ec.audience}`.replace(project.number, '100000000001'),
    () => `https:${rsa.audience}`,
    () => ORIGIN,
    () => 0,
  ])('%s is not this provider', async (aud) => {
    const answer = await exchange(ec, undefined, await ec.issuer.sign(claimsFor(ec, { aud: aud() })));
    expect(answer.status).toBe(400);
    expect(await audit.lineFor(answer)).toMatchObject({ reason: 'unverified', check: 'audience' });
  });
});

describe('names that look alike', () => {
  it.each([
    'sh\u043ep',
    'shop\u0301',
    'shop\u200b',
    'sho\u0440',
    'shop\u0000',
    'shop\u202e',
    'SHOP',
    ' shop',
    'shop\n',
    'ｓhop',
  ])('a namespace of %j is no namespace', async (namespace) => {
    const kubernetes = { namespace, serviceaccount: { name: 'checkout', uid: 'u' } };
    const sub = `system:serviceaccount:${namespace}:checkout`;
    const answer = await exchange(
      ec,
      undefined,
      await ec.issuer.sign(claimsFor(ec, { 'kubernetes.io': kubernetes, sub })),
    );
    await expectUnverified(audit, answer, 'kubernetes_claims');
  });

  it('composed and decomposed are two subjects, and so are letters of two alphabets; only the one that is bound gets in', async () => {
    const ci = await addOidc(project, { 'google.subject': 'assertion.sub' });
    const [target, role] = [await addTarget(project), await addRole(project)];
    await setPolicy(target.path, [{ role, members: [member(project, ci.pool, 'subject/caf\u00e9')] }]);
    expect((await ci.exchange({ sub: 'caf\u00e9' }, target.uri)).status).toBe(200);
    for (const sub of ['cafe\u0301', 'c\u0430f\u00e9', 'CAF\u00c9', 'caf\u00e9 ', 'caf\u00e9\u200b', 'caf%C3%A9']) {
      expect([sub, (await ci.exchange({ sub }, target.uri)).body['error']]).toEqual([sub, 'invalid_target']);
    }
  });

  it('control characters make no subject, and what turns the reading direction reaches no terminal', async () => {
    const ci = await addOidc(project, { 'google.subject': 'assertion.sub' });
    for (const sub of ['a\u0000b', 'a\nb', 'a\u0085b', 'a\u001b[2Jb']) {
      expect([sub, (await ci.exchange({ sub })).body['error']]).toEqual([sub, 'unauthorized_client']);
    }
    const answer = await ci.exchange({ sub: 'admin\u202egpj.exe\u2066' });
    const id = answer.headers.get('x-request-id') ?? '';
    expect(await audit.lineFor(answer)).toHaveProperty('outcome');
    const line = audit.all().find((one) => one.includes(id)) ?? '';
    expect(line).toMatch(/^[\u0020-\u007e]+$/);
  });
});
