/** JSX to text, the whole of it: what is not markup that was made here is text, and is escaped (SECURITY.md T16). */
import type { Elements } from './elements.ts';

/**
 * What is markup already. Nothing from outside can pass for it, however it is shaped: the private field is in what this constructor made,
 * and can be parsed, copied or inherited into nothing else.
 */
class Markup {
  readonly #html: string;

  constructor(html: string) {
    this.#html = html;
  }

  toString(): string {
    return this.#html;
  }

  /** An object that is no markup is a fault of ours, and never shown: neither what it holds nor what its `toString` says. */
  static htmlOf(child: unknown): string {
    if (typeof child === 'string') return escaped(child);
    if (typeof child === 'number') return String(child);
    if (child === null || child === undefined || typeof child === 'boolean') return '';
    if (Array.isArray(child)) return child.map((one) => Markup.htmlOf(one)).join('');
    if (typeof child === 'object' && #html in child) return child.#html;
    throw new TypeError('neither text nor markup');
  }
}

export type Child = string | number | boolean | null | undefined | Markup | readonly Child[];

/** For components that have content; with what else they are given. */
export type WithChildren<P = unknown> = P & { readonly children?: Child };

export declare namespace JSX {
  type Element = Markup;
  type IntrinsicElements = Elements;
  interface ElementChildrenAttribute {
    readonly children: unknown;
  }
}

type Props = Readonly<Record<string, unknown>>;

/** What the compiler makes of `<type …>`: an element where `type` is its name, else whatever the component answers. */
export function jsx<P extends Props>(type: string | ((props: P) => unknown), props: P): Markup {
  return new Markup(typeof type === 'string' ? elementOf(type, props) : Markup.htmlOf(type(props)));
}

export { jsx as jsxs };

export function Fragment({ children }: WithChildren): Child {
  return children;
}

const WITHOUT_CONTENT = /^(?:br|img|input|link|meta)$/;

function elementOf(type: string, props: Props): string {
  let content = '';
  let attributes = '';
  for (const [name, value] of Object.entries(props)) {
    if (name === 'children') content = Markup.htmlOf(value);
    else attributes += attributeOf(name, value);
  }
  return WITHOUT_CONTENT.test(type) ? `<${type}${attributes}/>` : `<${type}${attributes}>${content}</${type}>`;
}

/** The types know the names; but members of an object can come by their names from anywhere, and one that runs must never be among them. */
const NAME = /^(?!on|style$|srcdoc$|dangerously)[a-z][a-z0-9-]*$/i;

function attributeOf(name: string, value: unknown): string {
  if (!NAME.test(name)) throw new TypeError('no such attribute');
  if (value === null || value === undefined || value === false) return '';
  if (value === true) return ` ${name}`;
  if (typeof value !== 'string' && typeof value !== 'number')
    throw new TypeError('the value of an attribute is a text');
  return ` ${name}="${escaped(String(value))}"`;
}

const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => REFERENCES[character] ?? '');
}
