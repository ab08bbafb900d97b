/** What exchanges keep of those before them: made anew for whoever is another, and gone with the configuration that it was made from. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAssertion } from '../../src/core/assertion.ts';
import { standingOnTarget } from '../../src/core/iam.ts';
import { createPolicyCompiler } from '../../src/core/policy/cache.ts';
import { memberTexts, type Principal } from '../../src/core/principal.ts';
import { POLICY_NOW, policyPrincipal, policyWorld } from '../support/policy-world.ts';

const base64Url = (text: string): string => Buffer.from(text).toString('base64url');

/** From few pieces, so that principals which are nearly the same come one after the other, quotes and separators among them. */
const piece = fc.constantFrom('a', 'b', 'a/b', 'a,b', '","', '"', '\\', ' ', 'ä');
const principal: fc.Arbitrary<Principal> = fc.record(
  {
    provider: fc.record({
      projectNumber: fc.constantFrom('1', '2'),
      poolId: fc.constantFrom('p', 'q', 'demo.svc.id.goog'),
      providerId: piece,
    }),
    subject: piece,
    groups: fc.array(piece, { maxLength: 2 }),
    attributes: fc.dictionary(fc.constantFrom('x', 'y'), piece),
    claims: fc.constant({}),
    kubernetes: fc.record({
      namespace: piece,
      serviceAccount: fc.record({ name: piece, uid: piece }),
      cluster: piece,
    }),
  },
  { requiredKeys: ['provider', 'subject', 'groups', 'attributes', 'claims'] },
);

/** WIRE.md B.6, spelt out. */
function expectedTexts({ provider, subject, groups, attributes, kubernetes }: Principal): readonly string[] {
  const { projectNumber, poolId } = provider;
  const pool = `//iam.googleapis.com/projects/${projectNumber}/locations/global/workloadIdentityPools/${poolId}`;
  const texts = [`principal:${pool}/subject/${subject}`, `principalSet:${pool}/*`];
  texts.push(...groups.map((group) => `principalSet:${pool}/group/${group}`));
  texts.push(...Object.entries(attributes).map(([name, value]) => `principalSet:${pool}/attribute.${name}/${value}`));
  if (kubernetes === undefined) return texts;
  const { namespace, serviceAccount, cluster } = kubernetes;
  texts.push(
    `principal:${pool}/kubernetes.serviceaccount.uid/${serviceAccount.uid}`,
    `principalSet:${pool}/namespace/${namespace}`,
    `principalSet:${pool}/kubernetes.cluster/${cluster}`,
  );
  if (poolId.endsWith('.svc.id.goog')) texts.push(`serviceAccount:${poolId}[${namespace}/${serviceAccount.name}]`);
  return texts;
}

test('nobody is given the member texts of another, however alike the two are', () => {
  fc.assert(
    fc.property(fc.array(principal, { maxLength: 30 }), (principals) => {
      for (const one of principals) {
        expect([...memberTexts(one)].toSorted()).toEqual([...new Set(expectedTexts(one))].toSorted());
      }
    }),
    { numRuns: 500 },
  );
});

const MEMBER = [...memberTexts(policyPrincipal)][0] ?? '';
const ROLE = 'projects/demo/roles/reader';
const compiler = createPolicyCompiler(100);

function rolesIn({ project, target }: Pick<ReturnType<typeof policyWorld>, 'project' | 'target'>): readonly string[] {
  const { held } = standingOnTarget(policyPrincipal, project, target, compiler, POLICY_NOW, 3_600);
  return held.map(({ role }) => role);
}

test('who was named before and is not any more holds nothing: by the target, by the project, by the role', () => {
  const before = policyWorld({ bindings: [{ role: ROLE, members: [MEMBER] }], roleIds: ['reader'] });
  const without = policyWorld({ bindings: [], roleIds: ['reader'] });
  const closed = policyWorld({ bindings: [{ role: ROLE, members: [MEMBER] }], roleIds: [] });
  for (let time = 0; time < 3; time += 1) {
    expect(rolesIn(before)).toEqual([ROLE]);
    expect(rolesIn({ project: before.project, target: without.target })).toEqual([]);
    expect(rolesIn({ project: closed.project, target: before.target })).toEqual([]);
    const denyRules = [
      {
        shown: 'rule',
        deniedPrincipals: [MEMBER],
        exceptionPrincipals: [],
        deniesExchange: true,
        deniedRoleIds: [],
      },
    ];
    expect(rolesIn({ project: { ...before.project, denyRules }, target: before.target })).toEqual([]);
  }
});

test('a header that was refused once is refused each time, and one that was taken says nothing of the claims beside it', () => {
  const token = (header: object, claims: string): string =>
    [JSON.stringify(header), claims, 'signature'].map(base64Url).join('.');
  const good = { alg: 'RS256', kid: 'k' };
  for (let time = 0; time < 3; time += 1) {
    expect(parseAssertion(token({ ...good, jwk: {} }, '{}'))).toMatchObject({ error: { check: 'header_member' } });
    expect(parseAssertion(token(good, '{"sub":"a"}'))).toMatchObject({
      value: { header: good, claims: { sub: 'a' } },
    });
    expect(parseAssertion(token(good, '{"sub":"a","sub":"b"}'))).toMatchObject({ error: { check: 'payload_json' } });
  }
});
