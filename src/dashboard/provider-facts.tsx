/** What both pages of providers say of one. */
import type { JsonObject } from '../core/json.ts';
import { duration } from './format.ts';
import { Badge } from './layout.tsx';
import { objectAt, segment, textAt } from './rest.ts';

export const pools = (project: string): string => `projects/${segment(project)}/locations/global/workloadIdentityPools`;

export function issuerOf(provider: JsonObject): string {
  return textAt(objectAt(provider, 'kubernetes'), 'issuerUri') || textAt(objectAt(provider, 'oidc'), 'issuerUri');
}

export function ageOf(time: string, nowMs: number): string {
  return time === '' ? 'never' : duration((nowMs - Date.parse(time)) / 1_000);
}

export function Standing({ of }: { of: JsonObject }) {
  if (textAt(of, 'state') === 'DELETED') return <Badge tone="bad">deleted</Badge>;
  return of['disabled'] === true ? <Badge tone="warn">switched off</Badge> : <Badge tone="good">active</Badge>;
}
