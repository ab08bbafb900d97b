/** What an administrator may ask of one project's configuration, as values. REST, the command line and the dashboard all build these. */
import type { OnceMarker } from '../ports.ts';
import type { ConfigurationWish, ConfiguredResource, ConfiguredStep } from './configuration/change.ts';
import type { Left, RestoredStep } from './history/step.ts';
import type {
  Binding,
  DenyAttachment,
  DenyPolicy,
  DenyRule,
  OwnLimit,
  Policy,
  Pool,
  Project,
  Provider,
  QuotaPreference,
  Role,
  ServiceAccount,
  SigningAlgorithm,
  Target,
} from '../resources.ts';

export interface PoolInput {
  readonly displayName?: string;
  readonly description?: string;
  readonly disabled?: boolean;
}

export interface ProviderInput {
  readonly kubernetes?: KubernetesInput;
  readonly oidc?: OidcInput;
  readonly aws?: { readonly accountId?: string };
  readonly attributeMapping?: Readonly<Record<string, string>>;
  readonly attributeCondition?: string;
  readonly dryRunCondition?: string;
  readonly allowedAlgorithms?: readonly string[];
  /** A duration such as `86400s`. */
  readonly maxTokenLifetime?: string;
  /** Hosts beside the issuer's own where its keys may lie. */
  readonly allowedJwksHosts?: readonly string[];
  readonly maxStale?: string;
  readonly pushedKeysMaxAge?: string;
  readonly newKeyHold?: string;
  readonly singleUse?: boolean;
  /** Kubernetes only. `target`: the id of the target that stands for the cluster. */
  readonly tokenReview?: { readonly url?: string; readonly target?: string };
  readonly disabled?: boolean;
  readonly displayName?: string;
  readonly description?: string;
}

export interface OidcInput {
  readonly issuerUri?: string;
  /** Absent: the issuer is asked for its keys. */
  readonly jwksJson?: string;
  readonly allowedAudiences?: readonly string[];
}

export interface KubernetesInput extends OidcInput {
  readonly clusterUri?: string;
}

export interface TargetInput {
  readonly uri?: string;
  readonly displayName?: string;
  readonly resource?: { readonly name?: string; readonly type?: string; readonly service?: string };
  readonly tags?: Readonly<Record<string, string>>;
  readonly tagIds?: Readonly<Record<string, string>>;
  readonly tokenSigningAlg?: SigningAlgorithm;
  readonly tokenType?: 'at+jwt' | 'JWT';
  readonly maxLifetime?: string;
  readonly allowedScopes?: readonly string[];
}

export interface ServiceAccountInput {
  readonly displayName?: string;
  readonly description?: string;
  /** A duration such as `43200s`. */
  readonly maxTokenLifetime?: string;
  readonly awsRole?: AwsRoleInput;
}

export interface AwsRoleInput {
  readonly arn?: string;
  /** AWS's own JSON, as a document or as its text. */
  readonly trustPolicy?: string | Readonly<Record<string, unknown>>;
  /** A duration: up to twelve hours. */
  readonly maxSessionDuration?: string;
}

export interface RoleInput {
  readonly title?: string;
  readonly description?: string;
  readonly includedPermissions?: readonly string[];
  readonly stage?: string;
}

export interface PolicyInput {
  readonly version?: number;
  /** Absent or empty: overwrite whatever is there. */
  readonly etag?: string;
  readonly bindings?: readonly Binding[];
}

/** The whole of a deny policy: what is absent is empty. */
export interface DenyPolicyInput {
  readonly displayName?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Absent or empty: overwrite whatever is there. */
  readonly etag?: string;
  readonly rules?: readonly DenyRuleInput[];
}

export interface DenyRuleInput {
  readonly description?: string;
  readonly denyRule?: Partial<DenyRule>;
}

