/** Whose limit is his own: the names by which the Registry, the edge and the quota object speak of it. */
import { type ProviderName, providerName } from '../names.ts';
import { type Principal, principalIdentifier } from '../principal.ts';

/** Which limit had no room. */
export type QuotaLimit = 'project' | 'provider' | 'principal';

export function providerLimitName(provider: string): string {
  return `provider:${provider}`;
}

export function principalLimitName(principal: string): string {
  return `principal:${principal}`;
}

/** All that an exchange of this principal may be limited by, beside the project. */
export function limitNamesOf(principal: Principal): readonly string[] {
  const provider: ProviderName = principal.provider;
  return [providerLimitName(providerName(provider)), principalLimitName(principalIdentifier(principal))];
}

export function limitOf(name: string): QuotaLimit {
  if (name.startsWith('provider:')) return 'provider';
  return name.startsWith('principal:') ? 'principal' : 'project';
}
