/** Lint over REST: warnings come with the answer of a write, are no part of the policy, and a shared issuer needs its tenant. */
import { describe, expect, it } from 'vitest';
import { EC_KEY, jwks } from '../../support/admin-samples.ts';
import { badFields, withDemo } from '../../support/admin-rest.ts';

const PROJECT = '/v1/projects/demo';
const POOLS = `${PROJECT}/locations/global/workloadIdentityPools`;
const NOBODY =
  'principal://iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools/none-such/subject/a';
const policy = {
  version: 3,
  bindings: [
    { role: 'roles/owner', members: ['user:a@example.com'] },
    {
      role: 'roles/sts.targetViewer',
      members: [NOBODY],
      condition: { title: 'past', expression: 'request.time <\n timestamp("2020-01-01T00:00:00Z")' },
    },
  ],
};
const WARNINGS = [
  'bindings[1].members[0]: this matches nobody: the pool none-such does not exist',
  'bindings[1].condition.expression: line 1, column 1: this is false now and ever after',
];

describe('setIamPolicy', () => {
  it('answers with warnings, which are no part of the policy', async () => {
    const rest = await withDemo();
    const set = await rest.call('POST', `${PROJECT}:setIamPolicy`, { policy });
    expect(set).toMatchObject({ status: 200, body: { ...policy, warnings: WARNINGS } });
    const read = await rest.call('POST', `${PROJECT}:getIamPolicy`, { options: { requestedPolicyVersion: 3 } });
    const { warnings: _told, ...kept } = set.body;
    expect(read.body).toEqual(kept);
  });

  it('ignores warnings that are sent back, and gives them anew', async () => {
    const rest = await withDemo();
    const first = await rest.call('POST', `${PROJECT}:setIamPolicy`, { policy });
    const again = await rest.call('POST', `${PROJECT}:setIamPolicy`, { policy: first.body });
    expect(again).toMatchObject({ status: 200, body: { warnings: WARNINGS } });
    const clean = { ...again.body, bindings: policy.bindings.slice(0, 1), warnings: 'anything' };
    const mended = await rest.call('POST', `${PROJECT}:setIamPolicy`, { policy: clean });
    expect(mended.status).toBe(200);
    expect(mended.body).not.toHaveProperty('warnings');
  });

  it('has no warnings member in a condition or a binding', async () => {
    const rest = await withDemo();
    const bindings = [{ ...policy.bindings[0], warnings: [] }];
    expect(badFields(await rest.call('POST', `${PROJECT}:setIamPolicy`, { policy: { bindings } }))).toEqual([
      'policy.bindings[0].warnings',
    ]);
  });
});

describe('a provider of a shared issuer', () => {
  const github = (attributeCondition: string) => ({
    oidc: { issuerUri: 'https://token.actions.githubusercontent.com', jwksJson: jwks(EC_KEY) },
    attributeMapping: { 'google.subject': 'assertion.sub' },
    attributeCondition,
  });
  const path = `${POOLS}/ci-jobs/providers?workloadIdentityPoolProviderId=github`;

  it('is refused without its tenant, on create and on patch', async () => {
    const rest = await withDemo();
    await rest.call('POST', `${POOLS}?workloadIdentityPoolId=ci-jobs`, {});
    const refused = await rest.call('POST', path, github('has(assertion.repository_owner)'));
    expect(refused).toMatchObject({
      status: 400,
      body: {
        error: {
          status: 'INVALID_ARGUMENT',
          details: [
            {
              fieldViolations: [
                {
                  field: 'attributeCondition',
                  description: expect.stringMatching(
                    /^The attribute condition must reference one of the provider's claims/,
                  ),
                },
              ],
            },
          ],
        },
      },
    });
    expect((await rest.call('POST', path, github('assertion.repository_owner_id == "1"'))).status).toBe(200);
    const patch = `${POOLS}/ci-jobs/providers/github?updateMask=attributeCondition`;
    expect(badFields(await rest.call('PATCH', patch, { attributeCondition: '' }))).toEqual(['attributeCondition']);
  });

  it('is warned of in the operation where only names hold it', async () => {
    const rest = await withDemo();
    await rest.call('POST', `${POOLS}?workloadIdentityPoolId=ci-jobs`, {});
    const made = await rest.call('POST', path, github('assertion.repository_owner == "acme"'));
    expect(made.body).toMatchObject({
      metadata: { warnings: [expect.stringMatching(/^attributeCondition: repository_owner can be registered again/)] },
    });
  });
});
