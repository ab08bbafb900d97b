/** Names of resources as tables show them: what tells them apart, with the whole in the title. */
import { lastOf, shortPrincipal } from './format.ts';
import { Name } from './layout.tsx';
import type { Dimension } from './usage.ts';

/** What usage counts without a name, or of too many names. */
const COMMON: Readonly<Record<string, string>> = {
  none: 'without one',
  other: 'all others',
  'no namespace': 'no namespace',
};

export function consumerName(name: string, by: Dimension) {
  const common = COMMON[name];
  if (common !== undefined) return <span class="muted">{common}</span>;
  if (by.name === 'principal') return <Name text={name} shown={shortPrincipal(name)} />;
  return <Name text={name} shown={by.name === 'namespace' ? name : lastOf(name)} />;
}

export function PrincipalName({ text }: { text: string }) {
  return <Name text={text} shown={shortPrincipal(text)} />;
}

export function LastName({ text }: { text: string }) {
  return <Name text={text} shown={lastOf(text)} />;
}
