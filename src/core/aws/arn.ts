/** The names that AWS gives to roles, sessions and OIDC providers (WIRE.md F.2, F.5). Pure. */
export interface RoleArn {
  readonly accountId: string;
  /** Begins and ends with a slash. */
  readonly path: string;
  readonly roleName: string;
}

const ACCOUNT_ID = /^\d{12}$/;
const ROLE_ARN = /^arn:aws:iam::(\d{12}):role(\/|\/[\u0021-\u007e]{1,510}\/)([\w+=,.@-]{1,64})$/;

export function isAwsAccountId(text: string): boolean {
  return ACCOUNT_ID.test(text);
}

export function parseRoleArn(arn: string): RoleArn | undefined {
  const [, accountId, path, roleName] = ROLE_ARN.exec(arn) ?? [];
  if (accountId === undefined || path === undefined || roleName === undefined) return undefined;
  // An empty segment would make two ARNs that look like one.
  return path.includes('//') ? undefined : { accountId, path, roleName };
}

export function roleArn({ accountId, path, roleName }: RoleArn): string {
  return `arn:aws:iam::${accountId}:role${path}${roleName}`;
}

/** Without the path: that is how AWS shows a session. */
export function assumedRoleArn({ accountId, roleName }: RoleArn, sessionName: string): string {
  return `arn:aws:sts::${accountId}:assumed-role/${roleName}/${sessionName}`;
}

/** The issuer without its scheme: the prefix of condition keys, and the name of the provider. */
export function issuerPrefix(issuerUri: string): string {
  return issuerUri.replace(/^https?:\/\//, '');
}

export function oidcProviderArn(accountId: string, issuerUri: string): string {
  return `arn:aws:iam::${accountId}:oidc-provider/${issuerPrefix(issuerUri)}`;
}
