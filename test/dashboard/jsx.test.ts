/** The runtime of the pages' JSX: what is text stays text, whatever it holds, and nothing from outside is ever taken for markup. */
import fc from 'fast-check';
import { raw } from 'hono/html';
import { describe, expect, it } from 'vitest';
import { Fragment, jsx, type JSX, jsxs } from '../../src/dashboard/jsx/jsx-runtime.ts';
import { naughtyStrings } from '../support/vectors.ts';

const html = (type: Parameters<typeof jsx>[0], props: Record<string, unknown> = {}): string =>
  String(jsx(type, props as Parameters<typeof jsx>[1]));

/** Of the five that the runtime writes, and of nothing else. */
const decoded = (text: string): string =>
  text.replaceAll(/&(amp|lt|gt|quot|#39);/g, (_whole, name: string) => REFERENCES[name] ?? '');
const REFERENCES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
const ENDS_NO_TEXT = /^(?:[^<>"'&]|&(?:amp|lt|gt|quot|#39);)*$/;

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(...naughtyStrings()),
  fc
    .array(fc.constantFrom('&', '<', '>', '"', "'", '&lt;', '&#39;', '-->', ']]>', '</p>', ' on='))
    .map((all) => all.join('')),
);

describe('text', () => {
  it.each([
    ['<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
    ['&lt;', '&amp;lt;'],
    [`" onclick='x'`, '&quot; onclick=&#39;x&#39;'],
    ['<!-- --><![CDATA[', '&lt;!-- --&gt;&lt;![CDATA['],
    ['$& $1 \\', '$&amp; $1 \\'],
    ['<<<<&&&&', '&lt;&lt;&lt;&lt;&amp;&amp;&amp;&amp;'],
  ])('%s', (text, escaped) => {
    expect(html('p', { children: text })).toBe(`<p>${escaped}</p>`);
    expect(html('p', { title: text })).toBe(`<p title="${escaped}"></p>`);
    expect(html(Fragment, { children: text })).toBe(escaped);
    expect(html(() => text)).toBe(escaped);
  });

  it('whatever it is comes back as it was, as a child and as an attribute, and ends neither', () => {
    fc.assert(
      fc.property(anyText, anyText, (child, attribute) => {
        const made = html('a', { title: attribute, children: ['x', child] });
        const [, inAttribute = '-', inChild = '-'] = /^<a title="([^"]*)">x([^<]*)<\/a>$/.exec(made) ?? [];
        expect([decoded(inAttribute), decoded(inChild)]).toEqual([attribute, child]);
        expect(ENDS_NO_TEXT.test(inAttribute) && ENDS_NO_TEXT.test(inChild)).toBe(true);
      }),
    );
  });

  it('is escaped once, however deep it stands', () => {
    const bold = jsx('strong', { children: '<' });
    const Twice = ({ children }: { children?: JSX.Element }): JSX.Element =>
      jsxs(Fragment, { children: [children, children] });
    expect(html('div', { children: [bold, [[jsx(Twice, { children: bold })]]] })).toBe(
      '<div><strong>&lt;</strong><strong>&lt;</strong><strong>&lt;</strong></div>',
    );
  });
});

describe('markup', () => {
  it('what is not there leaves nothing; numbers are written out', () => {
    expect(html('p', { children: [null, undefined, true, false, '', [], 0, -1.5] })).toBe('<p>0-1.5</p>');
    expect(html(() => null)).toBe('');
    expect(html('p', { title: undefined, hidden: false, class: '', tabindex: 0 })).toBe(
      '<p class="" tabindex="0"></p>',
    );
  });

  it('what is only there or not has no value', () => {
    expect(html('button', { hidden: true, children: 'x' })).toBe('<button hidden>x</button>');
  });

  it('elements without content are not closed, all others are', () => {
    expect(['br', 'img', 'input', 'link', 'meta'].map((type) => html(type as 'br'))).toEqual([
      '<br/>',
      '<img/>',
      '<input/>',
      '<link/>',
      '<meta/>',
    ]);
    expect(['script', 'textarea', 'rect', 'p', 'b'].map((type) => html(type as 'p'))).toEqual([
      '<script></script>',
      '<textarea></textarea>',
      '<rect></rect>',
      '<p></p>',
      '<b></b>',
    ]);
  });

  it('components are called once, with what they were given', () => {
    const given: unknown[] = [];
    const Part = (props: { a: number }): JSX.Element => {
      given.push(props);
      return jsx('p', { children: props.a });
    };
    expect([String(jsx(Part, { a: 1 })), given]).toEqual(['<p>1</p>', [{ a: 1 }]]);
  });
});

describe('an attacker', () => {
  const genuine = jsx('b', { children: 'x' });
  const evil = '<img src=x onerror=alert(1)>';
  it.each<[string, unknown]>([
    ['JSON', JSON.parse(`{"html":"${evil}","__proto__":{"html":"${evil}"}}`)],
    ['what another runtime takes for markup', raw(evil)],
    ['an object that says it is escaped', { isEscaped: true, toString: () => evil, valueOf: () => evil }],
    ['an element of another runtime', { type: 'b', tag: 'b', props: { dangerouslySetInnerHTML: { __html: evil } } }],
    ['the prototype of real markup', Object.create(Object.getPrototypeOf(genuine))],
    ['a copy of real markup', { ...genuine, constructor: genuine.constructor }],
    ['a stand-in for real markup', new Proxy(genuine, { get: () => () => evil })],
    ['a promise', Promise.resolve(genuine)],
    ['a function', () => evil],
    ['a symbol', Symbol(evil)],
    ['a big integer', 1n],
  ])('cannot make markup of %s', (_name, forged) => {
    for (const children of [forged, [forged], ['a', [forged]]]) {
      expect(() => html('p', { children })).toThrow(TypeError);
      expect(() => html(Fragment, { children })).toThrow(TypeError);
    }
    expect(() => html(() => forged)).toThrow(TypeError);
  });

  it('an attribute takes texts and numbers: no style of many parts, no list, no markup', () => {
    for (const value of [{ color: 'red' }, ['a'], genuine, raw('" onclick="x'), () => evil, Symbol('x'), 1n]) {
      expect(() => html('p', { title: value })).toThrow(TypeError);
    }
  });

  it.each([
    'onclick',
    'onClick',
    'ONERROR',
    'on',
    'style',
    'Style',
    'srcdoc',
    'dangerouslySetInnerHTML',
    'x onclick',
    'x"',
    'x>',
    'x=y',
    'x/y',
    "x'",
    '',
    ' title',
    'title\n',
    '<b',
    '\u0000',
    'tıtle',
  ])('there is no attribute %j', (name) => {
    expect(() => html('p', { [name]: 'x' })).toThrow(TypeError);
    expect(() => html('p', { [name]: true })).toThrow(TypeError);
  });
});

it('the types know no handler, no style, no element and no attribute that the pages do not use', () => {
  type Attributes = JSX.IntrinsicElements;
  const known: Attributes['a'] = { href: '/', class: 'x', 'data-x': 1, 'aria-label': 'x', children: 'x' };
  // @ts-expect-error: no handler
  const handler: Attributes['a'] = { onclick: 'x' };
  // @ts-expect-error: no style
  const style: Attributes['p'] = { style: { color: 'red' } };
  // @ts-expect-error: no markup out of text
  const inner: Attributes['p'] = { dangerouslySetInnerHTML: { __html: 'x' } };
  // @ts-expect-error: of another element
  const strange: Attributes['p'] = { href: '/' };
  // @ts-expect-error: escapes mean nothing in it
  const script: Attributes['script'] = { type: 'module', src: '/', children: 'x' };
  // @ts-expect-error: nothing stands in it
  const child: Attributes['input'] = { children: 'x' };
  // @ts-expect-error: an object is neither text nor markup
  const object: Attributes['p'] = { children: {} };
  // @ts-expect-error: no such element
  const frame: keyof Attributes = 'iframe';
  expect(Object.keys(known)).toContain('href');
  expect([handler, style, inner, strange, script, child, object, frame].length).toBe(8);
});
