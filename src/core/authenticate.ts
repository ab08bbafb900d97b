/** Assertion → Principal: the prefix that every way in shares. Which provider, which keys, what it proves, who that is. */
import type { UnverifiedAssertion } from './assertion.ts';
import type { Purpose } from './audiences.ts';
import type { Denial } from './denial.ts';
import type { DryRun } from './dry-run.ts';
import { deniedUidOf } from './kubernetes.ts';
import { type ProviderName, providerName } from './names.ts';
import type { ConfigView, ExchangePorts, OnceMarker } from './ports.ts';
import type { Principal } from './principal.ts';
import type { Provider, PublicJwk } from './resources.ts';
import { err, ok, type Result } from './result.ts';
import { isLater, type Soon } from './soon.ts';
import { admit } from './trust.ts';
import { type VerifiedAssertion, verify } from './verify.ts';

export interface Authenticated {
  readonly principal: Principal;
  readonly expiresAtSeconds: number;
  /** For providers that take each token once. */
  readonly once?: OnceMarker;
}

export type AuthenticatePorts = Pick<
  ExchangePorts,
  'nowMs' | 'compiler' | 'discoveredKeys' | 'verifySignature' | 'reviewToken'
>;

/** What of the configuration it needs. */
export type AuthenticateView = Pick<ConfigView, 'pool' | 'provider' | 'target'>;

export async function authenticate(
  assertion: UnverifiedAssertion,
  name: ProviderName,
  purpose: Purpose,
  view: AuthenticateView,
  ports: AuthenticatePorts,
  dryRuns: DryRun[] = [],
): Promise<Result<Authenticated, Denial>> {
  const [askedPool, askedProvider] = [view.pool(name.poolId), view.provider(name.poolId, name.providerId)];
  const [pool, found] =
    isLater(askedPool) || isLater(askedProvider)
      ? await Promise.all([askedPool, askedProvider])
      : [askedPool, askedProvider];
  if (pool === undefined) return err({ tag: 'unknown_provider', why: 'pool' });
  if (found === undefined) return err({ tag: 'unknown_provider', why: 'provider' });
  if (pool.pool.disabled) return err({ tag: 'disabled', what: 'pool' });
  const { provider } = found;
  if (provider.disabled) return err({ tag: 'disabled', what: 'provider' });
  const askedKeys = keysOf(assertion, name, provider, ports);
  const keys = isLater(askedKeys) ? await askedKeys : askedKeys;
  if (!keys.ok) return keys;
  const nowSeconds = Math.floor(ports.nowMs() / 1_000);
  const verified = await verify(assertion, name, provider, keys.value, purpose, ports.verifySignature, nowSeconds);
  if (!verified.ok) return verified;
  const denied = verified.value.kubernetes && deniedUidOf(verified.value.kubernetes, pool.pool.deniedUids, nowSeconds);
  if (denied !== undefined) return err({ tag: 'denied_uid', uid: denied });
  const principal = admit(verified.value, name, provider, ports.compiler, dryRuns);
  if (!principal.ok) return principal;
  if (provider.tokenReview !== undefined) {
    const reviewed = await secondOpinion(assertion, verified.value, name, provider, purpose, view, ports);
    if (!reviewed.ok) return reviewed;
  }
  const { expiresAtSeconds, tokenId } = verified.value;
  // The marker is known by provider and jti: the token's text can be respelled by whoever holds it.
  const once =
    tokenId === undefined ? {} : { once: { key: `${providerName(name)} ${tokenId}`, untilSeconds: expiresAtSeconds } };
  return ok({ principal: principal.value, expiresAtSeconds, ...once });
}

function keysOf(
  assertion: UnverifiedAssertion,
  name: ProviderName,
  provider: Provider,
  ports: AuthenticatePorts,
): Soon<Result<readonly PublicJwk[], Denial>> {
  if (provider.keySource === 'discovery') return ports.discoveredKeys(name, provider, assertion.header.kid);
  const { keysExpireAtSeconds } = provider;
  const tooOld = keysExpireAtSeconds !== undefined && keysExpireAtSeconds <= ports.nowMs() / 1_000;
  return tooOld ? err({ tag: 'unavailable', dependency: 'issuer_keys' }) : ok(provider.keys);
}

/** The cluster itself knows what an offline verifier cannot: that the pod is gone. Its word can refuse, never let in. */
async function secondOpinion(
  assertion: UnverifiedAssertion,
  verified: VerifiedAssertion,
  name: ProviderName,
  provider: Provider,
  purpose: Purpose,
  view: AuthenticateView,
  ports: AuthenticatePorts,
): Promise<Result<void, Denial>> {
  const { kubernetes } = verified;
  if (provider.tokenReview === undefined || kubernetes === undefined) return ok(undefined);
  const { targetId, targetUid } = provider.tokenReview;
  const target = await view.target(targetId);
  // The next target of that name is another cluster, and its credential is not this url's to get.
  const isMeant = target !== undefined && (targetUid === undefined || targetUid === target.target.uid);
  if (!isMeant) return err({ tag: 'unavailable', dependency: 'token_review' });
  const { jti } = verified.claims;
  return ports.reviewToken({
    name,
    provider,
    target: target.target,
    token: assertion.token,
    tokenId: typeof jti === 'string' ? jti : undefined,
    username: `system:serviceaccount:${kubernetes.namespace}:${kubernetes.serviceAccount.name}`,
    serviceAccountUid: kubernetes.serviceAccount.uid,
    purpose,
  });
}
