/** Issuers of many tenants: which conditions hold them to one, and which only look so. */
import { describe, expect, it } from 'vitest';
import { compileCondition, evaluateCondition } from '../../../../src/core/policy/condition.ts';
import { jwks, EC_KEY } from '../../../support/admin-samples.ts';
import { fieldsOf, sentencesOf } from '../../../support/administer.ts';
import { furnished } from './support.ts';

const GITHUB = 'https://token.actions.githubusercontent.com';
const MAPPING = {
  'google.subject': 'assertion.sub',
  'attribute.owner': 'assertion.repository_owner',
  'attribute.branch': 'assertion.ref',
  'attribute.tail': 'assertion.repository.split("/")[1]',
};

const create = (attributeCondition: string, issuerUri = GITHUB) =>
  ({
    type: 'provider.create',
    poolId: 'ci-jobs',
    providerId: 'shared-ci',
    input: { oidc: { issuerUri, jwksJson: jwks(EC_KEY) }, attributeMapping: MAPPING, attributeCondition },
  }) as const;

describe('a condition that lets strangers in is refused', () => {
  it.each([
    '',
    'true',
    'assertion.ref == "refs/heads/main"',
    'attribute.branch == "refs/heads/main"',
    'has(assertion.sub)',
    'has(assertion.repository_owner) && assertion.ref == "refs/heads/main"',
    '(has(assertion.repository_owner) ? "yes" : "no") == "yes"',
    '(has(assertion.repository_owner.name) ? "yes" : "no") == "yes"',
    'assertion.sub == assertion.sub',
    'assertion.repository_owner == assertion.actor',
    'assertion.repository_owner != "evil"',
    '!(assertion.repository_owner == "evil")',
    'assertion.repository_owner == "acme" || true',
    'assertion.repository_owner == "acme" || assertion.ref == "refs/heads/main"',
    'assertion.ref == "refs/heads/main" ? true : assertion.repository_owner == "acme"',
    'size(assertion.sub) > 0',
    'assertion.sub.startsWith("")',
    '"acme" in assertion',
    'assertion["ref"] == "repository_owner"',
    'attribute.unmapped == "acme"',
  ])('%s', (attributeCondition) => {
    const denial = furnished().refuse(create(attributeCondition));
    expect(fieldsOf(denial)).toEqual(['attributeCondition']);
    expect(sentencesOf(denial)).toMatch(
      /: The attribute condition must reference one of the provider's claims .*repository_owner_id.*\.$/,
    );
  });
});

/** Of github.com, with the names and the branch that everybody may choose. */
const STRANGER = {
  sub: 'repo:evil/x:ref:refs/heads/main',
  repository_owner_id: '666',
  repository_owner: 'acme-evil',
  repository: 'evil/x',
  repository_id: '7',
  ref: 'refs/heads/main',
  job_workflow_ref: 'evil/x/.github/workflows/a.yml@refs/heads/main',
};

