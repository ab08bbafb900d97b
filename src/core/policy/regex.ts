/** Regular expressions in linear time (RE2), compiled once, and no larger than what linear time can bear. */
import { RE2JS } from '@bufbuild/re2';
import { Refusal, spend } from './budget.ts';
import { MAX_PATTERN_WEIGHT, MAX_SUBJECT_CHARACTERS } from './limits.ts';
import { type PatternBudget, unitsToCompile } from './regex-cost.ts';
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

/** The reason why a pattern is refused, or undefined. Charged alike whether it is remembered or not: what may be written hangs on no cache. */
export function patternProblem(pattern: string, budget: PatternBudget): string | undefined {
  try {
    budget.work -= 20;
    const units = unitsToCompile(pattern);
    if (units > budget.work) {
      budget.work = 0;
      return 'the regular expressions checked together are too much; write fewer or simpler ones';
    }
    budget.work -= units;
    if (compiled.get(pattern) === undefined) compile(pattern);
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
  // Before the work, and also for what is refused: `||` would absorb a refusal that is free as often as it likes.
  spend(20 + pattern.length);
  spend(unitsToCompile(pattern));
  const fresh = compile(pattern);
  compiled.set(pattern, fresh);
  return fresh;
}

function compile(pattern: string): Pattern {
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
