/** What whoever watches the broker is shown, as values: counted by the objects, so that no isolate's view of it matters. */
import type { Caller } from './admin/caller.ts';
import type { AdminDenial } from './admin/denial.ts';
import type { QuotaUse, SigningKeyInfo } from './admin/port.ts';
import type { Provider } from './resources.ts';
import type { Result } from './result.ts';
import type { ReasonCounts } from './usage.ts';

/** Of a project's Quota object. */
export interface QuotaFigures extends QuotaUse {
  /** The configuration epoch that is in force. */
  readonly epoch: number;
  /** Exchanges that nobody counted. What was only late is taken off again. */
  readonly lostExchanges: number;
  /** Of all time; absent: there were none. */
  readonly exchanges?: { readonly sinceMs: number; readonly byReason: ReasonCounts };
}

/** Of a project's KeyRing object. */
export interface KeyRingFigures {
  readonly keys: readonly SigningKeyInfo[];
  /** Tries of its alarm that failed, in a row. */
  readonly failuresInARow: number;
}

type KeySource = Provider['keySource'];

/** Of a project's Registry object: what it knows of the keys of one provider. */
export interface ProviderKeys {
  readonly poolId: string;
  readonly providerId: string;
  readonly keySource: KeySource;
  /** None where its issuer is asked for them. */
  readonly keyCount: number;
  readonly keysUpdateTime: string;
  readonly keysExpireAtSeconds?: number;
}

export interface RegistryFigures {
  /** The configuration epoch that is saved. */
  readonly epoch: number;
  readonly providers: readonly ProviderKeys[];
  /** There are more of them. */
  readonly isCut: boolean;
}

/** How it stands with a provider's keys, wherever they come from. Times are RFC 3339. */
export interface IssuerFigures {
  readonly poolId: string;
  readonly providerId: string;
  readonly source: KeySource;
  readonly keyCount: number;
  /** When they were last fetched, pushed or uploaded; absent: never. */
  readonly updateTime?: string;
  /** After this they are good for nothing. */
  readonly expireTime?: string;
  /** Of a provider whose issuer is asked. */
  readonly failuresInARow?: number;
}

export type MetricsPart = 'registry' | 'quota' | 'key_ring' | 'issuer_keys';

/** What did not answer is missing here, and named. */
export interface ProjectFigures {
  readonly projectId: string;
  readonly quota?: QuotaFigures;
  readonly keyRing?: KeyRingFigures;
  readonly savedEpoch?: number;
  readonly issuers: readonly IssuerFigures[];
  readonly failures: Readonly<Record<MetricsPart, number>>;
  /** Providers were left out. */
  readonly isCut: boolean;
}

interface ProjectIds {
  readonly projectNumber: string;
  readonly projectId: string;
}

export interface MetricsPort {
  /** Those of which the caller may see the figures, ascending by id; who may see none is refused. */
  visible(
    maxProjects: number,
    caller: Caller,
  ): Promise<Result<{ readonly projects: readonly ProjectIds[]; readonly isCut: boolean }, AdminDenial>>;
  /** Never rejects: what is away is named. */
  read(projects: readonly ProjectIds[]): Promise<readonly ProjectFigures[]>;
}
