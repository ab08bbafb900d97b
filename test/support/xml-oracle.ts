/** What another strict reader reads in a document. It shares nothing with ours. */
import { SaxesParser } from 'saxes';

export interface OtherReading {
  /** What stands in each element by its place, in the order in which they open, '' where elements stand in it; a place may be there twice. */
  readonly elements: readonly (readonly [string, string])[];
  /** Whether there is nothing but elements, and texts in those without elements, in UTF-8 and XML 1.0: no document type, CDATA, comment or instruction. */
  readonly isPlain: boolean;
}

/** Undefined where the document is not well-formed. */
export function readBySaxes(document: string): OtherReading | undefined {
  const elements: { readonly place: string; text: string; isParent: boolean }[] = [];
  const open: typeof elements = [];
  let isPlain = true;
  let isFaulty = false;
  const parser = new SaxesParser();
  parser.on('opentag', ({ name }) => {
    const parent = open.at(-1);
    if (parent !== undefined) parent.isParent = true;
    const element = { place: parent === undefined ? name : `${parent.place}/${name}`, text: '', isParent: false };
    open.push(element);
    elements.push(element);
  });
  parser.on('text', (text) => {
    const element = open.at(-1);
    if (element !== undefined) element.text += text;
  });
  parser.on('closetag', () => void open.pop());
  const hidden = (): void => {
    isPlain = false;
  };
  parser.on('doctype', hidden);
  parser.on('cdata', hidden);
  parser.on('comment', hidden);
  parser.on('processinginstruction', hidden);
  parser.on('xmldecl', ({ version, encoding = 'UTF-8', standalone }) => {
    if (version !== '1.0' || encoding.toUpperCase() !== 'UTF-8' || standalone !== undefined) isPlain = false;
  });
  parser.on('error', () => {
    isFaulty = true;
  });
  try {
    parser.write(document).close();
  } catch {
    return undefined;
  }
  if (isFaulty) return undefined;
  return {
    elements: elements.map(({ place, text, isParent }) => [place, isParent ? '' : text]),
    isPlain: isPlain && elements.every(({ text, isParent }) => !isParent || /^[ \t\n]*$/.test(text)),
  };
}
