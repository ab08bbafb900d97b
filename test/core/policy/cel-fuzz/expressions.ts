/**
 * Random expressions that are well typed, over the variables of our scopes, with what both engines have. Left out, because the other engine
 * is wrong or silent there, and the conformance suite asks for it: `duration + timestamp` (a duration there), milliseconds of a duration
 * (all of it there), the text of an infinite double (`+Inf` in cel-go and here), `[]` in a sum (conversions of its elements do nothing
 * there), the least int (its negation goes beyond 64 bits there), and conversions from timestamps and durations (not offered there). Regular expressions are another language there.
 */
import * as fc from 'fast-check';
import { TIME_GETTERS } from '../../../../src/core/policy/time-functions.ts';
import { PATHS, type FuzzScope, type Type } from './variables.ts';

type Range = 'strings' | 'ints' | 'map';
type Expression = fc.Arbitrary<string>;

/** The variables of the loops around, by type. */
type Locals = Readonly<Record<string, 'string' | 'int'>>;

const MAX_DEPTH = 3;
const RANGES: readonly Range[] = ['strings', 'ints', 'map'];
const TYPES: readonly Type[] = ['bool', 'string', 'int', 'double', 'strings', 'ints', 'map', 'timestamp', 'duration'];

export const TEXTS = ['', 'a', 'b', 'ab', 'ba', 'abc', 'prod', 'é', '😀a', '12', '-3', '0', '1.5', '1e2', 'true'];

const quoted = (text: string): string => JSON.stringify(text);

const LITERALS: Readonly<Record<Type, Expression>> = {
  bool: fc.constantFrom('true', 'false'),
  string: fc.constantFrom(...TEXTS.map(quoted), "'a'", `r'a'`),
  int: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: -5, max: 12 }).map(String) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('9223372036854775807', '4611686018427387904', '0x1F'),
    },
  ),
  double: fc.constantFrom('0.0', '1.0', '2.0', '-1.5', '0.1', '12.0', '1e3', '1e300', '9007199254740993.0', '-0.0'),
  strings: fc
    .array(fc.constantFrom(...TEXTS.map(quoted)), { minLength: 1, maxLength: 4 })
    .map((list) => `[${list.join(', ')}]`),
  ints: fc.array(fc.integer({ min: -3, max: 5 }), { minLength: 1, maxLength: 4 }).map((list) => `[${list.join(', ')}]`),
  map: fc
    .uniqueArray(fc.constantFrom('a', 'b', 'env'), { maxLength: 3 })
    .chain((keys) =>
      fc.tuple(...keys.map((key) => fc.constantFrom(...TEXTS).map((text) => `${quoted(key)}: ${quoted(text)}`))),
    )
    .map((entries) => `{${entries.join(', ')}}`),
  timestamp: fc
    .tuple(fc.integer({ min: 631_152_000, max: 2_051_222_400 }), fc.constantFrom(0, 0, 0, 1, 250, 999))
    .map(([seconds, ms]) => `timestamp('${new Date(seconds * 1000 + ms).toISOString()}')`),
  duration: fc
    .constantFrom('0s', '1s', '90s', '-61s', '1h', '1h30m', '0.5s', '250ms', '-1ms', '24h', '8760h')
    .map((text) => `duration('${text}')`),
};

const ZONES = fc.constantFrom(
  '',
  '',
  `'UTC'`,
  `'Europe/Berlin'`,
  `'America/New_York'`,
  `'Asia/Kathmandu'`,
  `'+05:30'`,
  `'-08:00'`,
);
const GETTERS = fc.constantFrom(...TIME_GETTERS.keys());
const ORDERED = fc.constantFrom('==', '!=', '<', '<=', '>', '>=');
const ALIKE = fc.constantFrom('==', '!=');

export function expressionIn(scope: FuzzScope): Expression {
  const grammar = new Grammar(scope);
  return fc.oneof(
    // Conditions are what it is about.
    { weight: 4, arbitrary: grammar.of('bool', MAX_DEPTH, {}) },
    ...TYPES.map((type) => ({ weight: 1, arbitrary: grammar.of(type, MAX_DEPTH, {}) })),
  );
}

class Grammar {
  readonly #scope: FuzzScope;
  /** The same question has the same answer, or each level would double the work of the one below. */
  readonly #known = new Map<string, Expression>();

  constructor(scope: FuzzScope) {
    this.#scope = scope;
  }

