/** Compiled policies, kept as long as they are asked for: compiling costs a hundred times what evaluating does. */
import type { Result } from '../result.ts';
import { compileCondition, type Condition, type ConditionScope } from './condition.ts';
import type { CelFault } from './fault.ts';
import { MAX_CONDITION_CHARACTERS } from './limits.ts';
import { HotMap } from '../hot-map.ts';
import { compileMapping, type Mapping } from './mapping.ts';

export interface PolicyCompiler {
  condition(source: string, scope: ConditionScope): Result<Condition, CelFault>;
  mapping(source: string): Result<Mapping, CelFault>;
}

export function createPolicyCompiler(maxEntries: number): PolicyCompiler {
  const conditions = new HotMap<Result<Condition, CelFault>>(maxEntries);
  const mappings = new HotMap<Result<Mapping, CelFault>>(maxEntries);
  return {
    condition: (source, scope) =>
      // Scopes hold no blank, so no source can pose as another scope's.
      remembered(conditions, `${scope} ${source}`, () => compileCondition(source, scope)),
    mapping: (source) => remembered(mappings, source, () => compileMapping(source)),
  };
}

function remembered<V>(cache: HotMap<V>, key: string, compile: () => V): V {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const fresh = compile();
  // What is too long is refused at once and must not fill the memory as a key.
  if (key.length <= MAX_CONDITION_CHARACTERS + 16) cache.set(key, fresh);
  return fresh;
}
