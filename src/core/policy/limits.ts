/** What a policy author may ask of the evaluator at most: every policy of every tenant runs in the same isolate. */
export const MAX_CONDITION_CHARACTERS = 4096;
export const MAX_MAPPING_CHARACTERS = 2048;

/** Brackets leave no trace in the syntax tree, yet the parser recurses into each of them: they are counted before it runs. */
export const MAX_BRACKET_DEPTH = 32;
export const MAX_NODES = 500;
export const MAX_DEPTH = 40;
export const MAX_LOOP_NESTING = 2;

/** About one visited node each; a policy that needs more than some milliseconds is an attack or a mistake. */
export const EVALUATION_BUDGET = 20_000;

/** `x + x` in a chain of map() doubles with each link: 40 links would be a terabyte. */
export const MAX_STRING_CHARACTERS = 16_384;
export const MAX_LIST_ELEMENTS = 1_000;
export const MAX_CLAIM_DEPTH = 32;

export const MAX_PATTERN_CHARACTERS = 256;
export const MAX_PATTERN_REPEATS = 100;
export const MAX_PATTERN_WEIGHT = 500;
export const MAX_SUBJECT_CHARACTERS = 4_096;

/** Ignoring case, RE2 walks each range character by character, up to 125,000 of them: the largest alphabet fits, ideographs (without case) do not. */
export const MAX_FOLDED_RANGE = 1_024;

/** Of units as in an evaluation, which must be able to pay for what may be written. */
export const MAX_PATTERN_WORK = 10_000;
export const PATTERNS_OF_ONE_CONDITION = 20_000;
export const PATTERNS_OF_ONE_WRITE = 400_000;
