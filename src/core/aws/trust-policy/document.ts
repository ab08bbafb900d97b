/** A trust policy in AWS's own JSON (WIRE.md F.5): text → statements, or the place and the reason why it is none. What is not understood is refused whole. */
import { isJsonObject, type JsonObject, type JsonValue, parseStrictJson } from '../../json.ts';
import { err, ok, type Result } from '../../result.ts';
import { faultOfKey, TIME_KEYS } from './keys.ts';
import { type Operator, parseOperator } from './operators.ts';

export interface Statement {
  /** For the operator: `Statement[0]`, with its Sid. */
  readonly shown: string;
  readonly effect: 'Allow' | 'Deny';
  readonly principal: PrincipalPattern;
  readonly actions: ActionPattern;
  /** All must hold. */
  readonly conditions: readonly Condition[];
}

export interface PrincipalPattern {
  /** `not`: everybody but these; in a Deny only. */
  readonly not: boolean;
  /** Everybody; in a Deny only. */
  readonly everybody: boolean;
  /** ARNs of providers. Principals of other kinds have no way in here and stand for nobody. */
  readonly federated: readonly string[];
}

export interface ActionPattern {
  readonly not: boolean;
  /** Lower case, with `*` and `?`. */
  readonly patterns: readonly string[];
}

export interface Condition {
  readonly operator: Operator;
  /** As written; keys have no case. */
  readonly key: string;
  /** One of them must match (of a negated operator: none may). */
  readonly values: readonly string[];
}

export interface TrustPolicy {
  readonly statements: readonly Statement[];
}

const MAX_TRUST_POLICY_CHARACTERS = 8_192;
const VERSIONS: readonly JsonValue[] = ['2012-10-17', '2008-10-17'];
const MEMBERS = ['Version', 'Id', 'Statement'];
const STATEMENT_MEMBERS = ['Sid', 'Effect', 'Principal', 'NotPrincipal', 'Action', 'NotAction', 'Condition'];
const PRINCIPAL_KINDS = ['AWS', 'Service', 'Federated', 'CanonicalUser'];
const MAX_VALUES = 500;

type Parsed<T> = Result<T, string>;

export function parseTrustPolicy(text: string): Parsed<TrustPolicy> {
  if (text.length > MAX_TRUST_POLICY_CHARACTERS) return err(`is longer than ${MAX_TRUST_POLICY_CHARACTERS} characters`);
  const document = parseStrictJson(text);
  if (!document.ok) return err(document.error);
  if (!isJsonObject(document.value)) return err('must be a JSON object');
  const { value } = document;
  const unknown = unknownMember(value, MEMBERS);
  if (unknown !== undefined) return err(`${unknown}: there is no such element`);
  if (value['Version'] !== undefined && !VERSIONS.includes(value['Version'])) return err('Version must be 2012-10-17');
  const rows = listOf(value['Statement']);
  if (rows.length === 0) return err('Statement: there must be at least one');
  const statements = all(rows, (row, at) => parseStatement(row, `Statement[${at}]`));
  return statements.ok ? ok({ statements: statements.value }) : statements;
}

function parseStatement(row: JsonValue, place: string): Parsed<Statement> {
  if (!isJsonObject(row)) return err(`${place} must be an object`);
  if (row['Resource'] !== undefined || row['NotResource'] !== undefined) {
    return err(`${place}.Resource: a trust policy has none; the role is the resource`);
  }
  const unknown = unknownMember(row, STATEMENT_MEMBERS);
  if (unknown !== undefined) return err(`${place}.${unknown}: there is no such element`);
  const { Effect: effect, Sid: sid } = row;
  if (effect !== 'Allow' && effect !== 'Deny') return err(`${place}.Effect must be Allow or Deny`);
  if (sid !== undefined && typeof sid !== 'string') return err(`${place}.Sid must be a string`);
  const principal = parsePrincipal(row, effect, place);
  if (!principal.ok) return principal;
  const actions = parseActions(row, place);
  if (!actions.ok) return actions;
  const conditions = parseConditions(row['Condition'], `${place}.Condition`);
  if (!conditions.ok) return conditions;
  const shown = sid === undefined || sid === '' ? place : `${place} (${sid})`;
  return ok({ shown, effect, principal: principal.value, actions: actions.value, conditions: conditions.value });
}

function parsePrincipal(row: JsonObject, effect: 'Allow' | 'Deny', place: string): Parsed<PrincipalPattern> {
  const { Principal: positive, NotPrincipal: negative } = row;
  if ((positive === undefined) === (negative === undefined)) {
    return err(`${place}: exactly one of Principal and NotPrincipal must be there`);
  }
  const not = negative !== undefined;
  if (not && effect === 'Allow')
    return err(`${place}.NotPrincipal: with Allow it lets everybody else in; only Deny may have it`);
  const principal = positive ?? negative ?? '';
  if (principal === '*') return everybody(effect, not, place);
  if (!isJsonObject(principal)) return err(`${place}.Principal must be an object such as {"Federated": "arn:…"}`);
  const unknown = unknownMember(principal, PRINCIPAL_KINDS);
  if (unknown !== undefined) return err(`${place}.Principal.${unknown}: there is no such kind of principal`);
  const names = all(Object.entries(principal), ([kind, value]) => {
    const values = stringsOf(value);
    return values === undefined
      ? err(`${place}.Principal.${kind} must be a string or a list of strings`)
      : ok([kind, values] as const);
  });
  if (!names.ok) return names;
  if (names.value.length === 0) return err(`${place}.Principal names nobody`);
  if (names.value.some(([kind, values]) => kind === 'AWS' && values.includes('*')))
    return everybody(effect, not, place);
  const federated = names.value.filter(([kind]) => kind === 'Federated').flatMap(([, values]) => values);
  if (federated.some((name) => name.includes('*'))) return err(`${place}.Principal.Federated takes no wildcard`);
  return ok({ not, everybody: false, federated });
}