describe('a condition that a stranger passes is refused, whatever it compares', () => {
  it.each([
    // What an honest author may write.
    `assertion.sub.endsWith(':ref:refs/heads/main')`,
    `assertion.sub.contains(':ref:refs/heads/main')`,
    `assertion.sub.startsWith('repo:')`,
    `google.subject.startsWith('repo:e')`,
    `assertion.repository_owner.startsWith('acme')`,
    `assertion.repository_owner_id.matches('^6')`,
    `assertion.sub.matches('.*')`,
    `assertion.sub.matches('^repo:acme/a|main$')`,
    `assertion.sub.matches('^repo:acme/(a|b)|main$')`,
    `assertion.sub.matches('^repo:acme/[(]|main|[)]')`,
    `assertion.sub.matches('^repo:(acme/)?')`,
    `assertion.sub.matches('^*repo:')`,
    `assertion.job_workflow_ref.endsWith('@refs/heads/main')`,
    `['1', '2'].all(owner, assertion.repository_owner_id != owner)`,
    `(assertion.repository_owner_id == '1') == (assertion.ref == 'refs/heads/release')`,
    `(assertion.repository_owner_id == '1') == false`,
    `assertion.repository_owner_id in ['1', assertion.repository_owner_id]`,
    `size(assertion.repository_owner_id) == 3`,
    `attribute.tail == 'x'`,
    // What only a careless or hostile one does.
    `assertion.repository.split('/').all(part, part != '')`,
    `assertion.repository_owner_id + 'x' == assertion.repository_owner_id + 'x'`,
    `type(assertion.sub) == type('a')`,
    `[assertion.repository_owner_id != '1'].exists(b, b)`,
    `[assertion.repository_owner_id == '1', true][1]`,
    `[{'sub': 'a'}].exists(assertion, assertion.sub == 'a')`,
    `['1', assertion.repository_owner_id].exists(o, assertion.repository_owner_id == o)`,
    `['1'].exists_one(o, assertion.repository_owner_id != o)`,
    `dyn(assertion.repository_owner_id != '1')`,
    `bool(string(assertion.repository_owner_id != '1'))`,
    `(assertion.repository_owner_id in ['1']) in [true, false]`,
    `assertion.repository_owner_id.matches('^1$') == false`,
    `'x' in [assertion.repository_owner_id, 'x']`,
  ])('%s', (source) => {
    const condition = compileCondition(source, 'attribute');
    if (!condition.ok) throw new Error(condition.error.message);
    const variables = { assertion: STRANGER, google: { subject: STRANGER.sub }, attribute: { tail: 'x' } };
    expect(evaluateCondition(condition.value, variables)).toEqual({ ok: true, value: true });
    expect(fieldsOf(furnished().refuse(create(source)))).toEqual(['attributeCondition']);
  });

  it.each([
    ['https://gitlab.com', `assertion.sub.startsWith('project_path:')`],
    ['https://gitlab.com', `assertion.namespace_path.startsWith('acme')`],
    ['https://accounts.google.com', `assertion.google.compute_engine.instance_name == 'web'`],
    ['https://accounts.google.com', `assertion.email.endsWith('@example.com')`],
    ['https://app.terraform.io', `assertion.sub.startsWith('organization:acme')`],
    ['https://api.pulumi.com/oidc', `assertion.sub.startsWith('pulumi:environments:org:')`],
  ])('%s: %s', (issuerUri, source) => {
    expect(fieldsOf(furnished().refuse(create(source, issuerUri)))).toEqual(['attributeCondition']);
  });
});

describe('a condition on the tenant is taken', () => {
  it.each([
    'assertion.repository_owner == "acme"',
    'assertion["repository_owner_id"] == "123"',
    '"acme" == assertion.repository_owner && assertion.ref == "refs/heads/main"',
    'assertion.repository_owner in ["acme", "acme-labs"]',
    '["acme/a", "acme/b"].exists(name, name == assertion.repository)',
    'assertion.sub.startsWith("repo:acme/")',
    'google.subject.startsWith("repo:acme/")',
    'attribute.owner == "acme"',
    'attribute["owner"] == "acme"',
    'int(assertion.repository_owner_id) == 123',
    '!(assertion.repository_owner != "acme")',
    'assertion.repository_owner == "acme" || (assertion.repository_id == "1" && assertion.ref == "a")',
    'has(assertion.environment) ? assertion.repository_owner == "acme" : assertion.repository_id == "1"',
    'assertion.repository_owner == "acme" || false',
    '["acme", "acme-labs"].exists(name, assertion.repository_owner == name)',
    'assertion.repository.startsWith("acme/")',
    'assertion.sub.startsWith("repository_owner_id:123:")',
    'assertion.job_workflow_ref.startsWith("acme/ci/.github/workflows/")',
    'assertion.sub.matches("^repo:acme/(app|web):ref:refs/heads/main$")',
    'assertion.sub.matches("^repo:acme/app-[a-z]+:environment:")',
    'assertion.sub.matches(r"^repo:acme/app\\.js:")',
    'assertion.repository_owner.matches("^acme$")',
  ])('%s', (attributeCondition) => {
    furnished().do(create(attributeCondition));
  });
});