  of(type: Type, depth: number, locals: Locals): Expression {
    const key = `${type} ${depth} ${JSON.stringify(locals)}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const leaf = this.#leaf(type, locals);
    const fresh =
      depth === 0
        ? leaf
        : fc.oneof({ weight: 1, arbitrary: leaf }, { weight: 5, arbitrary: this.#deep(type, depth - 1, locals) });
    this.#known.set(key, fresh);
    return fresh;
  }

  #leaf(type: Type, locals: Locals): Expression {
    const paths = PATHS[this.#scope][type] ?? [];
    const names = Object.keys(locals).filter((name) => locals[name] === type);
    const variables = [...paths, ...names];
    if (variables.length === 0) return LITERALS[type];
    return fc.oneof({ weight: 1, arbitrary: LITERALS[type] }, { weight: 3, arbitrary: fc.constantFrom(...variables) });
  }

  #deep(type: Type, depth: number, locals: Locals): Expression {
    const of = (inner: Type): Expression => this.of(inner, depth, locals);
    const conditional = form`(${of('bool')} ? ${of(type)} : ${of(type)})`;
    switch (type) {
      case 'bool':
        return fc.oneof(conditional, ...this.#bool(depth, locals));
      case 'string':
        return fc.oneof(
          conditional,
          form`(${of('string')} + ${of('string')})`,
          form`string(${fc.oneof(of('string'), of('int'), of('bool'), this.#leaf('double', locals))})`,
          form`${of('strings')}[${of('int')}]`,
          form`${of('map')}[${of('string')}]`,
          form`${of('map')}.${fc.constantFrom('a', 'b', 'env')}`,
        );
      case 'int':
        return fc.oneof(
          conditional,
          form`(${of('int')} ${fc.constantFrom('+', '-', '*', '/', '%')} ${of('int')})`,
          form`-(${of('int')})`,
          form`size(${fc.oneof(of('string'), of('strings'), of('ints'), of('map'))})`,
          form`${fc.oneof(of('string'), of('strings'), of('ints'), of('map'))}.size()`,
          form`int(${fc.oneof(of('string'), of('int'), of('double'))})`,
          form`${of('ints')}[${of('int')}]`,
          form`${of('timestamp')}.${GETTERS}(${ZONES})`,
          form`${of('duration')}.${fc.constantFrom('getHours', 'getMinutes', 'getSeconds')}()`,
        );
      case 'double':
        return fc.oneof(
          conditional,
          form`(${of('double')} ${fc.constantFrom('+', '-', '*', '/')} ${of('double')})`,
          form`-(${of('double')})`,
          form`double(${fc.oneof(of('string'), of('int'), of('double'))})`,
        );
      case 'strings':
        return fc.oneof(
          conditional,
          form`(${of('strings')} + ${of('strings')})`,
          form`[${of('string')}, ${of('string')}]`,
          this.#loop('filter', depth, locals, 'strings', 'bool', 'strings'),
          this.#loop('map', depth, locals, 'strings', 'string', 'strings'),
          this.#loop('map', depth, locals, 'ints', 'string', 'strings'),
        );
      case 'ints':
        return fc.oneof(
          conditional,
          form`(${of('ints')} + ${of('ints')})`,
          form`[${of('int')}, ${of('int')}]`,
          this.#loop('filter', depth, locals, 'ints', 'bool', 'ints'),
          this.#loop('map', depth, locals, 'strings', 'int', 'ints'),
          this.#loop('map', depth, locals, 'ints', 'int', 'ints'),
        );
      case 'map':
        return fc.oneof(conditional, form`{${of('string')}: ${of('string')}}`);
      case 'timestamp':
        return fc.oneof(
          conditional,
          form`(${of('timestamp')} ${fc.constantFrom('+', '-')} ${of('duration')})`,
          form`timestamp(${fc.oneof(of('int'), fc.constantFrom(`'2026-03-29T01:00:00Z'`, `'2026-03-29T03:00:00+02:00'`))})`,
        );
      case 'duration':
        return fc.oneof(
          conditional,
          form`(${of('duration')} ${fc.constantFrom('+', '-')} ${of('duration')})`,
          form`(${of('timestamp')} - ${of('timestamp')})`,
        );
    }
  }

  #bool(depth: number, locals: Locals): Expression[] {
    const of = (inner: Type): Expression => this.of(inner, depth, locals);
    const sameType = TYPES.map((type) => {
      const isOrdered = !['bool', 'strings', 'ints', 'map'].includes(type);
      return form`(${of(type)} ${isOrdered ? ORDERED : ALIKE} ${of(type)})`;
    });
    const loops = RANGES.map((range) =>
      fc
        .constantFrom('all', 'exists', 'exists_one')
        .chain((macro) => this.#loop(macro, depth, locals, range, 'bool', 'bool')),
    );
    const methods = fc.constantFrom('startsWith', 'endsWith', 'contains');
    const optional = fc.constantFrom(...PATHS[this.#scope].optional);
    return [
      ...sameType,
      form`(dyn(${of('int')}) ${ORDERED} ${of('double')})`,
      form`(${of('double')} ${ORDERED} dyn(${of('int')}))`,
      form`(${of('string')} in ${fc.oneof(of('strings'), of('map'))})`,
      form`(${of('int')} in ${of('ints')})`,
      form`${of('string')}.${methods}(${of('string')})`,
      form`has(${optional})`,
      form`(${of('bool')} && ${of('bool')})`,
      form`(${of('bool')} || ${of('bool')})`,
      form`!(${of('bool')})`,
      ...loops,
    ];
  }

  /** Our own limit on loops in loops is two: deeper than that there stands a leaf of the type that the loop would have. */
  #loop(macro: string, depth: number, locals: Locals, range: Range, body: Type, result: Type): Expression {
    const level = Object.keys(locals).length;
    if (level >= 2) return this.#leaf(result, locals);
    const name = level === 0 ? 'x' : 'y';
    const inside: Locals = { ...locals, [name]: range === 'ints' ? 'int' : 'string' };
    return form`${this.of(range, depth, locals)}.${fc.constant(`${macro}(${name}, `)}${this.of(body, depth, inside)})`;
  }
}

/** A template of which each hole is an expression. */
function form(texts: TemplateStringsArray, ...holes: readonly Expression[]): Expression {
  return fc.tuple(...holes).map((parts) => texts.map((text, index) => text + (parts[index] ?? '')).join(''));
}
