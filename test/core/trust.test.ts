/** Mapping and attribute condition, on their own: what a provider's mapping may not make of a token. */
import { describe, expect, it } from 'vitest';
import { createPolicyCompiler } from '../../src/core/policy/cache.ts';
import type { Provider } from '../../src/core/resources.ts';
import { admit } from '../../src/core/trust.ts';
import { verify } from '../../src/core/verify.ts';
import { NOW_SECONDS, SAMPLE_NAME, sampleAssertion, sampleClaims, sampleProvider } from '../support/core-samples.ts';

async function admitted(
  provider: Partial<Provider>,
  claims: Record<string, unknown> = {},
): Promise<ReturnType<typeof admit>> {
  const row = sampleProvider({ kind: 'oidc', ...provider });
  const verified = await verify(
    sampleAssertion(sampleClaims(claims)),
    SAMPLE_NAME,
    row,
    row.keys,
    'exchange',
    async () => true,
    NOW_SECONDS,
  );
  if (!verified.ok) throw new Error(JSON.stringify(verified.error));
  return admit(verified.value, SAMPLE_NAME, row, createPolicyCompiler(50));
}

const mapping = (subject: string, more: Record<string, string> = {}): Partial<Provider> => ({
  attributeMapping: { 'google.subject': subject, ...more },
});

describe('a mapped principal', () => {
  it('has subject, groups and attributes, own members whatever they are called', async () => {
    const more = {
      'google.groups': 'assertion.teams',
      'attribute.repo': 'assertion.repo',
      'attribute.__proto__': 'assertion.repo',
    };
    const result = await admitted(mapping('assertion.sub', more), { teams: ['a', 'b'], repo: 'org/app' });
    expect(result).toMatchObject({
      ok: true,
      value: { subject: 'system:serviceaccount:shop:checkout', groups: ['a', 'b'] },
    });
    if (result.ok) expect(Object.entries(result.value.attributes)).toContainEqual(['__proto__', 'org/app']);
  });

  it.each([
    ['an empty subject', mapping('assertion.empty'), 'google.subject: is empty'],
    ['a claim that is not there', mapping('assertion.missing'), 'google.subject'],
    ['a subject that is a number', mapping('assertion.number'), 'google.subject'],
    ['a subject that is a list', mapping('assertion.list'), 'must be a string'],
    ['a control character', mapping('assertion.bell'), 'control character'],
    [
      'a control character in a group',
      mapping('assertion.sub', { 'google.groups': 'assertion.bells' }),
      'control character',
    ],
    ['an attribute that is a list', mapping('assertion.sub', { 'attribute.a': 'assertion.list' }), 'must be a string'],
    [
      'attributes of more than 8 KiB in all',
      mapping('assertion.sub', { 'attribute.a': 'assertion.long', 'attribute.b': 'assertion.long' }),
      'bytes in all',
    ],
  ])('is refused for %s', async (_what, provider, problem) => {
    const claims = { empty: '', number: 7, list: ['x'], bell: 'a\u0007', bells: ['a\u0085'], long: 'é'.repeat(2_500) };
    const result = await admitted(provider, claims);
    expect(result.ok ? {} : result.error).toMatchObject({ tag: 'condition_error' });
    expect(JSON.stringify(result)).toContain(problem);
  });

  it('has a subject of at most 127 bytes, not characters', async () => {
    expect((await admitted(mapping('assertion.s'), { s: 'x'.repeat(127) })).ok).toBe(true);
    expect(await admitted(mapping('assertion.s'), { s: 'x'.repeat(128) })).toMatchObject({
      error: { tag: 'subject_too_long', bytes: 128 },
    });
    expect(await admitted(mapping('assertion.s'), { s: 'é'.repeat(64) })).toMatchObject({
      error: { tag: 'subject_too_long', bytes: 128 },
    });
  });
});

describe('the attribute condition', () => {
  it.each([
    ['true', 'verified'],
    ['false', 'condition_false'],
    ['assertion.sub == "x"', 'condition_false'],
    ['assertion.missing == "x"', 'condition_error'],
    ['assertion.missing == "x" || google.subject == "system:serviceaccount:shop:checkout"', 'verified'],
    ['assertion.missing == "x" || assertion.other == "y"', 'condition_error'],
    ['assertion.flag', 'condition_error'],
    ['attribute.a == "system:serviceaccount:shop:checkout"', 'verified'],
    ['this is no CEL', 'condition_error'],
  ])('%s: %s', async (attributeCondition, tag) => {
    const provider = { ...mapping('assertion.sub', { 'attribute.a': 'assertion.sub' }), attributeCondition };
    const result = await admitted(provider, { flag: 'true' });
    expect(result.ok ? 'verified' : result.error.tag).toBe(tag);
  });

  it('holds for clusters, too', async () => {
    const cluster: Partial<Provider> = {
      kind: 'kubernetes',
      attributeCondition: 'assertion["kubernetes.io"]["namespace"] == "shop"',
    };
    expect((await admitted(cluster)).ok).toBe(true);
    expect(
      (await admitted({ ...cluster, attributeCondition: 'google.subject.startsWith("ns/kube-system/")' })).ok,
    ).toBe(false);
  });
});
