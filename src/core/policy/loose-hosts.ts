/** Domains that are compared as text: `endsWith("example.com")` also lets evil-example.com in (CVE-2026-40574 and its kin). */
import type { Expr } from './engine.ts';
import type { CelFault } from './fault.ts';
import { callOf, remarkAt, reread } from './reread.ts';
import { childrenOf, stringLiteral } from './syntax.ts';

/** Of an expression that compiles. What stands under a `!` shuts out, so a stranger gains nothing by matching it. */
export function looseHosts(text: string): readonly CelFault[] {
  const read = reread(text);
  if (read === undefined) return [];
  const remarks: CelFault[] = [];
  visit(read.expression, true);
  return remarks;

  function visit(node: Expr, letsIn: boolean): void {
    const call = callOf(node);
    const [argument] = call?.args ?? [];
    const literal = call?.target === undefined ? undefined : stringLiteral(argument);
    const problem = letsIn && call !== undefined && literal !== undefined ? PROBLEMS[call.name]?.(literal) : undefined;
    if (read !== undefined && argument !== undefined && problem !== undefined) {
      remarks.push(remarkAt(read, argument, problem));
    }
    for (const child of childrenOf(node)) visit(child, call?.name === '!_' ? !letsIn : letsIn);
  }
}

const LABELS = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*';
/** With or without somebody's name before an `@`. */
const DOMAIN = new RegExp(`^(?:[^@/\\s]+@)?${LABELS}\\.[a-z]{2,63}$`, 'i');
const ANY_DOMAIN = new RegExp(`^[.@]?${DOMAIN.source.slice(1)}`, 'i');
const ORIGIN = new RegExp(`^https?://${LABELS}(?::\\d+)?$`, 'i');

/** Files are named with a dot as well. */
const FILE =
  /\.(?:avro|cfg|conf|csv|gz|html|jar|jpg|js|json|lock|log|parquet|pdf|png|tar|tf|tfvars|toml|ts|txt|xml|yaml|yml)$/i;

const PROBLEMS: Readonly<Record<string, (literal: string) => string | undefined>> = {
  endsWith: (literal) =>
    DOMAIN.test(literal) && !FILE.test(literal)
      ? `endsWith() also takes what merely ends so, such as "evil-${literal}": begin with "." or "@", or compare with ==`
      : undefined,
  contains: (literal) =>
    ANY_DOMAIN.test(literal) && !FILE.test(literal)
      ? `contains() takes it anywhere, such as in "${literal}.evil.example": compare with == or with endsWith() from "." or "@" on`
      : undefined,
  startsWith: (literal) =>
    ORIGIN.test(literal) ? `startsWith() also takes "${literal}.evil.example": end the host with "/"` : undefined,
  matches: (literal) =>
    isLoosePattern(literal)
      ? 'matches() looks anywhere in the text: hold the domain with ^ and $, and write its dots as \\\\.'
      : undefined,
};

/** Stands for a dot that is meant as one. */
const DOT = '\u0001';
// oxlint-disable-next-line no-control-regex -- DOT stands for an escaped dot
const DOMAIN_IN_PATTERN = /[a-z0-9-]+(?:[.\u0001][a-z0-9-]+)*[.\u0001][a-z]{2,63}(?![a-z0-9])/i;

function isLoosePattern(pattern: string): boolean {
  const text = pattern
    .replace(/^\(\?[a-z]+\)/, '')
    .replaceAll('\\.', DOT)
    .replaceAll('[.]', DOT);
  const domain = DOMAIN_IN_PATTERN.exec(text);
  if (domain === null || FILE.test(domain[0].replaceAll(DOT, '.'))) return false;
  // `^a|b$` holds neither of its sides at both ends.
  if (hasOpenAlternatives(text)) return true;
  const before = text.slice(0, domain.index);
  const after = text.slice(domain.index + domain[0].length);
  return !(startIsHeld(before) && (/^[/:]/.test(after) || /(?:\$|\\z)$/.test(after)));
}

/** The domain begins where the text begins, or after a separator; `(.+\.)?` may stand before it. An unescaped dot separates nothing. */
function startIsHeld(before: string): boolean {
  const isAtStart = /^(?:\^|\\A)(?:\((?:\?:)?)*$/.test(before);
  return isAtStart || ['@', '/', DOT].includes(before.replace(/\)[?*+]?$/, '').slice(-1));
}

function hasOpenAlternatives(pattern: string): boolean {
  let text = pattern.replaceAll(/\\./gs, '').replaceAll(/\[\^?\]?[^\]]*\]/g, '');
  for (;;) {
    const without = text.replaceAll(/\([^()]*\)/g, '');
    if (without === text) return text.includes('|');
    text = without;
  }
}
