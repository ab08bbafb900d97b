/** The JSON Schema that editors take: the examples hold to it, and what is no document does not. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { KINDS } from '../../src/cli/config/kinds.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));
const SCHEMA = readFileSync(new URL('../../assets/configuration.schema.json', import.meta.url), 'utf8');
const validate = new Ajv({ strict: false }).compile(JSON.parse(SCHEMA) as object);

function documentsIn(text: string): readonly unknown[] {
  const documents = parseAllDocuments(text);
  return Array.isArray(documents) ? documents.map((document): unknown => document.toJS()) : [];
}

const FILES = globSync('{one-team,many-clusters,ci-only}/**/*.yaml', { cwd: EXAMPLES });

describe('the schema', () => {
  it('is read of more than one layout', () => expect(FILES.length).toBeGreaterThan(5));

  it.each(FILES)('fits every document of %s', (file) => {
    const documents = documentsIn(readFileSync(join(EXAMPLES, file), 'utf8'));
    expect(documents.length).toBeGreaterThan(0);
    for (const document of documents) expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
  });

  it('has every kind that a file may have, and every place of a policy', () => {
    const { oneOf } = JSON.parse(SCHEMA) as { oneOf: { properties: { kind: { const: string } } }[] };
    expect(new Set(oneOf.map(({ properties }) => properties.kind.const))).toEqual(
      new Set(['Configuration', ...Object.keys(KINDS)]),
    );
    const [account, policy] = documentsIn(
      'kind: ServiceAccount\nname: deployer\nspec: {displayName: Deploys}\n---\nkind: AllowPolicy\non: serviceAccount/deployer\nspec: {bindings: []}',
    );
    expect(validate(account), JSON.stringify(validate.errors)).toBe(true);
    expect(validate(policy), JSON.stringify(validate.errors)).toBe(true);
  });

  it.each([
    ['an unknown kind', 'kind: Cluster\nname: a'],
    ['a member that is not there', 'kind: Target\nname: a\nspec: {uri: "https://a", colour: blue}'],
    ['a member at the wrong place', 'kind: Target\nname: a\nuri: "https://a"\nspec: {}'],
    ['a number for a duration', 'kind: Target\nname: a\nspec: {uri: "https://a", maxLifetime: 900}'],
    ['no name', 'kind: Target\nspec: {uri: "https://a"}'],
    ['a policy on nothing', 'kind: AllowPolicy\non: provider/a\nspec: {bindings: []}'],
    ['a deny policy on a pool', 'kind: DenyPolicy\nname: a\non: pool/a\nspec: {rules: []}'],
    ['an owner of two words', 'kind: Configuration\nowner: two words'],
  ])('does not fit %s', (_what, text) => {
    const [document] = documentsIn(text);
    expect(validate(document)).toBe(false);
  });
});
