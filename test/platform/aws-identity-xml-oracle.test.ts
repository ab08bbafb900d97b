/** Whatever our reader of XML takes, another strict reader takes too, and reads the same elements and texts in it. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readElements } from '../../src/platform/aws-identity/xml-elements.ts';
import { readBySaxes } from '../support/xml-oracle.ts';

const RUNS = 3_000;

/** True where ours takes it. Fails where the other one refuses it, or reads another thing. */
function agrees(document: string): boolean {
  const ours = readElements(document);
  if (ours === undefined) return false;
  expect(readBySaxes(document)).toEqual({ elements: [...ours], isPlain: true });
  return true;
}

/** What a text is written as, and what it says. */
type Written = readonly [written: string, said: string];

/** XML 1.0 §2.2, said once more. */
const isCharacter = (code: number): boolean =>
  [0x9, 0xa, 0xd].includes(code) ||
  (code >= 0x20 && code < 0xd800) ||
  (code > 0xdfff && code < 0xfffe) ||
  code > 0xffff;

const same = (...texts: string[]): Written[] => texts.map((text) => [text, text]);
const piece = fc.oneof(
  fc.constantFrom<Written>(
    ...same('x', ' ', '\n', '\t', '>', ']', ']]', '"', "'", '/', ';', '#', '=', '--', 'ä', '😀', '\u0085', '\u2028'),
    ...same('\u{FEFF}', '\uFFFD', '\u{10FFFF}', 'amp;', 'xmlns="x"'),
    ['\r!', '\n!'],
    ['\r\n', '\n'],
    ['\r\r\n', '\n\n'],
    ['&lt;', '<'],
    ['&gt;', '>'],
    ['&amp;', '&'],
    ['&quot;', '"'],
    ['&apos;', "'"],
    ['&#13;', '\r'],
    ['&#x00041;', 'A'],
  ),
  fc
    .tuple(fc.integer({ min: 0, max: 0x10_ff_ff }).filter(isCharacter), fc.boolean())
    .map(([code, isHex]): Written => [isHex ? `&#x${code.toString(16)};` : `&#${code};`, String.fromCodePoint(code)]),
);
const texts = fc
  .array(piece, { maxLength: 6 })
  .map((pieces): Written => [pieces.map(([one]) => one).join(''), pieces.map(([, said]) => said).join('')])
  .filter(([written]) => !written.includes(']]>'));

interface Element {
  readonly name: string;
  readonly attribute: string;
  readonly isShort: boolean;
  readonly text: Written;
  /** With the white space before and behind. */
  readonly children: readonly (readonly [before: string, child: Element, behind: string])[];
}

const names = fc.constantFrom(
  'a',
  'A',
  '_',
  'b.c',
  'd-1',
  'xml',
  'constructor',
  '__proto__',
  'GetCallerIdentityResult',
);
const attributes = fc.constantFrom('', ' ', '\r\n', ' xmlns=""', '\txmlns="urn:x\'/]]"', '\n xmlns="x"\n');
const blank = fc.constantFrom('', ' ', '\r\n\t', '\r', '\n  ');
const element = (depth: number): fc.Arbitrary<Element> =>
  fc.record({
    name: names,
    attribute: attributes,
    isShort: fc.boolean(),
    text: texts,
    children:
      depth === 1
        ? fc.constant([])
        : fc.uniqueArray(fc.tuple(blank, element(depth - 1), blank), { maxLength: 3, selector: ([, one]) => one.name }),
  });

function write({ name, attribute, isShort, text: [written], children }: Element): string {
  const inner = children.map(([before, child, behind]) => before + write(child) + behind).join('');
  const content = children.length === 0 ? written : inner;
  return content === '' && isShort ? `<${name}${attribute}/>` : `<${name}${attribute}>${content}</${name}\n>`;
}

function elementsOf({ name, text: [, said], children }: Element, parent = ''): [string, string][] {
  const place = `${parent}${name}`;
  return [
    [place, children.length === 0 ? said : ''],
    ...children.flatMap(([, child]) => elementsOf(child, `${place}/`)),
  ];
}

