/** Configuration as values: the rows that the Registry keeps and the shards that the edge reads. Times are RFC 3339, lifetimes seconds. */
import { sameText } from './same-text.ts';

export type SubjectAlgorithm = 'RS256' | 'RS384' | 'RS512' | 'ES256' | 'ES384' | 'ES512';
export type SigningAlgorithm = 'ES256' | 'RS256';

export interface Project {
  readonly projectNumber: string;
  readonly projectId: string;
  readonly displayName: string;
  /** The limit in force: a temporary raise is in it. */
  readonly tokenExchangesPerMinute: number;
  /** In force as well. Absent: the default. */
  readonly credentialGenerationsPerMinute?: number;
  /** Those that run, at most one a quota. */
  readonly temporaryRaises?: readonly TemporaryRaise[];
  readonly ownLimits?: readonly OwnLimit[];
  /** For how long exchanges are remembered; 0: not at all. Absent: the default of `RECENT_RETENTION`. */
  readonly recentExchangesRetentionSeconds?: number;
  /** The longest that access tokens of its service accounts may live. Absent: the default. */
  readonly maxServiceAccountTokenLifetimeSeconds?: number;
  /** Twelve digits, nobody else's in this broker: whose roles and OIDC providers AWS's clients mean. */
  readonly awsAccountId?: string;
  /** Deleted: gone for good then, and let in by nobody's tokens until then. */
  readonly expireTime?: string;
  readonly createTime: string;
}

/** Until its time is over the limit in force is the larger of its value and the base. */
export interface TemporaryRaise {
  readonly quotaId: string;
  readonly preferenceId: string;
  readonly value: number;
  /** The limit without it, to which the project returns. */
  readonly baseValue: number;
  readonly expireTime: string;
}

/** A hard cap on a single provider or principal; exactly one of the two is named. */
export interface OwnLimit {
  readonly provider?: string;
  readonly principal?: string;
  readonly tokenExchangesPerMinute: number;
}

export type QuotaPreferenceState =
  | 'PENDING'
  | 'GRANTED'
  | 'GRANTED_PARTIALLY'
  | 'REFUSED'
  | 'EXPIRED'
  | 'WITHDRAWN'
  | 'SUPERSEDED';

/** A wish for another limit, and what became of it. */
export interface QuotaPreference {
  readonly preferenceId: string;
  readonly quotaId: string;
  readonly preferredValue: number;
  readonly annotations: Readonly<Record<string, string>>;
  readonly justification: string;
  readonly contactEmail: string;
  readonly state: QuotaPreferenceState;
  readonly grantedValue?: number;
  /** While pending as asked for, then as granted. Absent: for good. */
  readonly expireTime?: string;
  readonly createTime: string;
  readonly updateTime: string;
  /** The epoch of the write: makes the etag. */
  readonly version: number;
  /** The last ones; the Registry's history has them all. */
  readonly events: readonly QuotaEvent[];
}

export interface QuotaEvent {
  readonly time: string;
  readonly actor: string;
  readonly state: QuotaPreferenceState;
  /** What was asked for, granted, or returned to. */
  readonly value: number;
  readonly comment: string;
}

export interface Pool {
  readonly poolId: string;
  readonly uid: string;
  /** `PROJECT_ID.svc.id.goog`: comes with the project, takes only clusters, cannot be renamed or deleted. */
  readonly builtIn: boolean;
  readonly displayName: string;
  readonly description: string;
  readonly disabled: boolean;
  /** ServiceAccounts, pods and nodes that are refused until a time, whatever else lets them in. */
  readonly deniedUids: readonly DeniedUid[];
  /** Present: it is deleted, can be undeleted until then, and is purged after. The edge never sees such a row. */
  readonly expireTime?: string;
  readonly createTime: string;
  readonly updateTime: string;
}

export interface DeniedUid {
  readonly uid: string;
  readonly untilSeconds: number;
}

/** A public key that a provider's tokens may be signed with; nothing but these members is kept of what was uploaded. */
export interface PublicJwk {
  readonly kty: 'RSA' | 'EC';
  readonly kid: string;
  readonly alg?: string;
  readonly use?: string;
  readonly n?: string;
  readonly e?: string;
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  /** RFC 7638, SHA-256, base64url: a key keeps its thumbprint when it is renamed. */
  readonly thumbprint: string;
  /** Pushed keys only: verifies nothing before this second. */
  readonly trustedFromSeconds?: number;
}

