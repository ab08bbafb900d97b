/** `AssumeRoleWithWebIdentity`: the account's provider by the token's issuer, the role's own policy, a session. The steps are those of every exchange. */
import { claimsBytes, parseAssertion, type UnverifiedAssertion } from '../assertion.ts';
import { authenticate, type Authenticated } from '../authenticate.ts';
import type { Denial } from '../denial.ts';
import type { ProviderName } from '../names.ts';
import { providerInAudience } from '../provider-in-audience.ts';
import type { ConfigView } from '../ports.ts';
import { principalIdentifier } from '../principal.ts';
import type { AwsRole, Shards } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import { attempt, type Attempt, type Attempted, type Decided, type Door, type Minted } from '../steps.ts';
import { roleShardId } from '../admin/aws-roles.ts';
import { type RoleArn, roleArn } from './arn.ts';
import type { AwsPorts, SessionCredentials } from './ports.ts';
import { roleStanding } from './role-standing.ts';
import { MAX_PACKED_BYTES, packedBytes, type RoleSession } from './session.ts';
import { sessionTagsOf } from './session-tags.ts';

export interface AssumeRoleInput extends Attempt {
  readonly role: RoleArn;
  readonly sessionName: string;
  readonly durationSeconds: number;
}

export interface AssumedRole extends Minted {
  readonly credentials: SessionCredentials;
  readonly session: RoleSession;
  /** Of the token that was shown. */
  readonly subject: string;
  readonly audience: string;
  readonly issuerUri: string;
  /** Of all that tags may take; undefined: there are none. */
  readonly packedPercent?: number;
}

interface RoleGrant extends Decided {
  readonly session: Omit<RoleSession, 'issuedAtSeconds' | 'expiresAtSeconds'>;
  readonly notAfterSeconds: number;
  readonly issuerUri: string;
}

export async function assumeRole(input: AssumeRoleInput, ports: AwsPorts): Promise<Attempted<AssumedRole>> {
  return attempt(
    input,
    async (trace) => {
      const assertion = parseAssertion(input.subjectToken);
      // What is no token at all makes us ask nobody.
      if (!assertion.ok) return assertion;
      const projectNumber = await ports.projectOfAccount(input.role.accountId);
      if (!projectNumber.ok) return projectNumber;
      if (projectNumber.value === undefined) return err({ tag: 'unknown_provider', why: 'account' });
      trace.claimsBytes = claimsBytes(assertion.value);
      return ok(roleDoor(input, assertion.value, projectNumber.value, ports));
    },
    ports.exchange,
  );
}

function roleDoor(
  input: AssumeRoleInput,
  assertion: UnverifiedAssertion,
  projectNumber: string,
  ports: AwsPorts,
): Door<RoleGrant, AssumedRole> {
  const { exchange } = ports;
  return {
    counted: { projectNumber, poolId: 'aws', providerId: input.role.accountId },
    provider: (view) => findProvider(input.role.accountId, assertion, view),
    prove: (name, view, dryRuns) => authenticate(assertion, name, 'assumeRole', view, exchange, dryRuns),
    authorize: (proven, project, view) => authorize(input, proven, project, view, exchange),
    mint: async (grant, _permit, nowMs, trace) => {
      const nowSeconds = Math.floor(nowMs / 1_000);
      const expiresAtSeconds = Math.min(grant.notAfterSeconds, nowSeconds + input.durationSeconds);
      if (expiresAtSeconds - nowSeconds < 1) return err({ tag: 'unverified', check: 'expired' });
      const session = { ...grant.session, issuedAtSeconds: nowSeconds, expiresAtSeconds };
      const credentials = await ports.makeCredentials(session);
      trace.tokenId = credentials.accessKeyId;
      const { claims } = grant.principal;
      const packed = packedBytes(session);
      return ok({
        credentials,
        session,
        expiresInSeconds: expiresAtSeconds - nowSeconds,
        subject: textOf(claims['sub']),
        audience: textOf(claims['aud']),
        issuerUri: grant.issuerUri,
        ...(packed === 0 ? {} : { packedPercent: Math.ceil((100 * packed) / MAX_PACKED_BYTES) }),
      });
    },
  };
}

/**
 * The only place where `iss` leads anywhere: among the providers of the one project whose account stands in the role's ARN, so that no other
 * tenant's provider can be meant, or make it ambiguous.
 */
