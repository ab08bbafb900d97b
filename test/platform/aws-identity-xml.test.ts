/** The XML of AWS, as somebody would write it who wants two readers to read two things in it, or one reader to read for ever. */
import { describe, expect, it } from 'vitest';
import { readElements } from '../../src/platform/aws-identity/xml-elements.ts';
import { readBySaxes } from '../support/xml-oracle.ts';

const read = (document: string): [string, string][] | undefined => {
  const texts = readElements(document);
  return texts && [...texts];
};

describe('what is taken', () => {
  it.each<[string, string, [string, string][]]>([
    ['an element', '<a/>', [['a', '']]],
    ['white space around', '\r\n\t <a ></a >\n', [['a', '']]],
    ['a declaration', '<?xml version="1.0"?><a/>', [['a', '']]],
    ['a declaration with its encoding', '<?xml version="1.0" encoding="UTF-8"?>\n<a/>', [['a', '']]],
    ['a namespace', '<a\n xmlns="urn:x y\'" />', [['a', '']]],
    [
      'elements with white space around',
      '<a>\r\n <b> 2 </b>\t<c/>\n</a>',
      [
        ['a', ''],
        ['a/b', ' 2 '],
        ['a/c', ''],
      ],
    ],
    [
      'one name in several places',
      '<a><a><a>1</a></a></a>',
      [
        ['a', ''],
        ['a/a', ''],
        ['a/a/a', '1'],
      ],
    ],
    ['the five entities, once', '<a>&lt;&gt;&amp;&quot;&apos;&amp;lt;&amp;#65;</a>', [['a', `<>&"'&lt;&#65;`]]],
    ['numbers of characters', '<a>&#65;&#x41;&#0000065;&#x1F600;&#x10FFFF;&#13;</a>', [['a', 'AAA😀\u{10FFFF}\r']]],
    ['ends of lines', '<a>1\r\n2\r3\n4\n\r5</a>', [['a', '1\n2\n3\n4\n\n5']]],
    ['brackets', '<a>]] > ]]&gt; ]&#93;> ></a>', [['a', ']] > ]]> ]]> >']]],
    ['characters beyond ASCII', '<a>ä\u0085\u2028\u{FEFF}😀\uFFFD</a>', [['a', 'ä\u0085\u2028\u{FEFF}😀\uFFFD']]],
    [
      'names of objects',
      '<a><__proto__>1</__proto__><constructor/></a>',
      [
        ['a', ''],
        ['a/__proto__', '1'],
        ['a/constructor', ''],
      ],
    ],
  ])('%s', (_what, document, elements) => {
    expect(read(document)).toEqual(elements);
    expect(readBySaxes(document)).toEqual({ elements, isPlain: true });
  });

  it('eight elements deep, and no ninth', () => {
    const nested = (depth: number): string => '<a>'.repeat(depth) + '</a>'.repeat(depth);
    expect(read(nested(8))?.length).toBe(8);
    expect(read(nested(9))).toBeUndefined();
    expect(read(`${'<a>'.repeat(8)}<b/>${'</a>'.repeat(8)}`)).toBeUndefined();
  });

  it('a name of 64 characters, and no longer one', () => {
    expect(read(`<${'a'.repeat(64)}/>`)).toHaveLength(1);
    expect(read(`<${'a'.repeat(65)}/>`)).toBeUndefined();
  });
});

