/** The same expression in both engines: ours on the whole road of a condition, the other as it comes. */
import { isCelList, isCelMap, isCelUint, type CelValue } from '@bufbuild/cel';
import { Environment } from '@marcbachmann/cel-js';
import { TYPE_NAMES } from '../../../../src/core/policy/declarations.ts';
import { nanosOf } from '../../../../src/core/policy/equality.ts';
import { MAX_CONDITION_CHARACTERS } from '../../../../src/core/policy/limits.ts';
import { compile, evaluate, languageOf } from '../../../../src/core/policy/program.ts';
import { attributeActivation, bindingActivations } from '../../../../src/core/policy/variables.ts';
import type { Variables } from './variables.ts';

/** A value written down with the kind of each of its parts, so that both engines' values can be compared as texts. */
export type Written = string;

const RESULT_TYPES = [...TYPE_NAMES, 'google.protobuf.Timestamp', 'google.protobuf.Duration'];

/** `refused` when it is written, or an error when it is evaluated: then there is no value to compare. */
export type Outcome = { readonly value: Written } | { readonly value: undefined; readonly reason: string };

export function ours(source: string, { scope, of }: Variables): Outcome {
  const program = compile(source, languageOf(scope), MAX_CONDITION_CHARACTERS, RESULT_TYPES);
  if (!program.ok) return { value: undefined, reason: `refused: ${program.error.message}` };
  const activation =
    scope === 'attribute'
      ? attributeActivation(of)
      : bindingActivations(of.resource, of.workload)(of.requestTimeSeconds);
  const result = evaluate(program.value, activation);
  return result.ok ? { value: written(result.value) } : { value: undefined, reason: result.error };
}

const environment = new Environment({ unlistedVariablesAreDyn: true, homogeneousAggregateLiterals: false });

export function theirs(source: string, { scope, of }: Variables): Outcome {
  // There `google` is a package and cannot be bound.
  const text = source.replaceAll(/\bgoogle\b/g, 'idp');
  const context =
    scope === 'attribute'
      ? { assertion: of.assertion, idp: of.google, attribute: of.attribute }
      : { request: { time: new Date(of.requestTimeSeconds * 1000), workload: of.workload }, resource: of.resource };
  try {
    const value: unknown = environment.evaluate(text, context);
    return { value: writtenOther(value) };
  } catch (error) {
    return { value: undefined, reason: error instanceof Error ? error.message : 'threw' };
  }
}

function written(value: CelValue): Written {
  if (isCelUint(value)) return `uint ${value.value}`;
  if (isCelList(value)) return `[${Array.from(value, written).join(', ')}]`;
  if (isCelMap(value)) return map([...value].map(([key, member]) => [written(key), written(member)]));
  const instant = typeof value === 'object' ? nanosOf(value) : undefined;
  return instant === undefined ? scalar(value) : `${instant.kind} ${instant.nanos}`;
}

function writtenOther(value: unknown): Written {
  if (Array.isArray(value)) return `[${value.map(writtenOther).join(', ')}]`;
  if (value instanceof Date) return `timestamp ${BigInt(value.getTime()) * 1_000_000n}`;
  if (value instanceof Map) return map([...value].map(([key, member]) => [writtenOther(key), writtenOther(member)]));
  if (typeof value !== 'object' || value === null) return scalar(value);
  if ('seconds' in value && 'nanos' in value) {
    return `duration ${BigInt(String(value.seconds)) * 1_000_000_000n + BigInt(String(value.nanos))}`;
  }
  return map(Object.entries(value).map(([key, member]) => [writtenOther(key), writtenOther(member)]));
}

function map(entries: readonly (readonly [key: Written, member: Written])[]): Written {
  return `{${entries
    .map(([key, member]) => `${key}: ${member}`)
    .toSorted()
    .join(', ')}}`;
}

function scalar(value: unknown): Written {
  switch (typeof value) {
    case 'bigint':
      return `int ${value}`;
    case 'number':
      return `double ${Object.is(value, -0) ? '-0' : value}`;
    case 'string':
      return JSON.stringify(value);
    case 'boolean':
      return String(value);
    default:
      if (value === null) return 'null';
      throw new Error('a value of no known kind');
  }
}
