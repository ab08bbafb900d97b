/** What the pages' JSX wrote, read by a real browser's parser: the same elements, attributes and texts, whatever the texts hold (SECURITY.md T16). */
import fc from 'fast-check';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Child, Fragment, jsx } from '../../src/dashboard/jsx/jsx-runtime.ts';
import { HAS_BROWSER, launchBrowser, NO_BROWSER } from '../support/node/browser.ts';
import { STRINGS } from '../support/node/nasty.ts';

if (!HAS_BROWSER) process.stdout.write(`${NO_BROWSER}\n`);

interface Element {
  readonly type: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Tree[];
}
type Tree = string | Element;

/** No page can hold these two: HTML itself has no NUL, and turns a CR into a line feed. */
const holdable = (text: string): string => text.replaceAll(/[\0\r]/g, '');

const text = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(...STRINGS.filter((one) => one.length < 2_000)),
    fc
      .array(fc.constantFrom('&', '<', '>', '"', "'", '&lt', '&amp;', '<!--', '-->', '</div>', '<b>', '=', ' '))
      .map((all) => all.join('')),
  )
  .map(holdable);

const attributes = fc.dictionary(fc.constantFrom('class', 'id', 'title', 'role', 'data-x', 'aria-label'), text);

const { element } = fc.letrec<{ element: Element; child: Tree }>((tie) => ({
  element: fc.oneof(
    { maxDepth: 5 },
    // The browser leaves out a line feed that such a field begins with.
    fc.record({
      type: fc.constant('textarea'),
      attributes,
      children: text.map((one) => [`.${one}`]),
    }),
    fc.record({
      type: fc.constant('svg'),
      attributes,
      children: text.map((one) => [{ type: 'g', attributes: { class: one }, children: [one] }]),
    }),
    fc.record({ type: fc.constantFrom('input', 'br'), attributes, children: fc.constant([]) }),
    fc.record({
      type: fc.constantFrom('div', 'span', 'code', 'bdi', 'section'),
      attributes,
      children: fc.array(tie('child'), { maxLength: 5 }),
    }),
  ),
  child: fc.oneof({ maxDepth: 5 }, text, tie('element')),
}));

const made = (tree: Tree): Child =>
  typeof tree === 'string'
    ? tree
    : jsx(tree.type, {
        ...tree.attributes,
        ...(tree.children.length === 0 ? {} : { children: tree.children.map((child) => made(child)) }),
      });

/** As a parser sees it: texts beside each other are one, and an empty one is none. */
function seen({ type, attributes: named, children }: Element): unknown {
  const merged: unknown[] = [];
  for (const child of children) {
    const last = merged.at(-1);
    if (typeof child !== 'string') merged.push(seen(child));
    else if (typeof last === 'string') merged[merged.length - 1] = last + child;
    else if (child !== '') merged.push(child);
  }
  return [type, { ...named }, merged];
}

const READ = `(html) => {
  const read = (node) => node.nodeType === Node.TEXT_NODE ? node.data
    : node.nodeType === Node.ELEMENT_NODE ? [node.localName, Object.fromEntries([...node.attributes].map((one) => [one.name, one.value])), [...node.childNodes].map(read)]
    : 'strange ' + node.nodeType;
  return [...new DOMParser().parseFromString('<!doctype html><body>' + html, 'text/html').body.childNodes].map(read);
}`;

/** Chromium comes from npm for Linux x64 only; elsewhere the line above says that nothing ran. */
describe.skipIf(!HAS_BROWSER)('markup in a browser', () => {
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    browser = await launchBrowser();
    page = await browser.newPage();
  });
  afterAll(async () => browser?.close());

  it('elements, attributes and texts of any kind are read as they were meant, and nothing besides', async () => {
    await fc.assert(
      fc.asyncProperty(element, async (tree) => {
        expect(
          await page.evaluate(`(${READ})(${JSON.stringify(String(jsx(Fragment, { children: made(tree) })))})`),
        ).toEqual([seen(tree)]);
      }),
      { numRuns: 400 },
    );
  });

  it('every nasty text comes back, as an attribute and as a child', async () => {
    const children = STRINGS.map((one) => jsx('p', { title: holdable(one), children: holdable(one) }));
    const read = await page.evaluate(`(${READ})(${JSON.stringify(String(jsx(Fragment, { children })))})`);
    expect(read).toEqual(STRINGS.map(holdable).map((one) => ['p', { title: one }, one === '' ? [] : [one]]));
  });
});