async function findProvider(
  accountId: string,
  assertion: UnverifiedAssertion,
  view: ConfigView,
): Promise<Result<ProviderName, Denial>> {
  const { project } = (await view.project()) ?? {};
  // Where the account was found may be out of date; the project's own row is not.
  if (project?.awsAccountId !== accountId) return unknown('account');
  if (project.expireTime !== undefined) return err({ tag: 'disabled', what: 'project' });
  const { projectNumber } = project;
  const candidates = await providersOf(assertion.claims['iss'], view);
  const named = providerInAudience(assertion);
  const found =
    named === undefined
      ? candidates.length === 1 && candidates[0]
      : named.projectNumber === projectNumber &&
        candidates.find(({ poolId, providerId }) => poolId === named.poolId && providerId === named.providerId);
  if (found === false || found === undefined) return unknown(candidates.length > 1 ? 'ambiguous issuer' : 'issuer');
  return ok({ projectNumber, ...found });
}

async function providersOf(issuer: unknown, view: ConfigView) {
  const { providersByIssuer = {} } = (await view.aws())?.aws ?? {};
  if (typeof issuer !== 'string' || !Object.hasOwn(providersByIssuer, issuer)) return [];
  return providersByIssuer[issuer] ?? [];
}

async function authorize(
  input: AssumeRoleInput,
  { principal, expiresAtSeconds }: Authenticated,
  project: Shards['project'] | undefined,
  view: ConfigView,
  { nowMs, compiler }: Pick<AwsPorts['exchange'], 'nowMs' | 'compiler'>,
): Promise<Result<RoleGrant, Denial>> {
  // A provider was found, so its project is there.
  if (project === undefined) return err({ tag: 'unavailable', dependency: 'configuration' });
  const arn = roleArn(input.role);
  const found = await roleOf(input.role, view);
  if (!found.ok) return err({ tag: 'not_granted', target: arn, why: found.error });
  const { account, role } = found.value;
  const tags = sessionTagsOf(principal.claims);
  if (!tags.ok) return err({ tag: 'condition_error', problem: tags.error });
  const { projectNumber } = principal.provider;
  const nowSeconds = Math.floor(nowMs() / 1_000);
  const issuerUri = textOf(principal.claims['iss']);
  const standing = roleStanding(
    {
      principal,
      project,
      account,
      role,
      asking: {
        accountId: input.role.accountId,
        issuerUri,
        claims: principal.claims,
        sessionName: input.sessionName,
        durationSeconds: input.durationSeconds,
        tags: tags.value,
        nowSeconds,
      },
      isIssuerShared: (await providersOf(issuerUri, view)).length > 1,
      maxSeconds: input.durationSeconds,
    },
    compiler,
  );
  if (!standing.ok) return standing;
  // Only who may take the role hears what it allows.
  if (input.durationSeconds > role.maxSessionDurationSeconds) return err(tooLong);
  const bytes = packedBytes(tags.value);
  if (bytes > MAX_PACKED_BYTES) return err({ tag: 'token_too_large', bytes });
  return ok({
    principal,
    roles: [arn],
    binding: standing.value.by,
    issuerUri,
    notAfterSeconds: Math.min(expiresAtSeconds, nowSeconds + standing.value.holdsForSeconds),
    session: {
      projectNumber,
      uniqueId: account.serviceAccount.uniqueId,
      roleArn: arn,
      sessionName: input.sessionName,
      principal: principalIdentifier(principal),
      ...tags.value,
    },
  });
}

/** Of a claim that verification has looked at: a text, or a list of one. */
function textOf(claim: unknown): string {
  const value: unknown = Array.isArray(claim) ? claim[0] : claim;
  return typeof value === 'string' ? value : '';
}

async function roleOf(
  wanted: RoleArn,
  view: ConfigView,
): Promise<Result<{ readonly account: Shards['serviceAccount']; readonly role: AwsRole }, string>> {
  const account = await view.serviceAccount(roleShardId(wanted.roleName));
  const role = account?.serviceAccount.awsRole;
  // The whole ARN, byte for byte: another path is another role.
  if (account === undefined || role === undefined || role.arn !== roleArn(wanted)) return err('there is no such role');
  return account.serviceAccount.disabled
    ? err('the service account that is the role is disabled')
    : ok({ account, role });
}

const tooLong: Denial = {
  tag: 'malformed',
  parameter: 'DurationSeconds',
  problem: 'exceeds the MaxSessionDuration set for this role',
};

function unknown(why: Extract<Denial, { tag: 'unknown_provider' }>['why']): Result<never, Denial> {
  return err({ tag: 'unknown_provider', why });
}
