/**
 * Credential Access Boundary (WIRE.md A.8): what a downscoped token may at most, beside what its bearer may. It travels in the token itself, so
 * a token without one that can be read is no token.
 */
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import { compileCondition } from './policy/condition.ts';
import { newWriteBudget } from './policy/regex-cost.ts';
import { err, ok, type Result } from './result.ts';

export interface AccessBoundary {
  /** Together: what one of them lets through is let through. */
  readonly rules: readonly BoundaryRule[];
}

export interface BoundaryRule {
  /** A full resource name, `//iam.googleapis.com/projects/…`: that resource and what lies below it. */
  readonly resource: string;
  readonly roles: readonly string[];
  /** CEL; absent: always. */
  readonly condition?: string;
}

const MAX_RULES = 10;
const MAX_ROLES = 50;
const MAX_TEXT = 512;
const MAX_EXPRESSION = 2_048;
const IN_ROLE = 'inRole:';

/** As clients send it; or what is wrong with it. An unknown member refuses the whole: it may have been meant to narrow. */
export function parseAccessBoundary(document: JsonValue | undefined): Result<AccessBoundary, string> {
  const rules = isJsonObject(document) && hasOnly(document, ['accessBoundaryRules']) && document['accessBoundaryRules'];
  if (!Array.isArray(rules) || rules.length === 0) return err('must have accessBoundaryRules, a list of at least one');
  if (rules.length > MAX_RULES) return err(`has more than ${MAX_RULES} accessBoundaryRules`);
  const patterns = newWriteBudget();
  const parsed: BoundaryRule[] = [];
  for (const [index, rule] of rules.entries()) {
    const one = parseRule(rule, (expression) => compileCondition(expression, 'binding', patterns).ok);
    if (!one.ok) return err(`accessBoundaryRules[${index}] ${one.error}`);
    parsed.push(one.value);
  }
  return ok({ rules: parsed });
}

function parseRule(rule: JsonValue, compiles: (expression: string) => boolean): Result<BoundaryRule, string> {
  if (!isJsonObject(rule)) return err('is not an object');
  if (!hasOnly(rule, ['availableResource', 'availablePermissions', 'availabilityCondition'])) {
    return err('has a member that is not known');
  }
  const { availableResource: resource, availablePermissions: permissions, availabilityCondition: condition } = rule;
  if (typeof resource !== 'string' || !resource.startsWith('//') || resource.length > MAX_TEXT) {
    return err('must have availableResource, a full resource name beginning with //');
  }
  if (!Array.isArray(permissions) || permissions.length === 0 || permissions.length > MAX_ROLES) {
    return err(`must have availablePermissions, 1 to ${MAX_ROLES}`);
  }
  const roles = permissions.filter(
    (one): one is string => typeof one === 'string' && one.startsWith(IN_ROLE) && one.length <= MAX_TEXT,
  );
  if (roles.length < permissions.length) return err(`has an availablePermission that does not begin with ${IN_ROLE}`);
  const found = { resource, roles: roles.map((one) => one.slice(IN_ROLE.length)) };
  if (condition === undefined || condition === null) return ok(found);
  const expression = isJsonObject(condition) ? condition['expression'] : undefined;
  if (typeof expression !== 'string' || expression === '' || expression.length > MAX_EXPRESSION) {
    return err(`has an availabilityCondition without an expression of at most ${MAX_EXPRESSION} characters`);
  }
  return compiles(expression)
    ? ok({ ...found, condition: expression })
    : err('has an availabilityCondition that does not compile');
}

function hasOnly(document: JsonObject, members: readonly string[]): boolean {
  return Object.keys(document).every((member) => members.includes(member));
}

/** As it stands in a token. */
export function boundaryClaim({ rules }: AccessBoundary): JsonObject {
  return {
    rules: rules.map(({ resource, roles, condition }) => ({
      resource,
      roles,
      ...(condition === undefined ? {} : { condition }),
    })),
  };
}

/** Of a token's own claim; `broken` where there is one that cannot be read: closed, for it was there to narrow. */
export function boundaryIn(claim: JsonValue | undefined): AccessBoundary | undefined | 'broken' {
  if (claim === undefined) return undefined;
  const rules = isJsonObject(claim) ? claim['rules'] : undefined;
  if (!Array.isArray(rules)) return 'broken';
  const read = rules.map(ruleIn);
  const whole = read.filter((rule) => rule !== undefined);
  return whole.length === rules.length ? { rules: whole } : 'broken';
}

function ruleIn(rule: JsonValue): BoundaryRule | undefined {
  if (!isJsonObject(rule)) return undefined;
  const { resource, roles, condition } = rule;
  if (typeof resource !== 'string' || !Array.isArray(roles)) return undefined;
  if (condition !== undefined && typeof condition !== 'string') return undefined;
  const texts = roles.filter((role) => typeof role === 'string');
  return { resource, roles: texts, ...(condition === undefined ? {} : { condition }) };
}
