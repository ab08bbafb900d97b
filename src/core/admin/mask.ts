/** Update masks: which members of a document a patch replaces. What is named and absent returns to its default. */
import { err, ok, type Result } from '../result.ts';
import { invalid, type AdminDenial } from './denial.ts';
import { wrong, type Violations } from './fields.ts';

/** A command's document seen as members by name; only constant paths ever reach into it. */
interface Document {
  readonly [field: string]: unknown;
}

/** Every member there is (AIP-134): the whole document is replaced. */
const EVERYTHING = '*';

/** `current` with the members that `mask` names taken from `input`; only paths in `known` may be named. */
export function overlay<T extends object>(
  current: T,
  input: T,
  mask: readonly string[],
  known: ReadonlySet<string>,
): Result<T, AdminDenial> {
  if (replacesEverything(mask)) return overlay(current, input, wholePaths(known), known);
  if (mask.includes(EVERYTHING)) {
    return err(invalid('updateMask', `"${EVERYTHING}" means every path and must stand alone`));
  }
  const unknown = mask.filter((path) => !known.has(path));
  if (unknown.length > 0) {
    const violations = unknown.map((path) => ({ field: 'updateMask', description: `unknown path "${path}"` }));
    return err({ tag: 'invalid_argument', violations });
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the members come from two documents of type T, each whole
  return ok(mask.reduce((result, path) => replaced(result, asDocument(input), path), asDocument(current)) as T);
}

/** Members that a document has and its mask does not name: whoever wrote both meant something else than what would be done. */
export function outsideMask(input: object, mask: readonly string[]): Violations {
  if (replacesEverything(mask)) return [];
  return Object.keys(input)
    .filter((field) => !mask.includes(field))
    .flatMap((field) => wrong(field, 'is not named by updateMask: leave it out, or name it'));
}

export function replacesEverything(mask: readonly string[]): boolean {
  return mask.length === 1 && mask[0] === EVERYTHING;
}

function wholePaths(known: ReadonlySet<string>): readonly string[] {
  return [...known].filter((path) => !path.includes('.'));
}

function replaced(current: Document, input: Document, path: string): Document {
  const dot = path.indexOf('.');
  if (dot < 0) {
    const { [path]: _replaced, ...others } = current;
    return input[path] === undefined ? others : { ...others, [path]: input[path] };
  }
  const head = path.slice(0, dot);
  const inner = replaced(asDocument(current[head]), asDocument(input[head]), path.slice(dot + 1));
  return { ...current, [head]: inner };
}

function asDocument(value: unknown): Document {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an object is its members; what they are stays unknown
  return typeof value === 'object' && value !== null ? (value as Document) : {};
}
