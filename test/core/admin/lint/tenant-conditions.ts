/** Random attribute conditions of somebody at GitHub's issuer, of far more forms than the check of tenants takes. */
import fc from 'fast-check';

export const MAPPING = {
  'google.subject': 'assertion.sub',
  'attribute.owner': 'assertion.repository_owner',
  'attribute.tail': 'assertion.repository.split("/")[1]',
  'attribute.same': 'assertion.repository_owner == "" ? "none" : "acme"',
  'attribute.known': 'has(assertion.repository_owner) && assertion.repository_owner != "" ? "yes" : "no"',
  'attribute.branch': 'assertion.ref',
};

const PATHS = [
  'assertion.sub',
  'assertion["sub"]',
  'assertion.repository',
  'assertion.repository_owner',
  'assertion["repository_owner_id"]',
  'assertion.job_workflow_ref',
  'assertion.ref',
  'google.subject',
  'attribute.owner',
  'attribute.tail',
  'attribute.same',
  'attribute.known',
  'attribute["branch"]',
];
/** Ours, those that everybody has, and beginnings that are both. None is a whole name or number of a stranger. */
const TEXTS = [
  '',
  '1',
  'acme',
  'acme/',
  'acme/app',
  'app',
  'yes',
  'refs/heads/main',
  '@refs/heads/main',
  ':ref:refs/heads/main',
  'repo',
  'repo:',
  'repo:a',
  'repo:acme',
  'repo:acme/',
  'repo:acme/app:ref:refs/heads/main',
  '/',
];
const PATTERNS = [
  '',
  '.*',
  '^',
  '^1',
  '^1$',
  '^1?$',
  '1$',
  '^acme',
  '^acme$',
  '^acme/',
  '^acme/?',
  '^acme/*',
  '^acme/{0}',
  '^*acme/',
  '^repo:',
  '^repo:acme/',
  '^repo:acme/|x',
  '^repo:acme/app:ref:refs/heads/(main|release)$',
  '^repo:acme/(a|b)|.',
  '^repo:acme/[(]|.|[)]',
  String.raw`^repo:acme/\Q(\E|.|\Q)\E`,
  String.raw`^acme/\Q\E*`,
  '^acme/(?i)*',
  '^acme/()*',
  '^repo:(acme/|)',
  '^repo:.*acme/',
  '(?i)^repo:acme/',
  '(^repo:acme/)?',
  String.raw`\Aacme/`,
  String.raw`^repo\:acme\/`,
  'repo:acme/',
];

const pathText = fc.constantFrom(...PATHS);
const literal = fc.constantFrom(...TEXTS).map((text) => JSON.stringify(text));
const pattern = fc.constantFrom(...PATTERNS).map((text) => JSON.stringify(text));
const literals = fc.array(literal, { maxLength: 3 }).map((items) => `[${items.join(', ')}]`);

function written(...parts: readonly (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string> {
  const all = parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part));
  return fc.tuple(...all).map((pieces) => pieces.join(''));
}

const { condition } = fc.letrec<{ condition: string; bool: string; text: string; list: string; comparison: string }>(
  (tie) => {
    const bool = tie('bool');
    const text = tie('text');
    const list = tie('list');
    const comparison = tie('comparison');
    const either = fc.constantFrom('==', '!=');
    const order = fc.constantFrom('<', '<=', '>', '>=');
    const ask = fc.constantFrom('startsWith', 'endsWith', 'contains');
    const macro = fc.constantFrom('exists', 'all', 'exists_one');
    return {
      condition: fc.oneof({ arbitrary: comparison, weight: 2 }, { arbitrary: bool, weight: 3 }),
      // What an honest author writes, nearly.
      comparison: fc.oneof(
        written(pathText, ' == ', literal),
        written(literal, ' == ', pathText),
        written(pathText, ' != ', literal),
        written(pathText, ' in ', literals),
        pathText.chain((path) => written(path, ' in [', literal, ', ', fc.oneof(fc.constant(path), literal), ']')),
        pathText.chain((path) => written('[', literal, ', ', path, '].exists(o, o == ', path, ')')),
        written(pathText, '.', ask, '(', literal, ')'),
        written(pathText, '.matches(', pattern, ')'),
        written(literals, '.', macro, '(o, ', pathText, ' ', either, ' o)'),
      ),
      bool: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        comparison,
        comparison,
        fc.constantFrom('true', 'false'),
        written('has(assertion.', fc.constantFrom('sub', 'repository_owner', 'environment'), ')'),
        written('(', bool, ' && ', bool, ')'),
        written('(', bool, ' || ', bool, ')'),
        written('!(', bool, ')'),
        written('(', bool, ' ? ', bool, ' : ', bool, ')'),
        written('(', bool, ') ', either, ' (', bool, ')'),
        written(text, ' ', fc.oneof(either, order), ' ', text),
        written(text, '.', ask, '(', text, ')'),
        written(text, ' in ', list),
        written('(', bool, ') in [', bool, ', ', bool, ']'),
        written('[', bool, ', ', bool, '][', fc.constantFrom('0', '1'), ']'),
        written('{"a": ', bool, '}["a"]'),
        written('[', bool, ', ', bool, '].', macro, '(b, b)'),
        written(list, '.', macro, '(o, ', pathText, ' ', either, ' o)'),
        written(list, '.', macro, '(assertion, assertion ', either, ' ', literal, ')'),
        written('[{"sub": ', literal, '}].', macro, '(assertion, assertion.sub ', either, ' ', literal, ')'),
        written('dyn(', bool, ')'),
        written('bool(string(', bool, '))'),
        written('size(', text, ') ', fc.oneof(either, order), ' ', fc.constantFrom('0', '3', '4', '32')),
        written('type(', text, ') == type(', text, ')'),
        written('int(', pathText, ') ', fc.oneof(either, order), ' 1'),
      ),
      text: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        pathText,
        literal,
        written('(', text, ' + ', text, ')'),
        written('(', bool, ' ? ', text, ' : ', text, ')'),
        written('string(', bool, ')'),
        written(text, '.extract("repo:{x}")'),
      ),
      list: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        literals,
        written('[', text, ', ', text, ']'),
        written(text, '.split("/")'),
        written(literals, '.map(o, ', text, ')'),
        written(literals, '.filter(o, ', bool, ')'),
      ),
    };
  },
);

export const conditions = condition;
