/** What the scopes of a service account's token still allow it. At Google one scope stands for all others; here too. */
export const CLOUD_PLATFORM = 'https://www.googleapis.com/auth/cloud-platform';
const IAM = 'https://www.googleapis.com/auth/iam';

/** May a token of these scopes ask the broker itself for anything? Undefined: as its bearer. */
export function reachesBroker(scopes: readonly string[] | undefined): boolean {
  return scopes === undefined || scopes.includes(CLOUD_PLATFORM) || scopes.includes(IAM);
}

/** Scopes only shrink on the way from one token to the next. */
export function coversScopes(held: readonly string[] | undefined, asked: readonly string[]): boolean {
  if (held === undefined || held.includes(CLOUD_PLATFORM)) return true;
  return asked.every((scope) => held.includes(scope));
}
