/**
 * Who may take which step of a review. Asking is a right on the project, reviewing one on the organization: a tenant who owns his project
 * must not grant himself what his neighbours pay for. Nobody but the bootstrap administrator gets this far yet; whoever checks, checks these.
 */
import type { Command } from './commands.ts';

export type QuotaStep = Extract<Command, { readonly type: `quotaPreference.${string}` }>['type'];

interface Needed {
  readonly permission: string;
  readonly on: 'project' | 'organization';
}

const ASKING: Needed = { permission: 'cloudquotas.quotas.update', on: 'project' };
const REVIEWING: Needed = { permission: 'cloudquotas.quotas.approve', on: 'organization' };

export const QUOTA_PERMISSIONS: Readonly<Record<QuotaStep, Needed>> = {
  'quotaPreference.ask': ASKING,
  'quotaPreference.change': ASKING,
  'quotaPreference.withdraw': ASKING,
  'quotaPreference.approve': REVIEWING,
  'quotaPreference.refuse': REVIEWING,
};
