/** Bindings of an allow policy: every rule about roles, members and conditions, and the normal form they are kept in. */
import { parseMember } from '../members.ts';
import { compileCondition } from '../policy/condition.ts';
import { newWriteBudget } from '../policy/regex-cost.ts';
import type { Binding, ConditionText } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import { celViolation } from './cel.ts';
import { checkDescription, checkLength, checkNoControl, wrong, type Violations } from './fields.ts';

/** The name under which a role is kept, or why it cannot be bound. */
export type RoleResolver = (name: string) => Result<string, string>;

const MAX_PRINCIPALS = 1_500;
const MAX_BINDINGS = 1_500;
const MAX_CONDITIONS_OF_ONE_GRANT = 20;

/** Equal bindings merged, members once each, empty bindings dropped. */
export function checkBindings(
  field: string,
  bindings: readonly Binding[],
  resolveRole: RoleResolver,
): Result<readonly Binding[], Violations> {
  // Sizes before contents: what is refused for its size must not cost what checking and merging all of it costs.
  const tooLarge = [...checkCount(field, bindings), ...checkPrincipals(field, bindings)];
  if (tooLarge.length > 0) return err(tooLarge);
  const compile = compiledOnce();
  const checked = bindings.map((binding, index) => checkBinding(`${field}[${index}]`, binding, resolveRole, compile));
  const violations = checked.flatMap((one) => (one.ok ? [] : one.error));
  if (violations.length > 0) return err(violations);
  const merged = merge(checked.flatMap((one) => (one.ok ? [one.value] : [])));
  const tooMany = checkRepeatedGrants(field, merged);
  return tooMany.length > 0 ? err(tooMany) : ok(merged);
}

/** One on trial counts: a writer who does not know conditions would drop it. */
export function isConditional({ condition, dryRunCondition }: Binding): boolean {
  return condition !== undefined || dryRunCondition !== undefined;
}

export type Compile = (expression: string) => ReturnType<typeof compileCondition>;

/** One expression often stands in many bindings, and compiling is what costs; the patterns of all of them have one budget. */
export function compiledOnce(): Compile {
  const known = new Map<string, ReturnType<Compile>>();
  const patterns = newWriteBudget();
  return (expression) => {
    const compiled = known.get(expression) ?? compileCondition(expression, 'binding', patterns);
    known.set(expression, compiled);
    return compiled;
  };
}

function checkBinding(
  field: string,
  binding: Binding,
  resolveRole: RoleResolver,
  compile: Compile,
): Result<Binding, Violations> {
  const role = resolveRole(binding.role);
  const members = binding.members.map((text, index) => checkMember(`${field}.members[${index}]`, text));
  const violations = [
    ...(role.ok ? [] : wrong(`${field}.role`, `"${binding.role}" ${role.error}`)),
    ...members.flatMap((member) => (member.ok ? [] : member.error)),
    ...(binding.condition === undefined
      ? []
      : checkCondition(`${field}.condition`, binding.condition, binding.role, compile)),
    ...(binding.dryRunCondition === undefined
      ? []
      : checkCondition(`${field}.dryRunCondition`, binding.dryRunCondition, binding.role, compile)),
  ];
  if (violations.length > 0 || !role.ok) return err(violations);
  const { condition, dryRunCondition } = binding;
  return ok({
    role: role.value,
    members: members.flatMap((member) => (member.ok ? [member.value] : [])),
    ...(condition === undefined ? {} : { condition }),
    ...(dryRunCondition === undefined ? {} : { dryRunCondition }),
  });
}

function checkMember(field: string, text: string): Result<string, Violations> {
  const member = parseMember(text);
  if (!member.ok) return err(wrong(field, member.error));
  const { kind } = member.value;
  // Mail addresses are one person whatever their case; the prefix is not touched, and neither are subjects.
  return ok(kind === 'user' || kind === 'service_account' ? lowerCasedAddress(text) : text);
}

