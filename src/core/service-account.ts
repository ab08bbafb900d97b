/** For how long a service account's access token may live: an hour, unless the project and the account both allow more. */
import type { Project } from './resources.ts';

/** Seconds; twelve hours is the most, as at Google. */
export const SERVICE_ACCOUNT_TOKEN_LIFETIME = { min: 60, max: 43_200, unset: 3_600 };

export function projectMaxTokenLifetimeSeconds(project: Project): number {
  return project.maxServiceAccountTokenLifetimeSeconds ?? SERVICE_ACCOUNT_TOKEN_LIFETIME.unset;
}