const root = element(4);
const prolog = fc.constantFrom(
  '',
  '\n',
  '<?xml version="1.0"?>',
  '<?xml version="1.0" encoding="UTF-8"?>\r\n',
  '<?xml version="1.0" encoding="utf-8"?>',
);

it('what is written by its grammar is taken, and read as it was meant by both', () => {
  fc.assert(
    fc.property(prolog, root, fc.constantFrom('', ' \r\n\t'), (before, one, behind) => {
      const document = before + write(one) + behind;
      expect([...(readElements(document) ?? [])]).toEqual(elementsOf(one));
      expect(agrees(document)).toBe(true);
    }),
    { numRuns: RUNS },
  );
});

const NASTY = [
  ...`< > </ /> & ; " ' = / ! ? - ] a b <a> </a> <a/> <b> </b> <b/> <> </> <a>x</a> <b>y</b>`.split(' '),
  ...'<!-- --> <? ?> <?x?> <![CDATA[ ]]> <![CDATA[x]]> <!DOCTYPE ]> &e; &lt; &amp; &amp xmlns x:'.split(' '),
  ...'&#60; &#x3c; &#0; &#xD800; &#x110000; &#b1; &#1e2; &#13; &#X41;'.split(' '),
  ...'<!DOCTYPE a>|<!DOCTYPE a [|<!ENTITY e "x">|< a>|</ a>|<a/ >|<a >|</a >|<?x y?>|<!-- x -->'.split('|'),
  ...` xmlns="x"| xmlns="y"| x="y"| xmlns='x'| xmlns:x="y"| xmlns = "x"| xmlns="<"| xmlns=">"`.split('|'),
  ...'<?xml version="1.0"?>|<?xml version="1.1"?>|<?xml version="1.0" encoding="UTF-8"?>| encoding="UTF-16"'.split('|'),
  // One by one; the halves of a pair stand the wrong way round here, and so make none.
  ...' \r\n\t\0\u0001\u000B\u0085\u00A0\u2028\u{FEFF}\uFFFE\uFFFF\uDE00\uD83Dä😀\u212A\u017F',
];

const nasty = fc.constantFrom(...NASTY);
const change = fc.record({
  at: fc.nat(),
  removed: fc.constantFrom(0, 0, 0, 1, 2, 5),
  put: fc.oneof(nasty, fc.constant('')),
});

it('a document that was tampered with is refused, or read as another strict reader reads it', () => {
  let taken = 0;
  fc.assert(
    fc.property(prolog, root, fc.array(change, { minLength: 1, maxLength: 3 }), (before, one, changes) => {
      const document = changes.reduce(
        (written, { at, removed, put }) => {
          const place = at % (written.length + 1);
          return written.slice(0, place) + put + written.slice(place + removed);
        },
        before + write(one),
      );
      if (agrees(document)) taken += 1;
    }),
    { numRuns: RUNS },
  );
  // Else the property would speak of refusals only.
  expect(taken).toBeGreaterThan(RUNS / 20);
});

it('pieces in any order are refused, or read as another strict reader reads them', () => {
  let taken = 0;
  fc.assert(
    fc.property(fc.array(nasty, { maxLength: 6 }), fc.boolean(), (pieces, isWithin) => {
      const inner = pieces.join('');
      if (agrees(isWithin ? `<a>${inner}</a>` : inner)) taken += 1;
    }),
    { numRuns: RUNS },
  );
  expect(taken).toBeGreaterThan(RUNS / 50);
});

it('any text at all is refused, or read as another strict reader reads it', () => {
  let taken = 0;
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary-ascii' }),
        fc.string({ unit: fc.constantFrom(...`</a> &;#x3"=?!-[]`) }),
      ),
      fc.boolean(),
      (inner, isWithin) => {
        if (agrees(isWithin ? `<a>${inner}</a>` : inner)) taken += 1;
      },
    ),
    { numRuns: RUNS },
  );
  expect(taken).toBeGreaterThan(RUNS / 50);
});
