/** A signed question → Principal: AWS itself says who signed it. Its word counts for the one account that the provider names. */
import { acceptedAudiences } from '../audiences.ts';
import type { Authenticated } from '../authenticate.ts';
import { type Denial, unverified } from '../denial.ts';
import type { DryRun } from '../dry-run.ts';
import type { ProviderName } from '../names.ts';
import type { ConfigView, ExchangePorts } from '../ports.ts';
import { err, ok, type Result } from '../result.ts';
import { admit } from '../trust.ts';
import type { AwsRequest } from './request.ts';

/** As AWS answers GetCallerIdentity. */
export interface AwsIdentity {
  readonly arn: string;
  readonly account: string;
  readonly userId: string;
}

/** AWS takes a signature for so long. */
const SIGNATURE_LIFE_SECONDS = 900;
const LEEWAY_SECONDS = 60;
/** AWS does not say when the signer's session ends. */
const IDENTITY_LIFE_SECONDS = 3_600;

export async function authenticateAws(
  request: AwsRequest,
  name: ProviderName,
  view: Pick<ConfigView, 'pool' | 'provider'>,
  ports: Pick<ExchangePorts, 'nowMs' | 'compiler' | 'askAws'>,
  dryRuns: DryRun[] = [],
): Promise<Result<Authenticated, Denial>> {
  const [pool, found] = await Promise.all([view.pool(name.poolId), view.provider(name.poolId, name.providerId)]);
  if (pool === undefined) return err({ tag: 'unknown_provider', why: 'pool' });
  if (found === undefined) return err({ tag: 'unknown_provider', why: 'provider' });
  if (pool.pool.disabled) return err({ tag: 'disabled', what: 'pool' });
  const { provider } = found;
  if (provider.disabled) return err({ tag: 'disabled', what: 'provider' });
  if (provider.kind !== 'aws') return err(unverified('token_format'));
  const accepted = acceptedAudiences(name, provider, 'exchange');
  if (!accepted.includes(request.targetResource)) return err(unverified('audience'));
  const nowSeconds = Math.floor(ports.nowMs() / 1_000);
  if (request.requestTimeSeconds > nowSeconds + LEEWAY_SECONDS) return err(unverified('issued_in_future'));
  if (request.requestTimeSeconds + SIGNATURE_LIFE_SECONDS <= nowSeconds) return err(unverified('expired'));
  // Last, for it is a request of ours that a stranger causes: to AWS, for a provider that wants it.
  const identity = await ports.askAws(request);
  if (!identity.ok) return identity;
  const { arn, account, userId } = identity.value;
  if (account !== provider.awsAccountId) return err(unverified('issuer'));
  const principal = admit({ claims: { arn, account, userid: userId } }, name, provider, ports.compiler, dryRuns);
  if (!principal.ok) return principal;
  return ok({ principal: principal.value, expiresAtSeconds: nowSeconds + IDENTITY_LIFE_SECONDS });
}
