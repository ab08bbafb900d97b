/** The parameters of `AssumeRoleWithWebIdentity` (WIRE.md F.2), read. Pure. */
import { parseRoleArn, type RoleArn } from '../../core/aws/arn.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { awsError, type AwsError } from './errors.ts';
import type { QueryRequest } from './query.ts';

export interface AssumeRoleRequest {
  readonly role: RoleArn;
  readonly sessionName: string;
  readonly subjectToken: string;
  readonly durationSeconds: number;
}

const DEFAULT_SECONDS = 3_600;
const MIN_SECONDS = 900;
const MAX_SECONDS = 43_200;
const SESSION_NAME = /^[\w+=,.@-]{2,64}$/;
const MAX_POLICY_CHARACTERS = 2_048;

export function parseAssumeRole({ parameters }: QueryRequest): Result<AssumeRoleRequest, AwsError> {
  const names = ['RoleArn', 'RoleSessionName', 'WebIdentityToken'];
  const missing = names.find((name) => (parameters.get(name) ?? '') === '');
  if (missing !== undefined)
    return err(awsError(400, 'MissingParameter', `The request must contain the parameter ${missing}`));
  const policies = refusalOfPolicies(parameters);
  if (policies !== undefined) return err(policies);
  if (parameters.has('ProviderId'))
    return err(invalid('ProviderId', 'is for OAuth 2.0 providers; OpenID Connect tokens name theirs'));
  const arn = parameters.get('RoleArn') ?? '';
  const role = arn.length < 20 || arn.length > 2_048 ? undefined : parseRoleArn(arn);
  if (role === undefined) return err(invalid('RoleArn', 'is not the ARN of a role'));
  const sessionName = parameters.get('RoleSessionName') ?? '';
  if (!SESSION_NAME.test(sessionName))
    return err(invalid('RoleSessionName', 'must be 2 to 64 of the characters A-Z a-z 0-9 _ + = , . @ -'));
  // Token files end in a newline more often than not, and the SDKs send it along.
  const subjectToken = (parameters.get('WebIdentityToken') ?? '').trim();
  if (subjectToken.length < 4 || subjectToken.length > 20_000)
    return err(invalid('WebIdentityToken', 'must have 4 to 20000 characters'));
  const duration = parseDuration(parameters.get('DurationSeconds'));
  return duration.ok ? ok({ role, sessionName, subjectToken, durationSeconds: duration.value }) : duration;
}

function parseDuration(text: string | undefined): Result<number, AwsError> {
  if (text === undefined) return ok(DEFAULT_SECONDS);
  if (!/^\d{1,9}$/.test(text))
    return err(awsError(400, 'InvalidParameterValue', 'DurationSeconds must be a whole number'));
  const seconds = Number(text);
  if (seconds >= MIN_SECONDS && seconds <= MAX_SECONDS) return ok(seconds);
  return err(invalid('DurationSeconds', `must lie between ${MIN_SECONDS} and ${MAX_SECONDS}`));
}

/** Whoever narrows a session relies on it: nothing here would enforce that, so it is not taken as if it did. */
function refusalOfPolicies(parameters: ReadonlyMap<string, string>): AwsError | undefined {
  const policy = parameters.get('Policy');
  if (policy !== undefined && policy.length > MAX_POLICY_CHARACTERS) {
    return awsError(400, 'PackedPolicyTooLarge', `Policy has more than ${MAX_POLICY_CHARACTERS} characters`);
  }
  const hasArns = [...parameters.keys()].some((name) => name === 'PolicyArns' || name.startsWith('PolicyArns.'));
  if (policy === undefined && !hasArns) return undefined;
  return awsError(
    400,
    'MalformedPolicyDocument',
    'Session policies (Policy, PolicyArns) are not supported: nothing would enforce them',
  );
}

function invalid(parameter: string, problem: string): AwsError {
  return awsError(400, 'ValidationError', `${parameter} ${problem}`);
}
