/** Short ways to compile and evaluate in tests; what is expected to compile and does not is a failure of the test. */
import {
  compileCondition,
  evaluateCondition,
  type CelFault,
  type Condition,
  type ConditionScope,
} from '../../../src/core/policy/condition.ts';
import type { AttributeVariables, BindingVariables } from '../../../src/core/policy/variables.ts';
import type { Result } from '../../../src/core/result.ts';

export const CLAIMS: Readonly<Record<string, unknown>> = {
  sub: 'system:serviceaccount:default:builder',
  exp: 1_893_456_000,
  n: 2,
  half: 2.5,
  flag: true,
  nothing: null,
  groups: ['a', 'b', 'c'],
  nested: { list: [1, 2], map: { key: 'value' } },
  sentence: 'a€😀',
};

export const RESOURCE: BindingVariables['resource'] = {
  name: 'projects/_/buckets/acme/objects/x',
  type: 'storage.googleapis.com/Object',
  service: 'storage.googleapis.com',
  tags: { '123/env': 'prod' },
  tagIds: { 'tagKeys/1': 'tagValues/2' },
};

/** 2026-03-10T12:00:00Z */
export const NOON = 1_773_144_000;

export function compiled(source: string, scope: ConditionScope): Condition {
  const result = compileCondition(source, scope);
  if (!result.ok) throw new Error(`${source}: ${result.error.message}`);
  return result.value;
}

export function fault(source: string, scope: ConditionScope = 'attribute'): CelFault {
  const result = compileCondition(source, scope);
  if (result.ok) throw new Error(`${source} compiles`);
  return result.error;
}

export function withClaims(source: string, assertion = CLAIMS): Result<boolean, string> {
  const variables: AttributeVariables = { assertion, google: { subject: 'ns/a/sa/b' }, attribute: { env: 'prod' } };
  return evaluateCondition(compiled(source, 'attribute'), variables);
}

export function atTime(source: string, requestTimeSeconds = NOON, resource = RESOURCE): Result<boolean, string> {
  return evaluateCondition(compiled(source, 'binding'), { requestTimeSeconds, resource });
}