it.each([
  ['https://token.actions.githubusercontent.com/my-enterprise', 'assertion.enterprise == "acme"'],
  ['https://gitlab.com', 'assertion.namespace_id == "1"'],
  ['https://gitlab.com/', 'assertion.project_path == "acme/app"'],
  ['https://gitlab.com', 'assertion.sub.startsWith("project_path:acme/")'],
  ['https://gitlab.com', 'assertion.namespace_path.startsWith("acme/")'],
  ['https://accounts.google.com', 'assertion.hd == "example.com"'],
  ['https://accounts.google.com', 'assertion.google.compute_engine.project_id == "acme-prod"'],
  ['https://app.terraform.io', 'assertion.terraform_organization_id == "org-1"'],
  ['https://app.terraform.io', 'assertion.sub.startsWith("organization:acme:")'],
  ['https://agent.buildkite.com', 'assertion.organization_slug == "acme"'],
  ['https://oidc.circleci.com', 'assertion["oidc.circleci.com/org-id"] == "1"'],
  ['https://oidc.codefresh.io', 'assertion.account_id == "1"'],
  ['https://oidc.vercel.com', 'assertion.owner_id == "team_1"'],
  ['https://api.pulumi.com/oidc', 'assertion.sub.startsWith("pulumi:environments:org:acme:")'],
  ['https://api.pulumi.com/oidc', 'assertion.sub == "pulumi:environments:org:acme:env:dev"'],
])('%s is shared', (issuerUri, attributeCondition) => {
  const project = furnished();
  expect(fieldsOf(project.refuse(create('', issuerUri)))).toEqual(['attributeCondition']);
  expect(fieldsOf(project.refuse(create('assertion.aud == "a"', issuerUri)))).toEqual(['attributeCondition']);
  project.do(create(attributeCondition, issuerUri));
});

it.each([
  'https://oidc.circleci.com/org/1',
  'https://oidc.vercel.com/acme',
  'https://gitlab.example.com',
  'https://gitlab.com.example.com',
])('%s is one tenant', (issuerUri) => {
  furnished().do(create('', issuerUri));
});

describe('a patch', () => {
  const id = { poolId: 'ci-jobs', providerId: 'shared-ci' };

  it('cannot loosen the condition, nor the mapping it rests on, nor move to a shared issuer', () => {
    const project = furnished();
    project.do(create('attribute.owner == "acme"'));
    const condition = { attributeCondition: 'has(assertion.sub)' };
    const mapping = { attributeMapping: { ...MAPPING, 'attribute.owner': '"acme"' } };
    expect(
      fieldsOf(project.refuse({ type: 'provider.patch', ...id, input: condition, mask: ['attributeCondition'] })),
    ).toEqual(['attributeCondition']);
    expect(
      fieldsOf(project.refuse({ type: 'provider.patch', ...id, input: mapping, mask: ['attributeMapping'] })),
    ).toEqual(['attributeCondition']);
    const other = furnished();
    other.do(create('', 'https://ci.example.com'));
    const input = { oidc: { issuerUri: GITHUB } };
    expect(fieldsOf(other.refuse({ type: 'provider.patch', ...id, input, mask: ['oidc.issuerUri'] }))).toEqual([
      'attributeCondition',
    ]);
  });

  it('of something else passes', () => {
    const project = furnished();
    project.do(create('attribute.owner == "acme"'));
    project.do({ type: 'provider.patch', ...id, input: { displayName: 'CI' }, mask: ['displayName'] });
  });
});

it('what does not compile is told for that alone', () => {
  expect(sentencesOf(furnished().refuse(create('assertion.sub ==')))).toMatch(
    /^attributeCondition: line 1, column \d+: /,
  );
});
