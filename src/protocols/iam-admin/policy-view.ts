/** A policy as the caller asked to see it: whole in version 3, else as Google shows conditions to callers who do not know them. */
import { policyEtag } from '../../core/admin/policies.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Binding, ConditionText, Policy } from '../../core/resources.ts';

const VERSION_WITH_CONDITIONS = 3;

export function renderPolicy(policy: Policy, requestedVersion: number): JsonObject {
  const etag = policyEtag(policy);
  if (policy.revision === 0) return { etag };
  const whole = policy.version !== VERSION_WITH_CONDITIONS || requestedVersion === VERSION_WITH_CONDITIONS;
  const bindings = policy.bindings.map((binding) => renderBinding(binding, whole));
  return { version: whole ? policy.version : 1, etag, ...(bindings.length > 0 ? { bindings } : {}) };
}

/** As it was just written; what its writer should know is told with the answer and never kept. */
export function renderWritten(policy: Policy, warnings: readonly string[]): JsonObject {
  return { ...renderPolicy(policy, VERSION_WITH_CONDITIONS), ...(warnings.length > 0 ? { warnings } : {}) };
}

/** Under its changed name the role can be read and not be written back: no condition is ever dropped by accident. */
function renderBinding({ role, members, condition, dryRunCondition }: Binding, whole: boolean): JsonObject {
  const text = condition ?? dryRunCondition;
  if (text === undefined) return { role, members };
  if (!whole) return { role: `${role}_withcond_${hash(text)}`, members };
  return {
    role,
    members,
    ...(condition === undefined ? {} : { condition: { ...condition } }),
    ...(dryRunCondition === undefined ? {} : { dryRunCondition: { ...dryRunCondition } }),
  };
}

const FNV_OFFSET = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;

/** FNV-1a, 64 bits: it tells conditions apart for a reader, and protects nothing. */
function hash({ expression, title, description, location }: ConditionText): string {
  let sum = FNV_OFFSET;
  for (const byte of new TextEncoder().encode(JSON.stringify([expression, title, description, location]))) {
    sum = BigInt.asUintN(64, (sum ^ BigInt(byte)) * FNV_PRIME);
  }
  return sum.toString(16).padStart(16, '0');
}
