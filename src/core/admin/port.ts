/** What the faces of administration need from the world: one port, filled by the platform, and by a Map in the tests. */
import type { RecentPage } from '../recent.ts';
import type { UsagePage, UsageWanted } from '../usage-page.ts';
import type { Policy, Project, Shards, SigningAlgorithm } from '../resources.ts';
import type { Result } from '../result.ts';
import type { StagedPart } from './configuration/change.ts';
import type { Answer, Command, Page, PolicyInput, PolicyResource, Query } from './commands.ts';
import type { Asked, Explanation } from '../explain/answer.ts';
import type { AdminDenial } from './denial.ts';
import type { Caller } from './caller.ts';
import type { HistoryAnswer, HistoryQuery } from './history/entry.ts';
import type { RestoredStep } from './history/step.ts';
import type { Proposal } from './propose.ts';

/** A public key of a project's ring and where it stands in its life; times are RFC 3339. */
export interface SigningKeyInfo {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly state: 'NEXT' | 'ACTIVE' | 'RETIRING' | 'DISTRUSTED';
  readonly publishTime: string;
  readonly signFrom: string;
  readonly signUntil: string;
}

/** Without `alg`: both of them. */
export interface KeyRotation {
  readonly alg?: SigningAlgorithm;
  readonly emergency?: boolean;
}

/** How much of a project's quota counts now. */
export interface QuotaUse {
  readonly limitPerMinute: number;
  readonly countedPermits: number;
  /** At the rate of the last seconds; absent: not at all. */
  readonly refusalsStartInMs?: number;
}

/** How it stands with the keys that a provider's issuer publishes. Times are RFC 3339. */
export interface IssuerKeysStatus {
  readonly keys: readonly { readonly kid: string; readonly thumbprint: string }[];
  readonly lastSuccessTime?: string;
  readonly nextRefreshTime: string;
  readonly lastError?: string;
  readonly warnings: readonly string[];
}

/** Every change takes its caller along, for the history. Projects are named by number; only `findProject` takes either. */
export interface AdminPort {
  findProject(
    idOrNumber: string,
  ): Promise<Result<{ projectNumber: string; projectId: string } | undefined, AdminDenial>>;
  createProject(
    input: { projectId: string; projectNumber?: string; displayName?: string },
    caller: Caller,
  ): Promise<Result<Project, AdminDenial>>;
  /** Those that the caller may get. Who may get none, and may not list them either, is refused. */
  listProjects(
    page: Page,
    caller: Caller,
  ): Promise<Result<{ projects: readonly Project[]; next: string }, AdminDenial>>;
  apply(projectNumber: string, command: Command, caller: Caller): Promise<Result<Answer, AdminDenial>>;
  /** Changes nothing: a part of what a later `configuration.apply` takes together. */
  stage(projectNumber: string, staged: StagedPart, caller: Caller): Promise<Result<null, AdminDenial>>;
  read(projectNumber: string, query: Query): Promise<Result<Answer, AdminDenial>>;
  /** By the policies as they are now. */
  explain(projectNumber: string, asked: Asked): Promise<Result<Explanation, AdminDenial>>;
  /** Undefined while the issuer was never asked. */
  issuerKeysStatus(
    projectNumber: string,
    poolId: string,
    providerId: string,
  ): Promise<Result<IssuerKeysStatus | undefined, AdminDenial>>;
  /** Which of these rights the caller has now; `at` undefined: on the organization. Whether the resource is there is not asked. */
  held(
    caller: Caller,
    permissions: readonly string[],
    at: { readonly projectNumber: string; readonly resource: PolicyResource } | undefined,
  ): Promise<Result<readonly string[], AdminDenial>>;
  /** The bootstrap token that this broker was started with is good for nothing from then on. */
  retireBootstrapToken(caller: Caller): Promise<Result<null, AdminDenial>>;
  organizationPolicy(): Promise<Result<Policy, AdminDenial>>;
  setOrganizationPolicy(input: PolicyInput, caller: Caller): Promise<Result<Policy, AdminDenial>>;
  /** `projectNumber` undefined: of the organization. */
  readHistory(projectNumber: string | undefined, query: HistoryQuery): Promise<Result<HistoryAnswer, AdminDenial>>;
  restoreOrganizationPolicy(
    sequence: number,
    validateOnly: boolean,
    caller: Caller,
  ): Promise<Result<readonly RestoredStep[], AdminDenial>>;
  /** By the name of the ring (`rings.ts`). An account's is made when it first signs; before, it is not found. */
  signingKeys(ring: string): Promise<Result<readonly SigningKeyInfo[], AdminDenial>>;
  rotateSigningKeys(
    ring: string,
    input: KeyRotation,
    caller: Caller,
  ): Promise<Result<readonly SigningKeyInfo[], AdminDenial>>;
  /** Checks a policy as if it were set, and writes nothing. */
  propose(projectNumber: string, resource: PolicyResource, input: PolicyInput): Promise<Result<Proposal, AdminDenial>>;
  /** As they are now, in the order of the ids; null for one that is gone. At least one, and perhaps not all: ask again for the rest. */
  targetShards(
    projectNumber: string,
    targetIds: readonly string[],
  ): Promise<Result<readonly (Shards['target'] | null)[], AdminDenial>>;
  /** `before`: the `next` of the page before; absent: the newest. */
  recentExchanges(
    projectNumber: string,
    page: { readonly before?: string; readonly maxRecords: number },
  ): Promise<Result<RecentPage, AdminDenial>>;
  usage(projectNumber: string, wanted: UsageWanted): Promise<Result<UsagePage, AdminDenial>>;
  /** By the id of the quota. */
  quotaUsage(projectNumber: string, quotaId: string): Promise<Result<QuotaUse, AdminDenial>>;
}
