/** The provider that a token names by its own `aud`, for callers who name none. */
import type { UnverifiedAssertion } from './assertion.ts';
import { IAM_PREFIX, parseProviderName, type ProviderName } from './names.ts';

/** The token's own audience may say which provider is meant: it must then also be the one that this provider accepts. */
export function providerInAudience(assertion: UnverifiedAssertion): ProviderName | undefined {
  const aud: unknown = assertion.claims['aud'];
  const audience: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  return typeof audience === 'string' ? providerNamedBy(audience) : undefined;
}

/** With or without `https:`. */
export function providerNamedBy(audience: string): ProviderName | undefined {
  const name = audience.startsWith('https:') ? audience.slice('https:'.length) : audience;
  return name.startsWith(IAM_PREFIX) ? parseProviderName(name.slice(IAM_PREFIX.length)) : undefined;
}
