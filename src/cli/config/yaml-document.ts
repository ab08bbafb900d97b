/** YAML with the places of its nodes: one document of a file, and where in it a path of ours stands. */
import { isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseAllDocuments, type Document, type Node } from 'yaml';
import type { FileFault } from './fault.ts';
import type { SourceFile } from './source.ts';

export interface YamlDocument {
  readonly source: SourceFile;
  readonly value: Readonly<Record<string, unknown>>;
  /** A fault at the node that the path leads to, or at as much of it as is there. */
  faultAt(path: readonly (string | number)[], message: string): FileFault;
  /** The same for a path as the broker spells it: `kubernetes.jwksJson`, `bindings[0].role`. */
  faultAtText(under: readonly string[], text: string, message: string): FileFault;
}

/** A file that names itself over and over would otherwise grow without end. */
const MAX_ALIASES = 100;

export function readYaml(source: SourceFile): {
  readonly documents: readonly YamlDocument[];
  readonly faults: readonly FileFault[];
} {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(source.text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const documents: YamlDocument[] = [];
  const faults: FileFault[] = [];
  const at = (offset: number, message: string): FileFault => {
    const { line, col } = lines.linePos(offset);
    return { file: source.name, line: Math.max(line, 1), column: Math.max(col, 1), message };
  };
  for (const document of Array.isArray(parsed) ? parsed : []) {
    const wrong = [...document.errors, ...document.warnings];
    faults.push(...wrong.map(({ pos, message }) => at(pos[0], message)));
    if (wrong.length > 0 || document.contents === null) continue;
    const start = document.contents.range?.[0] ?? 0;
    const value = valueOf(document);
    if (typeof value === 'string') faults.push(at(start, value));
    else documents.push(documentOf(source, document, value, at));
  }
  return { documents, faults };
}

/** What it says, or what is wrong with it. */
function valueOf(document: Document): Readonly<Record<string, unknown>> | string {
  if (!isMap(document.contents)) return 'a document is a mapping that begins with kind';
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return { ...Object(value) };
  } catch (fault) {
    return fault instanceof Error ? fault.message : String(fault);
  }
}

function documentOf(
  source: SourceFile,
  document: Document,
  value: Readonly<Record<string, unknown>>,
  at: (offset: number, message: string) => FileFault,
): YamlDocument {
  return {
    source,
    value,
    faultAt: (path, message) =>
      at(
        offsetAt(document, (node, depth) => stepTo(node, path[depth])),
        message,
      ),
    faultAtText: (under, text, message) => {
      let rest = text;
      const take = (node: Node, depth: number) => {
        const name = under[depth];
        if (name !== undefined) return stepTo(node, name);
        const step = stepToText(node, rest);
        rest = step?.rest ?? '';
        return step?.found;
      };
      return at(offsetAt(document, take), message);
    },
  };
}

interface Found {
  readonly offset: number;
  readonly node: Node | undefined;
}

/** As far as the steps lead. */
function offsetAt(document: Document, step: (node: Node, depth: number) => Found | undefined): number {
  let node: Node | undefined = isNode(document.contents) ? document.contents : undefined;
  let offset = node?.range?.[0] ?? 0;
  for (let depth = 0; node !== undefined; depth++) {
    const found = step(node, depth);
    if (found === undefined) return offset;
    ({ offset, node } = found);
  }
  return offset;
}

/** A member's place is that of its name; a list's element has none, so it is that of its beginning. */
function stepTo(node: Node, name: string | number | undefined): Found | undefined {
  if (isSeq(node) && typeof name === 'number') return elementAt(node.items[name]);
  if (!isMap(node) || name === undefined) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(name));
  return pair === undefined || !isNode(pair.key)
    ? undefined
    : { offset: pair.key.range?.[0] ?? 0, node: isNode(pair.value) ? pair.value : undefined };
}

function elementAt(item: unknown): Found | undefined {
  if (isPair(item) || !isNode(item)) return undefined;
  return { offset: item.range?.[0] ?? 0, node: item };
}

/** Names may hold dots themselves (`attributeMapping.google.subject`), so the longest that is there is meant. */
function stepToText(node: Node, text: string): { readonly found: Found; readonly rest: string } | undefined {
  const path = text.replace(/^\./, '');
  if (isSeq(node)) {
    const [whole = '', index = ''] = /^\[(\d+)\]/.exec(path) ?? [];
    const found = index === '' ? undefined : stepTo(node, Number(index));
    return found === undefined ? undefined : { found, rest: path.slice(whole.length) };
  }
  if (!isMap(node)) return undefined;
  const names = node.items
    .flatMap(({ key }) => (isScalar(key) ? [String(key.value)] : []))
    .filter((name) => name !== '' && path.startsWith(name) && /^($|[.[])/.test(path.slice(name.length)))
    .toSorted((one, other) => other.length - one.length);
  const [name] = names;
  const found = name === undefined ? undefined : stepTo(node, name);
  return found === undefined || name === undefined ? undefined : { found, rest: path.slice(name.length) };
}
