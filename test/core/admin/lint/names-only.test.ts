/** Names at shared issuers that somebody else may register again. */
import { describe, expect, it } from 'vitest';
import { namesOnly } from '../../../../src/core/admin/lint/names-only.ts';
import { EC_KEY, jwks } from '../../../support/admin-samples.ts';
import { furnished } from './support.ts';

const provider = (attributeCondition: string, attributes: Record<string, string> = {}) => ({
  issuerUri: 'https://token.actions.githubusercontent.com',
  attributeMapping: { 'google.subject': 'assertion.sub', ...attributes },
  attributeCondition,
});

describe('a name without its number is told', () => {
  it.each([
    ['assertion.repository_owner == "acme"', {}, ['attributeCondition: repository_owner can']],
    [
      'assertion.repository_owner == "acme" && assertion.repository == "acme/app"',
      {},
      ['attributeCondition: repository_owner and repository can'],
    ],
    [
      'attribute.owner == "acme"',
      { 'attribute.owner': 'assertion.repository_owner' },
      ['attributeCondition: repository_owner can', 'attributeMapping.attribute.owner: repository_owner can'],
    ],
    [
      'assertion.sub.startsWith("repo:acme/")',
      { 'attribute.repo': 'assertion["repository"]' },
      ['attributeMapping.attribute.repo: repository can'],
    ],
  ])('%s with %j', (condition, attributes, beginnings) => {
    expect(namesOnly(provider(condition, attributes))).toEqual(
      beginnings.map((beginning) =>
        expect.stringMatching(new RegExp(`^${beginning.replaceAll('.', '\\.')} be registered`)),
      ),
    );
  });
});

describe('a number beside the name is enough', () => {
  it.each([
    ['assertion.repository_owner_id == "1"', {}],
    ['assertion.repository_owner == "acme" && assertion.repository_owner_id == "1"', {}],
    ['assertion.repository_owner_id == "1"', { 'attribute.repo': 'assertion.repository' }],
    ['attribute.owner == "1"', { 'attribute.owner': 'assertion.repository_owner_id' }],
    ['assertion.sub == "a"', { 'attribute.repo': 'assertion.repository + "#" + assertion.repository_id' }],
    ['assertion.sub == "a"', {}],
  ])('%s with %j', (condition, attributes) => {
    expect(namesOnly(provider(condition, attributes))).toEqual([]);
  });

  it('and elsewhere a repository is just a word', () => {
    expect(namesOnly({ ...provider('assertion.repository == "a"'), issuerUri: 'https://ci.example.com' })).toEqual([]);
  });
});

it('comes with the operation', () => {
  const { issuerUri, ...rest } = provider('assertion.repository_owner == "acme"');
  const { answer } = furnished().do({
    type: 'provider.create',
    poolId: 'ci-jobs',
    providerId: 'github',
    input: { ...rest, oidc: { issuerUri, jwksJson: jwks(EC_KEY) } },
  });
  expect(answer).toMatchObject({ warnings: [expect.stringContaining('repository_owner_id')] });
});
