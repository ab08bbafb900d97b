/** What the tests of hostile tokens share: signing anything with a key that is trusted, and the one refusal that all of them get. */
import { importJWK, type JWK, jwtVerify } from 'jose';
import { expect } from 'vitest';
import {
  type Answer,
  type AuditLine,
  type Cluster,
  must,
  postToken,
  type TestProject,
  tokenForm,
} from '../support/broker.ts';
import { base64Url, createIssuer, type Issuer, workloadClaims } from '../support/issuer.ts';

/** Claims that hold, but for what the test changes. */
export const claimsFor = (cluster: Cluster, more: object = {}): Record<string, unknown> => ({
  ...workloadClaims({ issuerUri: cluster.issuerUri, audience: `https:${cluster.audience}` }),
  ...more,
});

export const headerFor = (cluster: Cluster, more: object = {}): object => ({
  alg: cluster.issuer.alg,
  kid: cluster.issuer.kid,
  ...more,
});

/** What is signed: a header and claims, without a signature yet. */
export const inputFor = (cluster: Cluster, head: object = headerFor(cluster)): string =>
  `${base64Url(JSON.stringify(head))}.${base64Url(JSON.stringify(claimsFor(cluster)))}`;

/** All refusals of a token read the same: whoever probes learns nothing from them. */
export const REFUSAL = '{"error":"invalid_grant","error_description":"The subject token could not be verified."}';

/** Refused in the words of all refusals, and for this reason: the operator reads which rule it was. */
export async function expectUnverified(
  audit: { lineFor(answer: Answer): Promise<AuditLine> },
  answer: Answer,
  check: string,
  text: unknown = REFUSAL,
): Promise<void> {
  const expected: unknown = text instanceof RegExp ? expect.stringMatching(text) : text;
  expect({ status: answer.status, text: answer.text }).toEqual({ status: 400, text: expected });
  expect(answer.body['error']).toBe('invalid_grant');
  expect(await audit.lineFor(answer)).toMatchObject({ outcome: 'refused', reason: 'unverified', check });
}

/** What a careful caller of a good library has: the algorithm pinned, issuer and audience set, and the right key. */
export async function joseAccepts(cluster: Cluster, token: string): Promise<boolean> {
  const { publicJwk, alg } = cluster.issuer;
  const options = { algorithms: [alg], issuer: cluster.issuerUri, audience: `https:${cluster.audience}` };
  return jwtVerify(token, await importJWK(publicJwk as JWK, alg), options).then(
    () => true,
    () => false,
  );
}

export interface Oidc {
  readonly pool: string;
  exchange(
    more: object,
    resource?: string,
    head?: Readonly<Record<string, unknown>>,
    headers?: Record<string, string>,
  ): Promise<Answer>;
}

export async function addOidc(
  project: TestProject,
  attributeMapping: Readonly<Record<string, string>>,
  attributeCondition = '',
): Promise<Oidc> {
  const issuer: Issuer = await createIssuer('RS256');
  const id = crypto.randomUUID().slice(0, 8);
  const [pool, providerId, issuerUri] = [`pool-${id}`, `ci-${id}`, `https://ci-${id}.example.com`];
  const pools = `/v1/projects/${project.number}/locations/global/workloadIdentityPools`;
  await must('POST', `${pools}?workloadIdentityPoolId=${pool}`, {});
  await must('POST', `${pools}/${pool}/providers?workloadIdentityPoolProviderId=${providerId}`, {
    oidc: { issuerUri, jwksJson: issuer.jwksJson },
    attributeMapping,
    ...(attributeCondition === '' ? {} : { attributeCondition }),
  });
  const audience = `//iam.googleapis.com/projects/${project.number}/locations/global/workloadIdentityPools/${pool}/providers/${providerId}`;
  return {
    pool,
    exchange: async (more, resource, head = {}, headers = {}) => {
      const now = Math.floor(Date.now() / 1_000);
      const own = { iss: issuerUri, aud: audience, iat: now, nbf: now, exp: now + 300, sub: 'x', ...more };
      return postToken(tokenForm(audience, await issuer.sign(own, head), { resource }), headers);
    },
  };
}
