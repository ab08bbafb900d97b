/** What is known of a provider whose keys are discovered: the row that says where to look, the keys that were found, and how it went. */
import { mayExist, parseProviderName, type ProviderName, providerName } from '../../core/names.ts';
import type { Provider, PublicJwk } from '../../core/resources.ts';

/** The name of a provider's IssuerKeys object. No part of it can hold a slash. */
export function issuerKeysName({ projectNumber, poolId, providerId }: ProviderName): string {
  return `${projectNumber}/${poolId}/${providerId}`;
}

/** Undefined where no provider can have this name: such an object has nothing to do. */
export function providerOfObject(objectName: string): ProviderName | undefined {
  const [projectNumber = '', poolId = '', providerId = '', ...rest] = objectName.split('/');
  const name = parseProviderName(providerName({ projectNumber, poolId, providerId }));
  return rest.length === 0 && name !== undefined && mayExist(name) ? name : undefined;
}

/** As much of a provider as fetching needs. */
export type DiscoveryProvider = Pick<Provider, 'issuerUri' | 'allowedJwksHosts' | 'maxStaleSeconds'>;

export interface DiscoveredKeys {
  /** Whose keys these are: for any other issuer they are nobody's. */
  readonly issuerUri: string;
  readonly jwksUri: string;
  readonly keys: readonly PublicJwk[];
  readonly fetchedAtMs: number;
  /** How long the issuer lets its answer be used, within our bounds. */
  readonly maxAgeSeconds: number;
  /** By the `maxStale` that the provider had when they were fetched. */
  readonly staleAfterMs: number;
  readonly nextRefreshMs: number;
}

/** What an administrator reads on the provider. Times are RFC 3339. */
export interface IssuerKeysStatus {
  readonly issuerUri: string;
  readonly keys: readonly { readonly kid: string; readonly thumbprint: string }[];
  readonly ageSeconds?: number;
  readonly lastSuccessTime?: string;
  readonly staleAfterTime?: string;
  readonly lastAttemptTime: string;
  readonly nextRefreshTime: string;
  readonly failuresInARow: number;
  readonly lastError?: string;
  readonly warnings: readonly string[];
}

/** For whoever watches: keys that came or went, and attempts that brought none. Kids with thumbprints, as text `KID THUMBPRINT`. */
export interface KeySetEvent {
  readonly atMs: number;
  readonly what: 'changed' | 'failed' | 'forgotten';
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Why; empty for a change. */
  readonly reason: string;
}