export interface ProjectInput {
  readonly displayName?: string;
  readonly tokenExchangesPerMinute?: number;
  /** A duration; `0s`: exchanges are not remembered. */
  readonly recentExchangesRetention?: string;
  readonly credentialGenerationsPerMinute?: number;
  readonly ownLimits?: readonly OwnLimit[];
  /** A duration: up to twelve hours. */
  readonly maxServiceAccountTokenLifetime?: string;
  /** Twelve digits; empty: none. */
  readonly awsAccountId?: string;
}

/** What a tenant asks for. Numbers are 64 bits wide at Google, so they may be texts. */
export interface QuotaWish {
  readonly quotaId?: string;
  readonly service?: string;
  readonly quotaConfig?: {
    readonly preferredValue?: string | number;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly dimensions?: Readonly<Record<string, string>>;
  readonly justification?: string;
  readonly contactEmail?: string;
  /** RFC 3339: the raise ends then. */
  readonly expireTime?: string;
}

/** What an administrator says to a wish; what is absent is as it was asked for. */
export interface QuotaVerdict {
  readonly grantedValue?: string | number;
  readonly comment?: string;
  readonly expireTime?: string;
  /** Of the wish as it was looked at: one that was changed since is not decided. */
  readonly etag?: string;
}

/** Who pushes keys, as the token that was shown proves it. */
export interface Pusher {
  readonly identifier: string;
  /** The `principal://` members that mean exactly this one. */
  readonly memberTexts: readonly string[];
}

/** What an allow policy may hang on inside a project. */
export type PolicyResource =
  | { readonly kind: 'project' }
  | { readonly kind: 'pool'; readonly poolId: string }
  | { readonly kind: 'target'; readonly targetId: string }
  | { readonly kind: 'serviceAccount'; readonly accountId: string };

/** `mask`: the paths to change, in camelCase; a path that is named and absent from the input returns to its default. */
export type Command =
  | {
      readonly type: 'project.patch';
      readonly input: ProjectInput;
      readonly mask: readonly string[];
      /** Of the project as it was read. Absent or empty: whatever is there is meant. */
      readonly etag?: string;
    }
  | { readonly type: 'project.delete' }
  | { readonly type: 'project.undelete' }
  | { readonly type: 'pool.create'; readonly poolId: string; readonly input: PoolInput }
  | {
      readonly type: 'pool.patch';
      readonly poolId: string;
      readonly input: PoolInput;
      readonly mask: readonly string[];
    }
  | { readonly type: 'pool.delete'; readonly poolId: string }
  | { readonly type: 'pool.undelete'; readonly poolId: string }
  | {
      readonly type: 'provider.create';
      readonly poolId: string;
      readonly providerId: string;
      readonly input: ProviderInput;
    }
  | {
      readonly type: 'provider.patch';
      readonly poolId: string;
      readonly providerId: string;
      readonly input: ProviderInput;
      readonly mask: readonly string[];
    }
  | { readonly type: 'provider.delete'; readonly poolId: string; readonly providerId: string }
  | { readonly type: 'provider.undelete'; readonly poolId: string; readonly providerId: string }
  | {
      readonly type: 'provider.pushKeys';
      readonly poolId: string;
      readonly providerId: string;
      readonly jwksJson: string;
      readonly pusher: Pusher;
      readonly once: OnceMarker;
      /** `updateTime` of the rows that the pusher's token was verified by: where they changed meanwhile, it is verified again. */
      readonly verifiedBy: { readonly poolUpdateTime: string; readonly providerUpdateTime: string };
    }
  | {
      readonly type: 'provider.distrustKey';
      readonly poolId: string;
      readonly providerId: string;
      readonly thumbprint: string;
    }
  | {
      readonly type: 'pool.denyUids';
      readonly poolId: string;
      readonly uids: readonly string[];
      /** RFC 3339. */
      readonly until: string;
    }
  | { readonly type: 'target.create'; readonly targetId: string; readonly input: TargetInput }
  | {
      readonly type: 'target.patch';
      readonly targetId: string;
      readonly input: TargetInput;
      readonly mask: readonly string[];
      readonly etag?: string;
    }
  | { readonly type: 'target.delete'; readonly targetId: string; readonly etag?: string }
  | { readonly type: 'serviceAccount.create'; readonly accountId: string; readonly input: ServiceAccountInput }
  | {
      readonly type: 'serviceAccount.patch';
      readonly accountId: string;
      readonly input: ServiceAccountInput;
      readonly mask: readonly string[];
      readonly etag?: string;
    }
  | {
      readonly type:
        | 'serviceAccount.delete'
        | 'serviceAccount.undelete'
        | 'serviceAccount.enable'
        | 'serviceAccount.disable';
      readonly accountId: string;
    }
  | { readonly type: 'role.create'; readonly roleId: string; readonly input: RoleInput }
  | {
      readonly type: 'role.patch';
      readonly roleId: string;
      readonly input: RoleInput;
      readonly mask: readonly string[];
      readonly etag?: string;
    }
  | { readonly type: 'role.delete'; readonly roleId: string; readonly etag?: string }
  | { readonly type: 'policy.set'; readonly resource: PolicyResource; readonly policy: PolicyInput }
  | ({ readonly type: 'denyPolicy.create'; readonly input: DenyPolicyInput } & DenyPolicyId)
  | ({ readonly type: 'denyPolicy.update'; readonly input: DenyPolicyInput } & DenyPolicyId)
  | ({ readonly type: 'denyPolicy.delete'; readonly etag?: string } & DenyPolicyId)
  /** An empty id is made up. */
  | { readonly type: 'quotaPreference.ask'; readonly preferenceId: string; readonly input: QuotaWish }
  | {
      readonly type: 'quotaPreference.change';
      readonly preferenceId: string;
      readonly input: QuotaWish;
      readonly mask: readonly string[];
      readonly etag?: string;
      /** Ask, where there is no such preference. */
      readonly allowMissing: boolean;
    }
  | { readonly type: 'quotaPreference.withdraw'; readonly preferenceId: string; readonly etag?: string }
  | { readonly type: 'quotaPreference.approve'; readonly preferenceId: string; readonly verdict: QuotaVerdict }
  | { readonly type: 'quotaPreference.refuse'; readonly preferenceId: string; readonly verdict: QuotaVerdict }
  /** `resource` as `history/resource-key.ts` spells it; absent: the whole project. */
  | {
      readonly type: 'history.restore';
      /** The state after the change that this entry belongs to. */
      readonly sequence: number;
      readonly resource?: string;
      readonly validateOnly: boolean;
    }
  | ({ readonly type: 'configuration.apply' } & ConfigurationWish)
  /** Of a row, as the history names it; null: nobody's. */
  | { readonly type: 'owner.set'; readonly resource: string; readonly owner: string | null }
  /** By the clock, never by a caller: raises whose time is over end. */
  | { readonly type: 'quota.endRaises' }
  /** By the clock as well: what was deleted thirty days ago goes for good. */
  | { readonly type: 'purge' };

export interface DenyPolicyId {
  readonly attachment: DenyAttachment;
  readonly policyId: string;
}

export interface Page {
  readonly pageSize: number;
  /** The id after which the page starts; empty for the first. */
  readonly after: string;
  /** Pools and providers that are deleted and not yet purged are listed too. */
  readonly showDeleted?: boolean;
}

export type Query =
  | { readonly type: 'project.get' }
  | { readonly type: 'pool.get'; readonly poolId: string }
  | { readonly type: 'pool.list'; readonly page: Page }
  | { readonly type: 'provider.get'; readonly poolId: string; readonly providerId: string }
  | { readonly type: 'provider.list'; readonly poolId: string; readonly page: Page }
  | { readonly type: 'target.get'; readonly targetId: string }
  /** By its id or, byte for byte, its uri. */
  | { readonly type: 'target.find'; readonly idOrUri: string }
  | { readonly type: 'target.list'; readonly page: Page }
  | { readonly type: 'serviceAccount.get'; readonly accountId: string }
  /** Deleted or not. */
  | { readonly type: 'serviceAccount.find'; readonly emailOrUniqueId: string }
  | { readonly type: 'serviceAccount.list'; readonly page: Page }
  | { readonly type: 'role.get'; readonly roleId: string }
  | { readonly type: 'role.list'; readonly page: Page }
  | { readonly type: 'policy.get'; readonly resource: PolicyResource }
  | ({ readonly type: 'denyPolicy.get' } & DenyPolicyId)
  | { readonly type: 'denyPolicy.list'; readonly attachment: DenyAttachment; readonly page: Page }
  | { readonly type: 'quotaPreference.get'; readonly preferenceId: string }
  | { readonly type: 'quotaPreference.list'; readonly page: Page }
  | { readonly type: 'configuration.list'; readonly page: Page; readonly owner?: string }
  | { readonly type: 'operation.get'; readonly of: OperationOf; readonly operationId: string };

/** What an operation changed. */
export type OperationOf =
  | { readonly kind: 'pool'; readonly poolId: string }
  | { readonly kind: 'provider'; readonly poolId: string; readonly providerId: string }
  | ({ readonly kind: 'denyPolicy' } & DenyPolicyId);

/** What a command or a query is answered with. */
export type Answer =
  | { readonly kind: 'project'; readonly project: Project }
  /** `administrative`: its principals hold rights over the broker itself. */
  | { readonly kind: 'pool'; readonly pool: Pool; readonly administrative?: true }
  | { readonly kind: 'provider'; readonly provider: Provider; readonly warnings: readonly string[] }
  | { readonly kind: 'target'; readonly target: Target }
  | { readonly kind: 'role'; readonly role: Role }
  | { readonly kind: 'serviceAccount'; readonly serviceAccount: ServiceAccount }
  | { readonly kind: 'policy'; readonly policy: Policy; readonly warnings?: readonly string[] }
  | { readonly kind: 'deleted' }
  | {
      readonly kind: 'restored';
      readonly steps: readonly RestoredStep[];
      readonly left: readonly Left[];
    }
  | {
      readonly kind: 'configured';
      readonly changeSet: string;
      readonly steps: readonly ConfiguredStep[];
      readonly left: readonly Left[];
      readonly warnings: readonly { readonly resource: string; readonly warning: string }[];
      /** Of all that the wish was about, as it was before. */
      readonly etag: string;
    }
  | { readonly kind: 'configuration'; readonly resources: readonly ConfiguredResource[]; readonly next: string }
  /** As the history shows it. */
  | { readonly kind: 'owner'; readonly owner: string }
  /** `deleteTime`: this was it. */
  | {
      readonly kind: 'denyPolicy';
      readonly policy: DenyPolicy;
      readonly deleteTime?: string;
      readonly warnings?: readonly string[];
    }
  | { readonly kind: 'denyPolicies'; readonly policies: readonly DenyPolicy[]; readonly next: string }
  | { readonly kind: 'quotaPreference'; readonly preference: QuotaPreference }
  | { readonly kind: 'quotaPreferences'; readonly preferences: readonly QuotaPreference[]; readonly next: string }
  /** `administrative`: the ids of those that are. */
  | {
      readonly kind: 'pools';
      readonly pools: readonly Pool[];
      readonly next: string;
      readonly administrative?: readonly string[];
    }
  | { readonly kind: 'providers'; readonly providers: readonly Provider[]; readonly next: string }
  | { readonly kind: 'targets'; readonly targets: readonly Target[]; readonly next: string }
  | {
      readonly kind: 'serviceAccounts';
      readonly serviceAccounts: readonly ServiceAccount[];
      readonly next: string;
    }
  | { readonly kind: 'roles'; readonly roles: readonly Role[]; readonly next: string };
