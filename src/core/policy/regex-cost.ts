/** What compiling a regular expression will cost, told from its text: known and paid for before the work begins. */
import { Refusal } from './budget.ts';
import {
  MAX_FOLDED_RANGE,
  MAX_PATTERN_CHARACTERS,
  MAX_PATTERN_REPEATS,
  MAX_PATTERN_WEIGHT,
  MAX_PATTERN_WORK,
  PATTERNS_OF_ONE_CONDITION,
  PATTERNS_OF_ONE_WRITE,
} from './limits.ts';
import { classesOf } from './regex-ranges.ts';

/** What the literal patterns that are checked together may still cost. */
export interface PatternBudget {
  work: number;
}

/** For one condition that stands alone. */
export function newPatternBudget(): PatternBudget {
  return { work: PATTERNS_OF_ONE_CONDITION };
}

/** For all conditions of one write: a policy may hold hundreds. */
export function newWriteBudget(): PatternBudget {
  return { work: PATTERNS_OF_ONE_WRITE };
}

/** Some hundred ranges are joined for each. */
const UNICODE_CLASS = 256;
/**
 * The first time that an isolate meets one, the compiler asks of each of a million characters whether it belongs: some 20 ms, which no
 * evaluation could pay. Of two hundred names, those that are asked for stay.
 */
const PROPERTIES = new Set([
  'Any',
  'Ascii',
  'C',
  'L',
  'Ll',
  'Lo',
  'Lu',
  'M',
  'N',
  'Nd',
  'P',
  'S',
  'Z',
  'Cyrillic',
  'Greek',
  'Han',
  'Latin',
]);
const FOLDED_GROUP = 32;

/** Throws a Refusal for a pattern that nobody may compile. */
export function unitsToCompile(pattern: string): number {
  if (pattern.length > MAX_PATTERN_CHARACTERS) {
    throw new Refusal(`a regular expression has at most ${MAX_PATTERN_CHARACTERS} characters`);
  }
  const weight = weigh(pattern);
  if (weight > MAX_PATTERN_WEIGHT) throw new Refusal('the repetitions of this regular expression are too many');
  const { walks, properties } = classesOf(pattern);
  if (properties.some((name) => !PROPERTIES.has(name))) {
    throw new Refusal(`of the classes of Unicode there are ${[...PROPERTIES].join(', ')}`);
  }
  const units = pattern.length + 2 * weight + UNICODE_CLASS * properties.length + foldingUnits(pattern, walks);
  if (units > MAX_PATTERN_WORK) throw new Refusal('this regular expression has too many large classes');
  return units;
}

/** The compiler folds a range character by character. Where `i` is set anywhere it counts as set everywhere. */
function foldingUnits(pattern: string, walks: readonly number[]): number {
  if (!/\(\?[imsU-]*i/.test(pattern)) return 0;
  if (walks.some((characters) => characters > MAX_FOLDED_RANGE)) {
    throw new Refusal(`with (?i) a range of characters is at most ${MAX_FOLDED_RANGE} long`);
  }
  const folded = walks.reduce((sum, characters) => sum + characters, 0);
  return folded + FOLDED_GROUP * countOf(pattern, /\\[dsw]|\[:/gi);
}

function countOf(pattern: string, piece: RegExp): number {
  return pattern.match(piece)?.length ?? 0;
}

/** How large the automaton gets once `{n}` is written out; repetitions inside repetitions multiply. */
function weigh(pattern: string): number {
  const groups = [0];
  let last = 0;
  let offset = 0;
  const add = (weight: number): void => {
    groups.push((groups.pop() ?? 0) + weight);
    last = weight;
  };
  while (offset < pattern.length) {
    const rest = pattern.slice(offset);
    const repeat = /^\{(\d+)(?:,(\d*))?\}/.exec(rest);
    if (repeat !== null) {
      const count = Math.max(Number(repeat[1]), Number(repeat[2] ?? 0));
      if (count > MAX_PATTERN_REPEATS) throw new Refusal(`a repetition has at most ${MAX_PATTERN_REPEATS} rounds`);
      const one = last;
      add(one * Math.max(count - 1, 0));
      last = one * Math.max(count, 1);
      offset += repeat[0].length;
      continue;
    }
    const atom = atomLength(rest);
    if (rest.startsWith('(')) {
      groups.push(0);
    } else if (rest.startsWith(')') && groups.length > 1) {
      add((groups.pop() ?? 0) + 2);
    } else {
      add(rest.startsWith('\\Q') ? atom : 1);
    }
    offset += atom;
  }
  return groups.reduce((sum, weight) => sum + weight, 0);
}

/** How many characters make up the next atom: an escape and a class are one, and so is a bracket with its flags. */
function atomLength(rest: string): number {
  const literal = /^\\Q.*?(?:\\E|$)/s.exec(rest);
  const escape = /^\\(?:[pPx]\{[^}]*\}|.)/s.exec(rest);
  const characterClass = /^\[\^?\]?(?:\[:[^:\]]*:\]|\\(?:[pPx]\{[^}]*\}|.)|[^\]\\])*\]/s.exec(rest);
  const group = /^\((?:\?(?:P?<\w*>|[a-zA-Z-]*:?))?/.exec(rest);
  return (literal ?? escape ?? characterClass ?? group)?.[0].length ?? 1;
}