describe('what is no XML is refused, as another strict reader does', () => {
  it.each([
    ['nothing', ''],
    ['white space', ' \n'],
    ['a text', 'a'],
    ['a text before the root', 'a<a/>'],
    ['a text behind the root', '<a/>a'],
    ['a reference behind the root', '<a/>&#32;'],
    ['a second root', '<a/><a/>'],
    ['a second root of another name', '<a></a><b></b>'],
    ['an element that is not closed', '<a><b></b>'],
    ['an element that another one closes', '<a><b></a></b>'],
    ['an element that its namesake in another place closes', '<a><b><a></b></a></a>'],
    ['an element that is closed twice', '<a></a></a>'],
    ['an end without a beginning', '</a>'],
    ['an end in another case', '<a></A>'],
    ['an end with an attribute', '<a></a xmlns="x">'],
    ['an end that is empty too', '<a></a/>'],
    ['a tag that does not end', '<a></a'],
    ['a tag in a tag', '<a <b>></a>'],
    ['a tag without a name', '<a><></></a>'],
    ['white space before a name', '< a></ a>'],
    ['a name that begins with a digit', '<1/>'],
    ['a name that begins with a hyphen', '<-a/>'],
    ['a name with a slash', '<a/b></a/b>'],
    ['white space that is none of XML', '<a\u00A0xmlns="x"/>'],
    ['white space of other scripts behind the root', '<a/>\u2028'],
    ['an attribute twice', '<a xmlns="x" xmlns="y"/>'],
    ['attributes without white space between', '<a xmlns="x"xmlns="y"/>'],
    ['an attribute behind a slash', '<a/ xmlns="x">'],
    ['an attribute without quotes', '<a xmlns=x/>'],
    ['an attribute without a value', '<a xmlns/>'],
    ['an attribute whose quote does not end', '<a xmlns="x/>'],
    ['a tag in a value', '<a xmlns="<b>"/>'],
    ['an unknown entity', '<a>&nbsp;</a>'],
    ['an entity that is a member of every object', '<a>&constructor;</a>'],
    ['an entity in another case', '<a>&AMP;</a>'],
    ['an ampersand', '<a>a & b</a>'],
    ['two ampersands', '<a>&&amp;</a>'],
    ['an entity that does not end', '<a>&amp</a>'],
    ['an entity that ends in another text', '<a>&am<b/>p;</a>'],
    ['a number of no character: NUL', '<a>&#0;</a>'],
    ['a number of no character: a control character', '<a>&#x1B;</a>'],
    ['a number of no character: half a pair', '<a>&#xD83D;&#xDE00;</a>'],
    ['a number of no character: U+FFFE', '<a>&#xFFFE;</a>'],
    ['a number beyond Unicode', '<a>&#x110000;</a>'],
    ['a number far beyond Unicode', '<a>&#9999999;</a>'],
    ['a number that overflows', '<a>&#x100000041;</a>'],
    ['a number with a sign', '<a>&#-65;</a>'],
    ['a number with white space', '<a>&# 65;</a>'],
    ['a number of another notation', '<a>&#b1000001;</a>'],
    ['a number with an exponent', '<a>&#1e2;</a>'],
    ['a hexadecimal number in upper case', '<a>&#X41;</a>'],
    ['a number without digits', '<a>&#;&#x;</a>'],
    ['the end of a CDATA section', '<a>]]></a>'],
    ['the end of a CDATA section and a bracket', '<a>]]]></a>'],
    ['NUL', '<a>\0</a>'],
    ['a control character', '<a>\u000B</a>'],
    ['U+FFFE', '<a>\uFFFE</a>'],
    ['U+FFFF in a value', '<a xmlns="\uFFFF"/>'],
    ['the first half of a pair', '<a>\uD83D</a>'],
    ['the second half of a pair', '<a>\uDE00</a>'],
    ['the halves of a pair, the wrong way round', '<a>\uDE00\uD83D</a>'],
    ['half a pair at the very end', '<a/>\uD83D'],
    ['a declaration behind white space', ' <?xml version="1.0"?><a/>'],
    ['two declarations', '<?xml version="1.0"?><?xml version="1.0"?><a/>'],
    ['a declaration within', '<a><?xml version="1.0"?></a>'],
    ['a declaration without a version', '<?xml encoding="UTF-8"?><a/>'],
    ['a declaration that does not end', '<?xml version="1.0"><a/>'],
    ['a version that is none', '<?xml version="2.0"?><a/>'],
    ['two byte order marks', '\u{FEFF}\u{FEFF}<a/>'],
  ])('%s', (_what, document) => {
    expect(readBySaxes(document)).toBeUndefined();
    expect(readElements(document)).toBeUndefined();
  });
});

