/** Conditions that lint looks at: each text once, and no more of them than one write may cost. */
import { looseHosts } from '../../policy/loose-hosts.ts';
import { neverTrue, type SearchBudget, type World } from '../../policy/never-true.ts';

/** Sentences about an expression that compiles, each with its place in it. */
export type ConditionReader = (expression: string, world: World) => readonly string[];

/** Parsing is what costs; a policy of a megabyte is looked at in part. */
const MAX_CHARACTERS_READ = 131_072;

export function createConditionReader(): ConditionReader {
  const known = new Map<string, readonly string[]>();
  const budget: SearchBudget = { evaluations: 4_000, work: 200_000 };
  let charactersLeft = MAX_CHARACTERS_READ;
  return (expression, world) => {
    const key = `${world.scope} ${world.resource !== undefined} ${expression}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    charactersLeft -= expression.length;
    const sentences = charactersLeft < 0 ? [] : read(expression, world);
    known.set(key, sentences);
    return sentences;
  };

  function read(expression: string, world: World): readonly string[] {
    const never = neverTrue(expression, world, budget);
    return [...(never === undefined ? [] : [never]), ...looseHosts(expression)].map(
      ({ line, column, message }) => `line ${line}, column ${column}: ${message}`,
    );
  }
}
