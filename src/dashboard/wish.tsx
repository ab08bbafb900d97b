/** What the pages of requests share: how a wish for more quota is addressed, named and told. */
import type { JsonObject } from '../core/json.ts';
import { lastOf } from './format.ts';
import { Badge, type Tone } from './layout.tsx';
import { QUOTA_ID } from './quota.tsx';
import { segment, textAt } from './rest.ts';

const STATES: Readonly<Record<string, readonly [Tone, string]>> = {
  PENDING: ['warn', 'waiting'],
  GRANTED: ['good', 'granted'],
  GRANTED_PARTIALLY: ['good', 'granted in part'],
  REFUSED: ['bad', 'refused'],
  EXPIRED: ['calm', 'over'],
  WITHDRAWN: ['calm', 'withdrawn'],
  SUPERSEDED: ['calm', 'replaced'],
};

export function State({ of }: { of: JsonObject }) {
  const [tone, label] = STATES[textAt(of, 'state')] ?? ['calm', textAt(of, 'state')];
  return <Badge tone={tone}>{label}</Badge>;
}

/** `quotaId`s are long; there are two. */
export function Which({ of }: { of: JsonObject }) {
  return <>{textAt(of, 'quotaId') === QUOTA_ID ? 'Token exchanges' : 'Generated credentials'}</>;
}

export const preferences = (project: string): string =>
  `projects/${segment(project)}/locations/global/quotaPreferences`;

export const idOf = (wish: JsonObject): string => lastOf(textAt(wish, 'name'));

/** What `datetime-local` sends has no zone; the form says that it is UTC. */
export function utcOf(local: string): string {
  const text = local.trim();
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/.test(text) ? `${text}:00Z` : text;
}

export function filled(texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ''));
}
