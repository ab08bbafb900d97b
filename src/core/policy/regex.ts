/** Regular expressions in linear time (RE2), compiled once, and no larger than what linear time can bear. */
import { RE2JS } from '@bufbuild/re2';
import { Refusal, spend } from './budget.ts';
import { MAX_PATTERN_CHARACTERS, MAX_PATTERN_REPEATS, MAX_PATTERN_WEIGHT, MAX_SUBJECT_CHARACTERS } from './limits.ts';
import { BoundedMap } from '../bounded-map.ts';

interface Pattern {
  readonly automaton: RE2JS;
  readonly instructions: number;
  /** Characters it may still see before it is made anew: its automaton remembers transitions for ever, whatever subjects an attacker sends. */
  charactersLeft: number;
}

const CHARACTERS_PER_LIFE = 65_536;
const compiled = new BoundedMap<Pattern>(64);

/** Like CEL's `matches`: anywhere in the subject. Throws a Refusal when pattern or subject are out of bounds. */
export function matchesPattern(subject: string, pattern: string): boolean {
  if (subject.length > MAX_SUBJECT_CHARACTERS) throw new Refusal('the subject of matches() is too long');
  const { automaton } = patternFor(subject.length, pattern);
  return automaton.test(subject);
}

/** The reason why a pattern is refused, or undefined. */
export function patternProblem(pattern: string): string | undefined {
  try {
    compile(pattern);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : 'not a regular expression';
  }
}

function patternFor(subjectLength: number, pattern: string): Pattern {
  const known = compiled.get(pattern);
  const usable = known !== undefined && known.charactersLeft >= 0 ? known : compileForUse(pattern);
  // The automaton's worst case is one step for each instruction and character.
  spend(1 + Math.ceil((usable.instructions * subjectLength) / 16));
  usable.charactersLeft -= subjectLength;
  return usable;
}

function compileForUse(pattern: string): Pattern {
  spend(20 + pattern.length);
  const fresh = compile(pattern);
  compiled.set(pattern, fresh);
  return fresh;
}

function compile(pattern: string): Pattern {
  if (pattern.length > MAX_PATTERN_CHARACTERS) {
    throw new Refusal(`a regular expression has at most ${MAX_PATTERN_CHARACTERS} characters`);
  }
  if (weigh(pattern) > MAX_PATTERN_WEIGHT) throw new Refusal('the repetitions of this regular expression are too many');
  const automaton = compileRe2(pattern);
  const engine = automaton.re2();
  const instructions = engine.prog.numInst();
  if (instructions > 4 * MAX_PATTERN_WEIGHT) throw new Refusal('this regular expression is too large');
  engine.dfa.stateLimit = 256;
  return { automaton, instructions, charactersLeft: CHARACTERS_PER_LIFE };
}

function compileRe2(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch {
    throw new Refusal('this is not a regular expression of RE2');
  }
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