describe('what is XML, but can be read in two ways, is refused', () => {
  it.each([
    ['a comment that parts a text', '<a>1<!-- -->2</a>'],
    ['a comment before the root', '<!-- --><a/>'],
    ['a comment behind the root', '<a/><!-- -->'],
    ['a processing instruction', '<a>1<?x y?>2</a>'],
    ['a style sheet', '<?xml-stylesheet href="x"?><a/>'],
    ['a CDATA section', '<a><![CDATA[</a><a>]]></a>'],
    ['an empty CDATA section', '<a>1<![CDATA[]]>2</a>'],
    ['a document type', '<!DOCTYPE a><a/>'],
    ['a document type elsewhere', '<!DOCTYPE a SYSTEM "https://attacker.example/x.dtd"><a/>'],
    ['an entity of a document type', '<!DOCTYPE a [<!ENTITY e "x">]><a>1</a>'],
    ['a place twice', '<a><b>1</b><b>2</b></a>'],
    ['a place twice, once empty', '<a><b/><b>2</b></a>'],
    ['a place twice, in a parent that is there twice', '<a><b><c>1</c></b><b><c>2</c></b></a>'],
    ['a text before an element', '<a>1<b/></a>'],
    ['a text behind an element', '<a><b>2</b>1</a>'],
    ['a text between elements', '<a><b/>&#49;<c/></a>'],
    ['a prefix', '<x:a xmlns:x="urn:x"/>'],
    ['a prefix that is bound to nothing', '<x:a/>'],
    ['a name beyond ASCII', '<ä/>'],
    ['a name with a letter that looks like another', '<\u0430/>'],
    ['an attribute', '<a b="c"/>'],
    ['a namespace and an attribute', '<a xmlns="x" b="c"/>'],
    ['a value in single quotes', "<a xmlns='x'/>"],
    ['a value with a reference', '<a xmlns="&amp;"/>'],
    ['a value with the end of a tag', '<a xmlns="x>y"/>'],
    ['XML 1.1, where other characters end lines', '<?xml version="1.1"?><a/>'],
    ['another encoding', '<?xml version="1.0" encoding="UTF-7"?><a/>'],
    ['an encoding like ours', '<?xml version="1.0" encoding="ISO-8859-1"?><a/>'],
    ['a document that stands alone', '<?xml version="1.0" standalone="yes"?><a/>'],
    ['a byte order mark', '\u{FEFF}<a/>'],
  ])('%s', (_what, document) => {
    expect(readBySaxes(document)).toBeDefined();
    expect(readElements(document)).toBeUndefined();
  });
});

// Fifteen times what is ever handed in: a reader that went over it once for each of its characters would be at it for minutes.
it.each<[string, (times: number) => string]>([
  ['tags that open', (times) => '<a>'.repeat(times)],
  ['beginnings of tags', (times) => '<'.repeat(times)],
  ['a name', (times) => `<${'a'.repeat(times)}>`],
  ['white space in a tag', (times) => `<a${' '.repeat(times)}!>`],
  ['white space before an attribute', (times) => `<a${' '.repeat(times)}xmlns${' '.repeat(times)}="">`],
  ['a value that does not end', (times) => `<a xmlns="${'x'.repeat(times)}`],
  ['attributes', (times) => `<a${' xmlns=""'.repeat(times)}/>`],
  ['white space before a root that is none', (times) => `${' '.repeat(times)}!<a/>`],
  ['ampersands', (times) => `<a>${'&'.repeat(times)}</a>`],
  ['references that do not end', (times) => `<a>${'&amp;'.repeat(times)}&${'#1'.repeat(times)}</a>`],
  ['digits', (times) => `<a>&#${'0'.repeat(times)}65;</a>`],
  ['brackets', (times) => `<a>${']'.repeat(times)}</a`],
  ['ends of lines', (times) => `<a>${'\r'.repeat(times)}`],
  ['siblings', (times) => `<a>${Array.from({ length: times / 8 }, (_, i) => `x<a${i}/>`).join('')}`],
])('what is long without end is refused in one pass: %s', (_what, make) => {
  expect(readElements(make(1_000_000))).toBeUndefined();
});

it('a long text with many references is one text', () => {
  expect(read(`<a>${'&amp;x'.repeat(700_000)}</a>`)?.[0]?.[1].length).toBe(1_400_000);
});
