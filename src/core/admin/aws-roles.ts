/** Service accounts as AWS roles: what their ARN and their trust policy must look like. */
import { parseRoleArn } from '../aws/arn.ts';
import { parseTrustPolicy } from '../aws/trust-policy/document.ts';
import { shardKey, type AwsRole } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import type { AwsRoleInput } from './commands.ts';
import { readSeconds, type Violations, wrong } from './fields.ts';
import type { ConfigState } from './state.ts';

/** As at AWS: one to twelve hours. */
const MAX_SESSION_DURATION = { min: 3_600, max: 43_200, unset: 3_600 };

export function checkAwsRole(
  state: ConfigState,
  accountId: string,
  { arn = '', trustPolicy, maxSessionDuration }: AwsRoleInput,
): Result<AwsRole, Violations> {
  const seconds = readSeconds('awsRole.maxSessionDuration', maxSessionDuration, MAX_SESSION_DURATION);
  const text = trustPolicy === undefined || typeof trustPolicy === 'string' ? trustPolicy : JSON.stringify(trustPolicy);
  const policy = text === undefined ? undefined : parseTrustPolicy(text);
  const violations = [
    ...checkArn(state, accountId, arn),
    ...(policy === undefined || policy.ok ? [] : wrong('awsRole.trustPolicy', policy.error)),
    ...(seconds.ok ? [] : seconds.error),
  ];
  if (violations.length > 0 || !seconds.ok) return err(violations);
  return ok({
    arn,
    ...(text === undefined ? {} : { trustPolicy: text }),
    maxSessionDurationSeconds: seconds.value,
  });
}

function checkArn(state: ConfigState, accountId: string, arn: string): Violations {
  const field = 'awsRole.arn';
  const parsed = parseRoleArn(arn);
  if (parsed === undefined)
    return wrong(field, 'must be arn:aws:iam::ACCOUNT:role/NAME, with a path before NAME if you like');
  const { awsAccountId } = state.project();
  if (awsAccountId === undefined) return wrong(field, 'needs a project with an awsAccountId');
  if (parsed.accountId !== awsAccountId) return wrong(field, `must be of the account of this project, ${awsAccountId}`);
  // As at AWS: whatever its path and its letters, a name is one role's. Those of deleted accounts count, for they may come back.
  const holder = state.serviceAccountByRoleName(parsed.roleName);
  return holder === undefined || holder.accountId === accountId
    ? []
    : wrong(field, `is the role of ${holder.email} already`);
}

export function awsRoleInputOf({ arn, trustPolicy, maxSessionDurationSeconds }: AwsRole): AwsRoleInput {
  const policy = trustPolicy === undefined ? {} : { trustPolicy };
  return { arn, ...policy, maxSessionDuration: `${maxSessionDurationSeconds}s` };
}

/** Where the edge finds an account by the name of its role. */
export function roleShards(projectNumber: string, role: AwsRole | undefined): readonly string[] {
  const roleName = role === undefined ? undefined : parseRoleArn(role.arn)?.roleName;
  return roleName === undefined ? [] : [shardKey.serviceAccount(projectNumber, roleShardId(roleName))];
}

const ROLE = 'role:';

export function roleShardId(roleName: string): string {
  return `${ROLE}${roleName}`;
}

/** Undefined: the id of a shard that is found otherwise. */
export function roleNameOfShardId(id: string): string | undefined {
  return id.startsWith(ROLE) ? id.slice(ROLE.length) : undefined;
}
