/** Tokens that two parsers read two ways (SECURITY.md §1.3): members twice, however spelled and however deep, and too many of them. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addCluster,
  call,
  captureAudit,
  claimsOf,
  type Cluster,
  createProject,
  exchange,
  tokenForm,
} from '../support/broker.ts';
import { claimsFor, expectUnverified, headerFor } from './hostile-support.ts';

const audit = captureAudit();
let cluster: Cluster;

beforeAll(async () => {
  cluster = await addCluster(await createProject());
});

/** Put before the first member: the last one, which most parsers believe, is the right one. */
function doubled(document: object, before: string): string {
  const text = JSON.stringify(document).replace('{', `{${before},`);
  // The control: to a parser that takes the last it is the document as it was.
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(document)));
  return text;
}

describe('a member that stands twice', () => {
  it.each([
    ['alg', '"alg":"none"'],
    ['alg, once escaped', '"\\u0061lg":"none"'],
    ['kid', '"kid":"another"'],
  ])('in the header: %s', async (_what, before) => {
    const head = doubled(headerFor(cluster), before);
    const token = await cluster.issuer.signText(head, JSON.stringify(claimsFor(cluster)));
    await expectUnverified(audit, await exchange(cluster, undefined, token), 'header_json');
  });

  it.each([
    ['iss', '"iss":"https://evil.example"'],
    ['aud', '"aud":"https://kubernetes.default.svc"'],
    ['sub', '"sub":"system:serviceaccount:kube-system:admin"'],
    ['sub, once escaped', '"\\u0073ub":"system:serviceaccount:kube-system:admin"'],
    ['sub, all of it escaped', '"\\u0073\\u0075\\u0062":"system:serviceaccount:kube-system:admin"'],
    ['exp', '"exp":1'],
    ['the same value again', '"nbf":1,"nbf":1'],
    ['jti', '"jti":"used-before"'],
    ['kubernetes.io', '"kubernetes.io":{"namespace":"kube-system"}'],
    ['kubernetes.io, once escaped', '"kubernetes\\u002eio":{"namespace":"kube-system"}'],
  ])('in the payload: %s', async (_what, before) => {
    const token = await cluster.issuer.signText(
      JSON.stringify(headerFor(cluster)),
      doubled(claimsFor(cluster), before),
    );
    await expectUnverified(audit, await exchange(cluster, undefined, token), 'payload_json');
  });

  it.each([
    ['the namespace', '"namespace":"shop"', '"namespace":"kube-system","namespace":"shop"'],
    ['the uid', '"uid":"', '"uid":"another","uid":"'],
    ['the name, once escaped', '"name":"checkout"', '"n\\u0061me":"admin","name":"checkout"'],
    ['what we do not even read', '"namespace":"shop"', '"x":[{"a":{"b":1,"b":2}}],"namespace":"shop"'],
  ])('inside kubernetes.io: %s', async (_what, one, two) => {
    const good = JSON.stringify(claimsFor(cluster));
    const twice = good.replace(one, two);
    expect(twice).not.toBe(good);
    const token = await cluster.issuer.signText(JSON.stringify(headerFor(cluster)), twice);
    await expectUnverified(audit, await exchange(cluster, undefined, token), 'payload_json');
  });

  it('in two objects is not twice', async () => {
    const claims = claimsFor(cluster, { a: { sub: 1 }, b: { sub: 2 }, c: [{ sub: 3 }, { sub: 4 }] });
    const answer = await exchange(cluster, undefined, await cluster.issuer.sign(claims));
    expect(answer.status, answer.text).toBe(200);
  });
});

describe('very many members', () => {
  const many = (count: number): Record<string, number> =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 0]));

  it('in a token of 16 KiB are claims that nobody reads', async () => {
    const answer = await exchange(cluster, undefined, await cluster.issuer.sign(claimsFor(cluster, many(1_200))));
    expect(answer.status, answer.text).toBe(200);
    expect(claimsOf(answer)['sub']).toBe('ns/shop/sa/checkout');
  });

  it('of which one stands twice are refused, wherever it is', async () => {
    const text = JSON.stringify(claimsFor(cluster, many(1_200)));
    for (const again of ['"k0":0', '"k600":0', '"k1199":0']) {
      const token = await cluster.issuer.signText(JSON.stringify(headerFor(cluster)), `${text.slice(0, -1)},${again}}`);
      await expectUnverified(audit, await exchange(cluster, undefined, token), 'payload_json');
    }
  });

  it('10,000 of them are no token at all, and in a request as JSON just over its size', async () => {
    const token = await cluster.issuer.sign(claimsFor(cluster, many(10_000)));
    expect((await exchange(cluster, undefined, token)).status).toBe(413);
    const form = Object.fromEntries(tokenForm(cluster.audience, await cluster.token()));
    const send = async (count: number) =>
      call('/v1/token', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...form, ...many(count) }),
      });
    expect((await send(10_000)).status).toBe(413);
    expect((await send(6_000)).status).toBe(200);
  });
});