function lowerCasedAddress(member: string): string {
  const colon = member.indexOf(':');
  return member.slice(0, colon) + member.slice(colon).toLowerCase();
}

const BASIC_ROLES = ['roles/owner', 'roles/editor', 'roles/viewer'];
const MAX_EXPRESSION = 4_096;
const MAX_LOGICAL_OPERATORS = 12;
const MAX_TITLE = 100;

function checkCondition(field: string, condition: ConditionText, role: string, compile: Compile): Violations {
  return [
    ...(BASIC_ROLES.includes(role) ? wrong(field, `the basic role ${role} cannot have a condition`) : []),
    ...checkConditionText(field, condition, compile),
  ];
}

/** What holds of every condition, whatever it stands in. */
export function checkConditionText(field: string, condition: ConditionText, compile: Compile): Violations {
  return [
    ...checkExpression(`${field}.expression`, condition.expression, compile),
    ...checkLength(`${field}.title`, condition.title ?? '', MAX_TITLE),
    ...checkNoControl(`${field}.title`, condition.title ?? ''),
    ...checkDescription(`${field}.description`, condition.description ?? ''),
    ...checkDescription(`${field}.location`, condition.location ?? ''),
  ];
}

function checkExpression(field: string, expression: string, compile: Compile): Violations {
  if (expression === '') return wrong(field, 'is required');
  if (expression.length > MAX_EXPRESSION) return wrong(field, `longer than ${MAX_EXPRESSION} characters`);
  const compiled = compile(expression);
  if (!compiled.ok) return celViolation(field, compiled.error);
  const { logicalOperators } = compiled.value;
  if (logicalOperators <= MAX_LOGICAL_OPERATORS) return [];
  return wrong(field, `has ${logicalOperators} logical operators; at most ${MAX_LOGICAL_OPERATORS} are accepted`);
}

function merge(bindings: readonly Binding[]): readonly Binding[] {
  const byGrant = new Map<string, { readonly binding: Binding; readonly members: Set<string> }>();
  for (const binding of bindings) {
    if (binding.members.length === 0) continue;
    const key = grantKey(binding);
    const grant = byGrant.get(key) ?? { binding, members: new Set() };
    byGrant.set(key, grant);
    for (const member of binding.members) grant.members.add(member);
  }
  return [...byGrant.values()].map(({ binding, members }) => ({ ...binding, members: [...members] }));
}

function grantKey({ role, condition, dryRunCondition }: Binding): string {
  if (condition === undefined && dryRunCondition === undefined) return role;
  return JSON.stringify([role, textsOf(condition), textsOf(dryRunCondition)]);
}

function textsOf(text: ConditionText | undefined): readonly (string | undefined)[] | undefined {
  return text && [text.expression, text.title, text.description, text.location];
}

function checkCount(field: string, bindings: readonly Binding[]): Violations {
  return bindings.length > MAX_BINDINGS
    ? wrong(field, `are ${bindings.length} bindings; at most ${MAX_BINDINGS} fit`)
    : [];
}

/** Each appearance counts, as at Google. */
function checkPrincipals(field: string, bindings: readonly Binding[]): Violations {
  const principals = bindings.reduce((sum, binding) => sum + binding.members.length, 0);
  return principals > MAX_PRINCIPALS
    ? wrong(field, `name ${principals} principals; at most ${MAX_PRINCIPALS} fit`)
    : [];
}

function checkRepeatedGrants(field: string, bindings: readonly Binding[]): Violations {
  const counts = new Map<string, number>();
  for (const { role, members, condition } of bindings) {
    if (condition === undefined) continue;
    for (const member of members) counts.set(`${role} ${member}`, (counts.get(`${role} ${member}`) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > MAX_CONDITIONS_OF_ONE_GRANT)
    .flatMap(([grant]) =>
      wrong(field, `give one role to one member under more than ${MAX_CONDITIONS_OF_ONE_GRANT} conditions: ${grant}`),
    );
}