export interface Provider {
  readonly poolId: string;
  readonly providerId: string;
  readonly uid: string;
  readonly kind: 'kubernetes' | 'oidc' | 'aws';
  /** Compared byte for byte with `iss`. */
  readonly issuerUri: string;
  /** AWS only, which has neither issuer nor keys: 12 digits. */
  readonly awsAccountId?: string;
  /** Kubernetes only: the identity of the cluster, unique in its pool. */
  readonly clusterUri?: string;
  /** Empty: the provider's own resource name, with either prefix, is the audience. */
  readonly allowedAudiences: readonly string[];
  /** Where the keys come from: an administrator, the issuer's own discovery, or an agent inside the cluster. */
  readonly keySource: 'uploaded' | 'discovery' | 'pushed';
  /** For reading back: `keys` as a text. What else was uploaded is not kept. Both are empty for discovery, whose keys `IssuerKeys` holds. */
  readonly jwksJson: string;
  readonly keys: readonly PublicJwk[];
  /** When uploaded or pushed keys last changed. */
  readonly keysUpdateTime: string;
  /** Pushed keys only: after this second they are too old to trust, and exchanges answer 503. */
  readonly keysExpireAtSeconds?: number;
  /** Never trusted again, wherever they come from: outlives pushes, discovery and restores. */
  readonly distrustedThumbprints: readonly string[];
  /** Discovery: hosts other than the issuer's own that `jwks_uri` may name. */
  readonly allowedJwksHosts: readonly string[];
  /** Discovery: for how long keys serve on while the issuer does not answer. */
  readonly maxStaleSeconds: number;
  readonly pushedKeysMaxAgeSeconds: number;
  /** For how long a key that a push brought verifies nothing: time to notice. */
  readonly newKeyHoldSeconds: number;
  /** Each token is taken once; needs `jti` and a short `maxTokenLifetimeSeconds`. */
  readonly singleUse: boolean;
  /** The cluster's own API server is asked as well (TokenReview); its answer can only refuse. */
  readonly tokenReview?: TokenReviewOption;
  /** Empty for Kubernetes, whose mapping is fixed. */
  readonly attributeMapping: Readonly<Record<string, string>>;
  /** CEL, or empty. */
  readonly attributeCondition: string;
  /** CEL on trial beside `attributeCondition`: evaluated and written down, never asked. */
  readonly dryRunCondition?: string;
  readonly allowedAlgorithms: readonly SubjectAlgorithm[];
  readonly maxTokenLifetimeSeconds: number;
  readonly disabled: boolean;
  readonly displayName: string;
  readonly description: string;
  /** As that of a pool. */
  readonly expireTime?: string;
  readonly createTime: string;
  readonly updateTime: string;
}

export interface TokenReviewOption {
  /** The API server, `https://host`; the path of TokenReview is ours to add. */
  readonly url: string;
  /** The target that stands for that cluster: the reviewer's credential is a token minted for it. */
  readonly targetId: string;
  /** Of that target when this was written: another one that is called so later is another cluster. Absent in rows from before. */
  readonly targetUid?: string;
}

export interface Role {
  readonly roleId: string;
  readonly title: string;
  readonly description: string;
  readonly includedPermissions: readonly string[];
  readonly stage: string;
  readonly createTime: string;
  readonly updateTime: string;
  /** The epoch of the write: makes the etag. */
  readonly version: number;
}

export interface Target {
  readonly targetId: string;
  readonly uid: string;
  /** Lands in `aud`; compared byte for byte with `resource`. */
  readonly uri: string;
  readonly displayName: string;
  /** What conditions see as `resource.name`, `.type`, `.service`; an absent member is unavailable to them. */
  readonly resource: { readonly name?: string; readonly type?: string; readonly service?: string };
  readonly tags: Readonly<Record<string, string>>;
  readonly tagIds: Readonly<Record<string, string>>;
  readonly tokenSigningAlg: SigningAlgorithm;
  readonly tokenType: 'at+jwt' | 'JWT';
  readonly maxLifetimeSeconds: number;
  readonly allowedScopes: readonly string[];
  readonly createTime: string;
  readonly updateTime: string;
  /** The epoch of the write: makes the etag. */
  readonly version: number;
}

/** An identity that the project itself owns. Keys are not part of it: they lie sealed with the key objects. */
export interface ServiceAccount {
  /** Before the `@`: unique in the project, also among the deleted ones. */
  readonly accountId: string;
  /** Kept as it was given out: whoever was bound by it stays bound, wherever the broker moves. */
  readonly email: string;
  /** Digits; never another account's, of whatever project and whatever time. */
  readonly uniqueId: string;
  readonly displayName: string;
  readonly description: string;
  readonly disabled: boolean;
  /** The longest that its access tokens may live; the project's own maximum holds as well. */
  readonly maxTokenLifetimeSeconds: number;
  /** Present: AWS's clients take it as a role. */
  readonly awsRole?: AwsRole;
  /** As that of a pool. */
  readonly expireTime?: string;
  readonly createTime: string;
  readonly updateTime: string;
  /** The epoch of the write: makes the etag. */
  readonly version: number;
}

export interface ConditionText {
  readonly expression: string;
  readonly title?: string;
  readonly description?: string;
  readonly location?: string;
}

export interface Binding {
  /** `roles/…` (predefined) or `projects/PROJECT_ID/roles/R`. */
  readonly role: string;
  readonly members: readonly string[];
  readonly condition?: ConditionText;
  /** On trial beside `condition`: evaluated and written down, never asked. */
  readonly dryRunCondition?: ConditionText;
}

/** What a deny policy may be attached to. */
export type DenyAttachment = { readonly kind: 'project' } | { readonly kind: 'target'; readonly targetId: string };

