/** Random expressions in two engines: whenever both have a value it must be the same one, and where only the other has one, we must know why. */
import * as fc from 'fast-check';
import { ours, theirs, type Outcome } from './engines.ts';
import { expressionIn, TEXTS } from './expressions.ts';
import { variablesIn, type FuzzScope, type Variables } from './variables.ts';

export interface Figures {
  expressions: number;
  /** Compared, and the same. */
  same: number;
  /** Compared and different, for the one reason that is known. */
  partsOfASecond: number;
  /** Only ours had a value. */
  onlyOurs: number;
  /** Only the other had one, for a reason of `STRICTER`. */
  onlyTheirs: number;
  neither: number;
  /** How often each kind of value was the same. */
  readonly kinds: Map<string, number>;
}

interface Options {
  readonly cases: number;
  readonly seed: number;
  /** Ours, unless a test puts a wrong one in its place. */
  readonly engine?: typeof ours;
}

const SCOPES: readonly FuzzScope[] = ['attribute', 'binding'];

/** Where the specification wants an error and the other engine goes on, or where a literal is refused already when written. */
const STRICTER = [
  // `int(1e21)` has more than 64 bits.
  /^int overflow during type conversion/,
  // `int('')` is no zero.
  /^this string is not a (?:whole )?number/,
  /^refused: (?:int|double|timestamp)\(\) cannot read this literal/,
];

/** Throws with the seed and the smallest expression on which the engines differ. */
export function fuzzCel({ cases, seed, engine = ours }: Options): Figures {
  const figures: Figures = {
    expressions: 0,
    same: 0,
    partsOfASecond: 0,
    onlyOurs: 0,
    onlyTheirs: 0,
    neither: 0,
    kinds: new Map(),
  };
  for (const scope of SCOPES) {
    const compared = fc.property(expressionIn(scope), variablesIn(scope, TEXTS), (source, variables) => {
      compare(source, variables, engine, figures);
    });
    fc.assert(compared, { numRuns: Math.ceil(cases / SCOPES.length), seed });
  }
  return figures;
}

function compare(source: string, variables: Variables, engine: typeof ours, figures: Figures): void {
  const [one, other] = [engine(source, variables), theirs(source, variables)];
  figures.expressions += 1;
  if (one.value === undefined && other.value === undefined) figures.neither += 1;
  else if (other.value === undefined) figures.onlyOurs += 1;
  else if (one.value === undefined && isStricter(one)) figures.onlyTheirs += 1;
  else if (one.value === other.value) {
    figures.same += 1;
    const kind = kindOf(one.value ?? '');
    figures.kinds.set(kind, (figures.kinds.get(kind) ?? 0) + 1);
  } else if (isAboutPartsOfASecond(source, variables, engine)) figures.partsOfASecond += 1;
  else throw new Error(`${source}\n  ours:   ${shown(one)}\n  theirs: ${shown(other)}`);
}

function isStricter(outcome: Outcome): boolean {
  return outcome.value === undefined && STRICTER.some((pattern) => pattern.test(outcome.reason));
}

/** There durations are milliseconds in floating point, and normalised another way: the same expression in whole seconds must not differ. */
function isAboutPartsOfASecond(source: string, variables: Variables, engine: typeof ours): boolean {
  const whole = source.replaceAll(/\.\d{3}Z/g, 'Z').replaceAll(/0\.5s|250ms|1ms/g, '1s');
  if (whole === source) return false;
  const [one, other] = [engine(whole, variables), theirs(whole, variables)];
  return one.value === other.value || other.value === undefined || isStricter(one);
}

function kindOf(value: string): string {
  if (value.startsWith('"')) return 'string';
  if (value.startsWith('[')) return 'list';
  if (value.startsWith('{')) return 'map';
  return value.split(' ')[0] ?? value;
}

function shown(outcome: Outcome): string {
  return outcome.value ?? `no value (${outcome.reason})`;
}
