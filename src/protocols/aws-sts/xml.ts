/** XML by template: elements with text, the five characters escaped. What is no character of XML 1.0 is left out: no parser would take the answer. */

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};
// oxlint-disable-next-line no-control-regex -- XML 1.0 §2.2: these are no characters
const NO_CHARACTER = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

export function escapeXml(text: string): string {
  return text.replaceAll(NO_CHARACTER, '').replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}

/** A tree of names and texts; an absent one is no element. */
export type Element = readonly [name: string, content: string | number | undefined | readonly Element[]];

function xml(elements: readonly Element[]): string {
  return elements.map(element).join('');
}

function element([name, content]: Element): string {
  if (content === undefined) return '';
  const inner = typeof content === 'object' ? xml(content) : escapeXml(String(content));
  return `<${name}>${inner}</${name}>`;
}

export function documentOf(name: string, elements: readonly Element[]): string {
  return `<${name} xmlns="${NAMESPACE}">${xml(elements)}</${name}>\n`;
}