export interface DenyPolicy {
  /** Unique on what it is attached to. */
  readonly policyId: string;
  readonly attachment: DenyAttachment;
  readonly uid: string;
  readonly displayName: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly rules: readonly { readonly description: string; readonly denyRule: DenyRule }[];
  readonly createTime: string;
  readonly updateTime: string;
  /** The epoch of the write: makes the etag. */
  readonly version: number;
}

/** As it was written; `EdgeDenyRule` is what becomes of it. */
export interface DenyRule {
  readonly deniedPrincipals: readonly string[];
  readonly exceptionPrincipals: readonly string[];
  readonly deniedPermissions: readonly string[];
  readonly exceptionPermissions: readonly string[];
  readonly denialCondition?: ConditionText;
}

/** What a service account is to clients of AWS. */
export interface AwsRole {
  /** Whole, as it is pasted: good while its account is the project's. */
  readonly arn: string;
  /** AWS's own JSON; it alone says who takes the role. Absent: the account's allow policy does. */
  readonly trustPolicy?: string;
  readonly maxSessionDurationSeconds: number;
}

/** A deny rule as the edge needs it: its permissions are already resolved to the roles that hold one of them. */
export interface EdgeDenyRule {
  /** For the operator: the policy's name and the rule's place in it. */
  readonly shown: string;
  /** Members as in a binding, or `EVERYBODY`. */
  readonly deniedPrincipals: readonly string[];
  readonly exceptionPrincipals: readonly string[];
  /** `sts.tokens.exchange` itself is denied: no token for anything. */
  readonly deniesExchange: boolean;
  /** `iam.serviceAccounts.getAccessToken` is denied: nobody's AWS role is taken. Absent: it is not, or the record is older. */
  readonly deniesImpersonation?: true;
  /** Custom roles that hold a denied permission: no token carries them. */
  readonly deniedRoleIds: readonly string[];
  /** Absent: always. One that cannot be evaluated denies. */
  readonly condition?: ConditionText;
}

/** Google's name for everybody, known to deny rules only. */
export const EVERYBODY = 'principalSet://goog/public:all';

export interface Policy {
  /** 1, or 3 where a binding has a condition. */
  readonly version: 1 | 3;
  /** The epoch of the write: makes the etag. 0: never set. */
  readonly revision: number;
  readonly bindings: readonly Binding[];
}

export const EMPTY_POLICY: Policy = { version: 1, revision: 0, bindings: [] };

/** What the edge reads: one KV record each, key `TYPE:PROJECT_NUMBER[/…]`. */
export interface Shards {
  project: {
    readonly project: Project;
    readonly policy: Policy;
    /** Custom roles that hold a permission of somebody else's service: all that the edge has to know of roles. */
    readonly openingRoleIds: readonly string[];
    readonly targetIdByUri: Readonly<Record<string, string>>;
    /** Absent in records from before deny policies: there were none. */
    readonly denyRules?: readonly EdgeDenyRule[];
    /** Whose limit is his own, `provider:NAME` or `principal:NAME`; the numbers are the quota object's. Absent: nobody's. */
    readonly ownLimitKeys?: readonly string[];
  };
  pool: { readonly pool: Pool };
  provider: { readonly provider: Provider };
  target: { readonly target: Target; readonly policy: Policy; readonly denyRules?: readonly EdgeDenyRule[] };
  /** Found by account id, by unique id, and by the name of its AWS role if it has one: records of one value. A deleted one is not there. */
  serviceAccount: { readonly serviceAccount: ServiceAccount; readonly policy: Policy };
  /** Of projects with an AWS account: which providers there are of an issuer. */
  aws: { readonly aws: { readonly providersByIssuer: Readonly<Record<string, readonly AwsProvider[]>> } };
}

export interface AwsProvider {
  readonly poolId: string;
  readonly providerId: string;
}

const projectKey = sameText((_one, _two, projectNumber) => `project:${projectNumber}`);
const poolKey = sameText((_one, projectNumber, poolId) => `pool:${projectNumber}/${poolId}`);
const providerKey = sameText((project, pool, provider) => `provider:${project}/${pool}/${provider}`);
const targetKey = sameText((_one, projectNumber, targetId) => `target:${projectNumber}/${targetId}`);

export const shardKey = {
  project: (projectNumber: string): string => projectKey('', '', projectNumber),
  pool: (projectNumber: string, poolId: string): string => poolKey('', projectNumber, poolId),
  provider: (projectNumber: string, poolId: string, providerId: string): string =>
    providerKey(projectNumber, poolId, providerId),
  target: (projectNumber: string, targetId: string): string => targetKey('', projectNumber, targetId),
  /** `id`: the account id, which begins with a letter, the unique id, which is digits, or `role:` and the name of its AWS role. */
  serviceAccount: (projectNumber: string, id: string): string => `sa:${projectNumber}/${id}`,
  aws: (projectNumber: string): string => `aws:${projectNumber}`,
  /** Stands in the news when the key ring changed other than by its timetable; in KV it names the copy of the public halves. */
  ring: (projectNumber: string): string => `ring:${projectNumber}`,
};
