/** What a binding's condition may ask about the resource. The checker lets each be called on its own variable only. */
import { celMethod, CelScalar, listType, mapType, type CelFunc } from '@bufbuild/cel';
import { Refusal } from './budget.ts';

const { BOOL, DYN, STRING } = CelScalar;
const MAP = mapType(DYN, DYN);
const LIST = listType(DYN);

/** Receivers as they are written; the tag methods are handed the tags themselves when the expression is lowered. */
export const RECEIVERS: ReadonlyMap<string, { readonly root: string; readonly variable: string }> = new Map([
  ['matchTag', { root: 'resource', variable: '@tags' }],
  ['hasTagKey', { root: 'resource', variable: '@tags' }],
  ['matchTagId', { root: 'resource', variable: '@tagIds' }],
  ['hasTagKeyId', { root: 'resource', variable: '@tagIds' }],
  ['getAttribute', { root: 'api', variable: 'api' }],
  ['isForwardingRuleCreationOperation', { root: 'compute', variable: 'compute' }],
  ['matchLoadBalancingSchemes', { root: 'compute', variable: 'compute' }],
]);

export function resourceFunctions(): CelFunc[] {
  return [
    ...['matchTag', 'matchTagId'].map((name) =>
      celMethod(name, MAP, [STRING, STRING], BOOL, function (key, value) {
        return this.get(key) === value;
      }),
    ),
    ...['hasTagKey', 'hasTagKeyId'].map((name) =>
      celMethod(name, MAP, [STRING], BOOL, function (key) {
        return this.get(key) !== undefined;
      }),
    ),
    // Only a change of a policy has attributes; everything else answers the default.
    celMethod('getAttribute', MAP, [STRING, DYN], DYN, function (name, otherwise) {
      return this.get(name) ?? otherwise;
    }),
    // Nothing here is a load balancer. `false` would make the negation of either grant.
    celMethod('isForwardingRuleCreationOperation', MAP, [], BOOL, unavailable),
    celMethod('matchLoadBalancingSchemes', MAP, [LIST], BOOL, unavailable),
  ];
}

function unavailable(): never {
  throw new Refusal('this has no meaning here');
}
