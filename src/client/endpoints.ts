/** Where a caller's own client has to be pointed at: the broker's doors for workloads, as addresses. */

/** RFC 8693 as Google spells it. */
export function tokenEndpoint(origin: string): string {
  return `${origin}/v1/token`;
}

/** AssumeRoleWithWebIdentity, as AWS's SDKs ask it. */
export function awsStsEndpoint(origin: string): string {
  return `${origin}/aws/sts`;
}

/** What Google's clients call `service_account_impersonation_url`. */
export function impersonationUrl(origin: string, email: string): string {
  return `${origin}/v1/projects/-/serviceAccounts/${email}:generateAccessToken`;
}