/** Whoever may sign in with any provider: nobody means that for a role, and an Allow that nobody meant is the worst mistake there is. */
function everybody(effect: 'Allow' | 'Deny', not: boolean, place: string): Parsed<PrincipalPattern> {
  if (effect === 'Allow') return err(`${place}.Principal: * lets everybody in; name the provider under Federated`);
  return ok({ not, everybody: true, federated: [] });
}

function parseActions(row: JsonObject, place: string): Parsed<ActionPattern> {
  const { Action: positive, NotAction: negative } = row;
  if ((positive === undefined) === (negative === undefined)) {
    return err(`${place}: exactly one of Action and NotAction must be there`);
  }
  const name = positive === undefined ? 'NotAction' : 'Action';
  const patterns = stringsOf(positive ?? negative);
  if (patterns === undefined || patterns.length === 0)
    return err(`${place}.${name} must be a string or a list of strings`);
  const wrong = patterns.find((pattern) => !/^(?:\*|sts:[A-Za-z*?]+)$/i.test(pattern));
  if (wrong !== undefined) return err(`${place}.${name}: only sts: actions are for a trust policy`);
  return ok({ not: negative !== undefined, patterns: patterns.map((pattern) => pattern.toLowerCase()) });
}

function parseConditions(block: JsonValue | undefined, place: string): Parsed<readonly Condition[]> {
  if (block === undefined) return ok([]);
  if (!isJsonObject(block)) return err(`${place} must be an object`);
  const conditions = all(Object.entries(block), ([name, keys]) => {
    const operator = parseOperator(name);
    if (!operator.ok) return err(`${place}.${name}: ${operator.error}`);
    if (!isJsonObject(keys) || Object.keys(keys).length === 0)
      return err(`${place}.${name} must be an object of keys and values`);
    return all(Object.entries(keys), ([key, value]) =>
      parseCondition(operator.value, key, value, `${place}.${name}.${key}`),
    );
  });
  return conditions.ok ? ok(conditions.value.flat()) : conditions;
}

function parseCondition(operator: Operator, key: string, value: JsonValue, place: string): Parsed<Condition> {
  const wrongKey = faultOfKey(key);
  if (wrongKey !== undefined) return err(`${place}: ${wrongKey}`);
  // As a text, nobody could say until when it holds.
  if (TIME_KEYS.has(key.toLowerCase()) && !isOfTime(operator))
    return err(`${place}: takes Date and Numeric operators only`);
  const values = textsOf(value);
  if (values === undefined || values.length === 0 || values.length > MAX_VALUES) {
    return err(`${place} must be a string or a list of at most ${MAX_VALUES} strings`);
  }
  // As a text it would match nobody, or in a negated operator everybody.
  if (values.some((text) => text.includes('${'))) return err(`${place}: policy variables are not supported here`);
  const wrong = values.map((text) => operator.faultOf(text)).find((fault) => fault !== undefined);
  return wrong === undefined ? ok({ operator, key, values }) : err(`${place}: ${wrong}`);
}

function isOfTime({ name }: Operator): boolean {
  return /^(?:ForA\w+:)?(?:Date|Numeric)/.test(name);
}

function unknownMember(object: JsonObject, known: readonly string[]): string | undefined {
  return Object.keys(object).find((member) => !known.includes(member));
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  if (value === undefined) return [];
  return isList(value) ? value : [value];
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function stringsOf(value: JsonValue | undefined): readonly string[] | undefined {
  const strings = listOf(value).filter((one): one is string => typeof one === 'string' && one !== '');
  return strings.length === listOf(value).length ? strings : undefined;
}

/** JSON's true and numbers mean their texts. */
function textsOf(value: JsonValue): readonly string[] | undefined {
  const texts = listOf(value).map((one) => (typeof one === 'boolean' || typeof one === 'number' ? String(one) : one));
  const strings = texts.filter((one): one is string => typeof one === 'string');
  return strings.length === texts.length ? strings : undefined;
}

/** The first fault, or every value. */
function all<In, Out>(list: readonly In[], parse: (one: In, at: number) => Parsed<Out>): Parsed<readonly Out[]> {
  const values: Out[] = [];
  for (const [at, one] of list.entries()) {
    const parsed = parse(one, at);
    if (!parsed.ok) return parsed;
    values.push(parsed.value);
  }
  return ok(values);
}
