/** Errors of AWS's query protocol (WIRE.md F.3): the code decides which class the SDK raises, and whether it tries again. Callers learn that, operators learn why. */
import type { CallerFault } from '../../core/aws/signed-caller.ts';
import type { Check, Denial } from '../../core/denial.ts';

export interface AwsError {
  readonly status: 400 | 403 | 405 | 413 | 500 | 503;
  readonly code: string;
  readonly message: string;
  /** For the operator, where the caller is told less. */
  readonly check?: string;
}

export function awsError(status: AwsError['status'], code: string, message: string): AwsError {
  return { status, code, message };
}

const NOT_AUTHORIZED = 'Not authorized to perform sts:AssumeRoleWithWebIdentity';
const NO_PROVIDER = 'No OpenIDConnect provider found in your account for the issuer of the token';
const NOT_VERIFIED = 'The web identity token that was passed could not be validated';
const NO_KEYS =
  "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements";

/** A new reason to refuse does not compile until it has a code here. */
export function errorOfDenial(denial: Denial): AwsError {
  switch (denial.tag) {
    case 'unverified':
      return errorOfCheck(denial.check);
    case 'unknown_provider':
      return awsError(400, 'InvalidIdentityToken', NO_PROVIDER);
    case 'disabled':
      // AWS's own word for an account for which the service is switched off; a provider that is disabled is as good as none.
      return denial.what === 'project'
        ? awsError(403, 'RegionDisabledException', 'STS is not activated for the requested account')
        : awsError(400, 'InvalidIdentityToken', NO_PROVIDER);
    case 'subject_too_long':
    case 'denied_uid':
    case 'condition_false':
    case 'condition_error':
      return awsError(403, 'IDPRejectedClaim', 'The identity of the web identity token is rejected by the provider');
    case 'not_granted':
    case 'denied_by_policy':
    case 'unknown_target':
      return awsError(403, 'AccessDenied', NOT_AUTHORIZED);
    case 'malformed':
      return awsError(400, 'ValidationError', `The requested ${denial.parameter} ${denial.problem}`);
    case 'token_too_large':
      return awsError(
        400,
        'PackedPolicyTooLarge',
        'Packed size of session tags consumes more than 100% of allotted space',
      );
    case 'over_quota':
    case 'too_many_failures':
      return awsError(400, 'Throttling', 'Rate exceeded');
    case 'unavailable':
      return denial.dependency === 'issuer_keys' || denial.dependency === 'token_review'
        ? awsError(400, 'IDPCommunicationError', NO_KEYS)
        : awsError(503, 'ServiceUnavailable', 'The service cannot answer right now. Please retry.');
    case 'unsupported_grant_type':
    case 'invalid_scope':
    case 'internal':
      return internalFailure;
  }
}

export const internalFailure: AwsError = awsError(
  500,
  'InternalFailure',
  'The request processing has failed because of an internal error. The request id names it to the operator.',
);

/** One text for every way to fail verification but two, which have a way out to name. */
function errorOfCheck(check: Check): AwsError {
  if (check === 'expired') return awsError(400, 'ExpiredTokenException', 'Token expired');
  if (check === 'audience') return awsError(400, 'InvalidIdentityToken', 'Incorrect token audience');
  return awsError(400, 'InvalidIdentityToken', NOT_VERIFIED);
}

export function errorOfCaller(fault: CallerFault): AwsError {
  switch (fault.tag) {
    case 'missing':
      return awsError(403, 'MissingAuthenticationToken', 'Request is missing Authentication Token');
    case 'incomplete':
      return awsError(400, 'IncompleteSignature', `The request signature cannot be used: ${fault.problem}`);
    case 'time':
      return awsError(400, 'RequestExpired', `Signature not yet current or expired: ${fault.problem}`);
    case 'mismatch':
      return {
        ...awsError(
          403,
          'SignatureDoesNotMatch',
          'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
        ),
        check: fault.problem,
      };
    case 'unknown_key':
      return awsError(403, 'InvalidClientTokenId', 'The security token included in the request is invalid');
    case 'role_gone':
      return {
        ...awsError(403, 'InvalidClientTokenId', 'The security token included in the request is invalid'),
        check: 'the role is disabled, deleted, or another one by now',
      };
    case 'revoked_session':
      return {
        ...awsError(403, 'InvalidClientTokenId', 'The security token included in the request is invalid'),
        check: 'the sessions of its principal are revoked',
      };
    case 'expired_session':
      return awsError(403, 'ExpiredToken', 'The security token included in the request is expired');
    case 'unavailable':
      return awsError(503, 'ServiceUnavailable', 'The service cannot answer right now. Please retry.');
  }
}
