/** Commands about wishes for quota, and a project with a raise that is running. */
import type { Command, QuotaVerdict, QuotaWish } from '../../../src/core/admin/commands.ts';
import type { QuotaPreference } from '../../../src/core/resources.ts';
import { Administered } from '../../support/administer.ts';

export const QUOTA_ID = 'TokenExchangeRequestsPerMinutePerProject';
export const CREDENTIALS = 'CredentialGenerationRequestsPerMinutePerProject';
export const NOON = '2026-01-01T12:00:00.000Z';
export const EVENING = '2026-01-01T18:00:00.000Z';

export const wish = (preferredValue: string | number, more: QuotaWish = {}): QuotaWish => ({
  quotaId: QUOTA_ID,
  service: 'sts',
  quotaConfig: { preferredValue },
  justification: 'a rollout of all clusters at once',
  ...more,
});
export const ask = (preferenceId: string, input: QuotaWish): Command => ({
  type: 'quotaPreference.ask',
  preferenceId,
  input,
});
export const approve = (preferenceId: string, verdict: QuotaVerdict = {}): Command => ({
  type: 'quotaPreference.approve',
  preferenceId,
  verdict,
});
export const refuse = (preferenceId: string, verdict: QuotaVerdict): Command => ({
  type: 'quotaPreference.refuse',
  preferenceId,
  verdict,
});
export const change = (preferenceId: string, input: QuotaWish, mask: readonly string[], etag?: string): Command => ({
  type: 'quotaPreference.change',
  preferenceId,
  input,
  mask,
  allowMissing: false,
  ...(etag === undefined ? {} : { etag }),
});
export const withdraw = (preferenceId: string, etag?: string): Command => ({
  type: 'quotaPreference.withdraw',
  preferenceId,
  ...(etag === undefined ? {} : { etag }),
});
export const setLimit = (tokenExchangesPerMinute: number): Command => ({
  type: 'project.patch',
  input: { tokenExchangesPerMinute },
  mask: ['tokenExchangesPerMinute'],
});
export const END: Command = { type: 'quota.endRaises' };

export function preferenceOf(project: Administered, preferenceId: string): QuotaPreference {
  const found = project.state.quotaPreference(preferenceId);
  if (found === undefined) throw new Error(`no preference ${preferenceId}`);
  return found;
}
export const stateOf = (project: Administered, preferenceId: string): string =>
  preferenceOf(project, preferenceId).state;
export const limitOf = (project: Administered): number => project.state.project().tokenExchangesPerMinute;

/** With a raise to 12,000 until noon, called `burst`. */
export function withRaise(): Administered {
  const project = new Administered();
  project.do(ask('burst', wish('12000', { expireTime: NOON })));
  project.do(approve('burst'));
  return project;
}
