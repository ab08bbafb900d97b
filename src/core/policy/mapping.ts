/** Attribute mappings: from the claims of an assertion to a string, or to the strings of `google.groups`. */
import { isCelList } from '@bufbuild/cel';
import { err, ok, type Result } from '../result.ts';
import { Refusal } from './budget.ts';
import type { CelFault } from './fault.ts';
import { MAX_MAPPING_CHARACTERS } from './limits.ts';
import { compile, evaluate, languageOf, type Program } from './program.ts';
import type { PatternBudget } from './regex-cost.ts';
import { assertionActivation } from './variables.ts';

export interface Mapping {
  readonly source: string;
  readonly program: Program;
}

export function compileMapping(source: string, patterns?: PatternBudget): Result<Mapping, CelFault> {
  const program = compile(source, languageOf('mapping'), MAX_MAPPING_CHARACTERS, ['string', 'list'], patterns);
  return program.ok ? ok({ source, program: program.value }) : program;
}

export function evaluateMapping(
  mapping: Mapping,
  assertion: Readonly<Record<string, unknown>>,
): Result<string | readonly string[], string> {
  try {
    const result = evaluate(mapping.program, assertionActivation(assertion));
    if (!result.ok) return result;
    if (typeof result.value === 'string') return ok(result.value);
    const elements: readonly unknown[] = isCelList(result.value) ? [...result.value] : [result.value];
    const texts = elements.filter((element) => typeof element === 'string');
    const isListOfStrings = isCelList(result.value) && texts.length === elements.length;
    return isListOfStrings ? ok(texts) : err('the result is neither a string nor a list of strings');
  } catch (error) {
    return err(error instanceof Refusal ? error.message : 'the claims are not readable');
  }
}
