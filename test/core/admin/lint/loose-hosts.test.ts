/** Domains compared as text: what an attacker's domain passes is told, what it does not pass is left in peace. */
import { describe, expect, it } from 'vitest';
import { looseHosts } from '../../../../src/core/policy/loose-hosts.ts';
import { OIDC } from '../../../support/admin-samples.ts';
import { furnished, granting, warningsOf } from './support.ts';

describe('told', () => {
  it.each([
    ['assertion.host.endsWith("example.com")', 'evil-example.com', 25],
    ["assertion.email.endsWith('bob@example.com')", 'evil-bob@example.com', 26],
    ['assertion.a == "b" || assertion.host.endsWith("example.co.uk")', 'evil-example.co.uk', 47],
    ['assertion.host.contains("example.com")', 'anywhere', 25],
    ['assertion.email.contains("@example.com")', 'anywhere', 26],
    ['assertion.iss.startsWith("https://example.com")', 'https://example.com.evil.example', 26],
    ['assertion.iss.startsWith("https://example.com:8443")', 'evil.example', 26],
    [String.raw`assertion.email.matches("example\\.com")`, '^ and $', 25],
    [String.raw`assertion.email.matches("^.*@example\\.com")`, '^ and $', 25],
    [String.raw`assertion.email.matches(r"example\.com$")`, '^ and $', 25],
    ['assertion.email.matches("^[a-z]+.example.com$|^a$")', '^ and $', 25],
    [String.raw`assertion.email.matches("^a@example\\.com|b$")`, '^ and $', 25],
    [String.raw`assertion.host.matches("^.*example\\.com$")`, '^ and $', 25],
    ['assertion.host.matches("^[a-z]+.example[.]com$")', '^ and $', 25],
    ['!!assertion.host.endsWith("example.com")', 'evil-example.com', 27],
  ])('%s', (expression, shown, column) => {
    const remarks = looseHosts(expression);
    expect(remarks).toHaveLength(1);
    expect(remarks[0]).toMatchObject({ line: 1, message: expect.stringContaining(shown) });
    if (!expression.includes('matches')) expect(remarks[0]?.column).toBe(column);
  });
});

describe('not told', () => {
  it.each([
    'assertion.host.endsWith(".example.com")',
    'assertion.email.endsWith("@example.com")',
    'assertion.url.endsWith("/example.com")',
    'assertion.host == "example.com"',
    'assertion.host in ["example.com"]',
    'resource.name.endsWith("config.json")',
    'assertion.sub.endsWith(":main")',
    'assertion.sub.contains("acme")',
    'assertion.iss.startsWith("https://example.com/")',
    'assertion.iss.startsWith("https://")',
    String.raw`assertion.email.matches("^[^@]+@example\\.com$")`,
    String.raw`assertion.email.matches("@example\\.com$")`,
    String.raw`assertion.host.matches("[.]example[.]com$")`,
    String.raw`assertion.iss.matches("^https://example\\.com/.*")`,
    String.raw`assertion.host.matches("^(.+\\.)?example\\.com$")`,
    String.raw`assertion.host.matches("^(?:example\\.com|example\\.org)$")`,
    String.raw`assertion.email.matches("(?i)^bob@example\\.com$")`,
    'assertion.sub.matches("^repo:acme/[a-z]+$")',
    '!assertion.host.endsWith("example.com")',
    'assertion.host.endsWith(assertion.suffix)',
  ])('%s', (expression) => {
    expect(looseHosts(expression)).toEqual([]);
  });
});

it('is told where it stands: binding, attribute condition, mapping', () => {
  const project = furnished();
  expect(warningsOf(project, [granting('resource.name.endsWith("example.com")')])).toEqual([
    expect.stringMatching(/^bindings\[0\]\.condition\.expression: line 1, column 24: endsWith\(\)/),
  ]);
  const input = {
    ...OIDC,
    attributeMapping: {
      'google.subject': 'assertion.sub',
      'attribute.ours': 'assertion.email.endsWith("example.com") ? "yes" : "no"',
    },
    attributeCondition: 'assertion.host.endsWith("example.org")',
  };
  const created = project.do({ type: 'provider.create', poolId: 'ci-jobs', providerId: 'other-ci', input });
  expect(created.answer).toMatchObject({
    warnings: [
      expect.stringMatching(/^attributeCondition: line 1, column 25: endsWith\(\)/),
      expect.stringMatching(/^attributeMapping\.attribute\.ours: line 1, column 26: endsWith\(\)/),
    ],
  });
  const patched = project.do({
    type: 'provider.patch',
    poolId: 'ci-jobs',
    providerId: 'other-ci',
    input: { ...OIDC, attributeCondition: 'false' },
    mask: ['attributeMapping', 'attributeCondition'],
  });
  expect(patched.answer).toMatchObject({ warnings: ['attributeCondition: line 1, column 1: this is never true'] });
});
