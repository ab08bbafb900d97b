/** The Big List of Naughty Strings wherever a token or a request holds a text (SECURITY.md §1.2): never a fault of ours, never somebody else. */
import { beforeAll, describe, expect, it, vi } from 'vitest';
import {
  addCluster,
  addRole,
  addTarget,
  type Answer,
  captureAudit,
  claimsOf,
  type Cluster,
  createProject,
  member,
  postToken,
  setPolicy,
  type TestProject,
  type TestTarget,
  tokenForm,
} from '../support/broker.ts';
import { naughtyStrings } from '../support/vectors.ts';
import { addOidc, claimsFor, type Oidc, REFUSAL } from './hostile-support.ts';

const STRINGS = naughtyStrings();
const TIMEOUT_MS = 120_000;
/** What turns the reading direction, breaks a line, or is not seen. */
const INVISIBLE = /[\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;

const audit = captureAudit();
let project: TestProject;
let cluster: Cluster;
let ci: Oidc;
let target: TestTarget;

beforeAll(async () => {
  project = await createProject();
  cluster = await addCluster(project);
  ci = await addOidc(project, { 'google.subject': 'assertion.sub' });
  target = await addTarget(project);
  const role = await addRole(project);
  await setPolicy(target.path, [{ role, members: [member(project, ci.pool, 'subject/the-one')] }]);
});

/** Runs all, and says which were answered otherwise. */
async function each(judge: (text: string) => Promise<string | undefined>): Promise<void> {
  const wrong: string[] = [];
  for (const [at, text] of STRINGS.entries()) {
    const fault = await judge(text);
    if (fault !== undefined) wrong.push(`number ${at}: ${encodeURIComponent(fault).slice(0, 200)}`);
  }
  expect(wrong).toEqual([]);
}

let address = 0;
/** Another network each time: whoever fails so often is slowed down, and that is another test's matter. */
function from(): Record<string, string> {
  address += 1;
  return { 'cf-connecting-ip': `2001:db8:${address.toString(16)}::1` };
}

const show = async (claims: object, header: Readonly<Record<string, unknown>> = {}): Promise<Answer> =>
  postToken(tokenForm(cluster.audience, await cluster.issuer.sign(claims, header)), from());

const unless = (isRight: boolean, { status, text }: Answer): string | undefined =>
  isRight ? undefined : `${status} ${text}`;

it('all are here', () => {
  expect(STRINGS).toHaveLength(485);
  expect(new Set(STRINGS).size).toBeGreaterThan(450);
  expect(STRINGS).toContain('1;DROP TABLE users');
});

describe('a naughty string', () => {
  it(
    'as key id is nobody’s',
    () =>
      each(async (kid) => {
        const answer = await show(claimsFor(cluster), { kid });
        const { check } = await audit.lineFor(answer);
        return unless(answer.text === REFUSAL && ['unknown_kid', 'header_kid'].includes(String(check)), answer);
      }),
    TIMEOUT_MS,
  );

  it(
    'as a namespace is one only where Kubernetes could have made it',
    () =>
      each(async (namespace) => {
        const kubernetes = { namespace, serviceaccount: { name: 'checkout', uid: 'u' } };
        const claims = claimsFor(cluster, {
          'kubernetes.io': kubernetes,
          sub: `system:serviceaccount:${namespace}:checkout`,
        });
        const answer = await show(claims);
        if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(namespace)) return unless(answer.text === REFUSAL, answer);
        return unless(answer.status === 200 && claimsOf(answer)['sub'] === `ns/${namespace}/sa/checkout`, answer);
      }),
    TIMEOUT_MS,
  );

  it(
    'as a subject is itself or nobody, and never the one that is bound',
    () =>
      each(async (sub) => {
        const bound = await ci.exchange({ sub }, target.uri, {}, from());
        if (bound.status !== 400) return unless(false, bound);
        const free = await ci.exchange({ sub }, undefined, {}, from());
        if (free.status === 200) return unless(claimsOf(free)['sub'] === sub, free);
        const isLong = new TextEncoder().encode(sub).length > 127;
        const error = isLong ? 'invalid_request' : 'unauthorized_client';
        return unless(free.status === 400 && free.body['error'] === error, free);
      }),
    TIMEOUT_MS,
  );

  it(
    'as a claim and as its name changes nothing',
    () =>
      each(async (text) => {
        const named = Object.fromEntries([[`x-${text}`, text]]);
        const answer = await show(claimsFor(cluster, named));
        return unless(answer.status === 200 && claimsOf(answer)['sub'] === 'ns/shop/sa/checkout', answer);
      }),
    TIMEOUT_MS,
  );

  it(
    'as a parameter is refused as what it is, and every audit line is one printable line',
    async () => {
      const before = audit.all().length;
      await each(async (text) => {
        const token = await cluster.token();
        const answers = [
          await postToken(tokenForm(`//iam.googleapis.com/${text}`, token), from()),
          await postToken(tokenForm(cluster.audience, token, { resource: `x${text}` }), from()),
          await postToken(tokenForm(cluster.audience, `x${text}`), from()),
        ];
        return answers.map((answer) => unless(answer.status === 400, answer)).find((fault) => fault !== undefined);
      });
      await vi.waitFor(() => expect(audit.all().length - before).toBeGreaterThanOrEqual(3 * STRINGS.length));
      expect(
        audit.all().filter((line) => !/^[\u0020-\u007e\u00a0-\uffff]+$/.test(line) || INVISIBLE.test(line)),
      ).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it('the control: the one that is bound gets in', async () => {
    expect((await ci.exchange({ sub: 'the-one' }, target.uri)).status).toBe(200);
  });
});
