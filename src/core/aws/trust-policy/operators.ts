/** The operators of conditions (WIRE.md F.5), as a table: what a value in a policy must look like, and when it matches one of the request. */
import { err, ok, type Result } from '../../result.ts';
import { isArnLike, isLike } from './wildcards.ts';

export interface Operator {
  readonly name: string;
  readonly quantifier?: 'ForAllValues' | 'ForAnyValue';
  /** An absent key makes it true. */
  readonly ifExists: boolean;
  /** It holds where no value of the policy matches: also where the key is absent. */
  readonly negated: boolean;
  /** Asks whether the key is there at all. */
  readonly asksPresence: boolean;
  /** Why a policy may not have this value. */
  faultOf(wanted: string): string | undefined;
  /** Does a value of the request match a value of the policy? */
  matches(given: string, wanted: string): boolean;
}

interface Kind {
  readonly negated?: true;
  readonly asksPresence?: true;
  readonly faultOf?: (wanted: string) => string | undefined;
  readonly matches: (given: string, wanted: string) => boolean;
}

const equals = (given: string, wanted: string): boolean => given === wanted;
const equalsIgnoringCase = (given: string, wanted: string): boolean => given.toLowerCase() === wanted.toLowerCase();

const text = (matches: Kind['matches']): Kind => ({ matches });
const not = (kind: Kind): Kind => ({ ...kind, negated: true });

/** A value of the request that is no number matches nothing. */
const numeric = (compare: (given: number, wanted: number) => boolean): Kind => ({
  faultOf: (wanted) => (isNumber(wanted) ? undefined : 'must be a number'),
  matches: (given, wanted) => isNumber(given) && compare(Number(given), Number(wanted)),
});

const date = (compare: (given: number, wanted: number) => boolean): Kind => ({
  faultOf: (wanted) => (Number.isNaN(timeOf(wanted)) ? 'must be a time such as 2026-01-31T00:00:00Z' : undefined),
  matches: (given, wanted) => !Number.isNaN(timeOf(given)) && compare(timeOf(given), timeOf(wanted)),
});

const truth = (matches: Kind['matches']): Kind => ({
  faultOf: (wanted) => (/^(?:true|false)$/i.test(wanted) ? undefined : 'must be true or false'),
  matches,
});

const arn: Kind = {
  faultOf: (wanted) => (wanted.split(':').length >= 6 ? undefined : 'must be an ARN'),
  matches: isArnLike,
};

const KINDS: Readonly<Record<string, Kind>> = {
  StringEquals: text(equals),
  StringNotEquals: not(text(equals)),
  StringEqualsIgnoreCase: text(equalsIgnoringCase),
  StringNotEqualsIgnoreCase: not(text(equalsIgnoringCase)),
  StringLike: text(isLike),
  StringNotLike: not(text(isLike)),
  NumericEquals: numeric((given, wanted) => given === wanted),
  NumericNotEquals: not(numeric((given, wanted) => given === wanted)),
  NumericLessThan: numeric((given, wanted) => given < wanted),
  NumericLessThanEquals: numeric((given, wanted) => given <= wanted),
  NumericGreaterThan: numeric((given, wanted) => given > wanted),
  NumericGreaterThanEquals: numeric((given, wanted) => given >= wanted),
  DateEquals: date((given, wanted) => given === wanted),
  DateNotEquals: not(date((given, wanted) => given === wanted)),
  DateLessThan: date((given, wanted) => given < wanted),
  DateLessThanEquals: date((given, wanted) => given <= wanted),
  DateGreaterThan: date((given, wanted) => given > wanted),
  DateGreaterThanEquals: date((given, wanted) => given >= wanted),
  Bool: truth(equalsIgnoringCase),
  Null: { ...truth(equalsIgnoringCase), asksPresence: true },
  ArnEquals: arn,
  ArnLike: arn,
  ArnNotEquals: not(arn),
  ArnNotLike: not(arn),
};
/** AWS has them; a policy that relies on one must not be taken as if it had none. */
const NOT_HERE = ['IpAddress', 'NotIpAddress', 'BinaryEquals'];
const IF_EXISTS = 'IfExists';

export function parseOperator(written: string): Result<Operator, string> {
  const [, quantifier, rest = written] = /^(ForAllValues|ForAnyValue):(.*)$/.exec(written) ?? [];
  const ifExists = rest.endsWith(IF_EXISTS);
  const name = ifExists ? rest.slice(0, -IF_EXISTS.length) : rest;
  if (NOT_HERE.includes(name)) return err('this operator is not supported here');
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (kind === undefined) return err('there is no such operator');
  if (kind.asksPresence === true && (ifExists || quantifier !== undefined)) return err('Null stands alone');
  return ok({
    name: written,
    ...(quantifier === 'ForAllValues' || quantifier === 'ForAnyValue' ? { quantifier } : {}),
    ifExists,
    negated: kind.negated === true,
    asksPresence: kind.asksPresence === true,
    faultOf: kind.faultOf ?? (() => undefined),
    matches: kind.matches,
  });
}

function isNumber(value: string): boolean {
  return /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/.test(value);
}

const ISO = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** ISO 8601 as W3C profiles it, or seconds since 1970. */
export function timeOf(value: string): number {
  if (/^\d{1,12}$/.test(value)) return Number(value) * 1_000;
  return ISO.test(value) ? Date.parse(value) : Number.NaN;
}
