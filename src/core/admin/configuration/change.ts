/** What is wished of a project's configuration: the whole of each resource that is named, or that it be gone. */
import type {
  DenyPolicyInput,
  PolicyInput,
  PoolInput,
  ProjectInput,
  ProviderInput,
  RoleInput,
  ServiceAccountInput,
  TargetInput,
} from '../commands.ts';

/** In the form of the REST bodies, by kind; a member that is left out is at its default. */
export type DesiredDocument =
  | { readonly kind: 'project'; readonly input: ProjectInput }
  | { readonly kind: 'pool'; readonly input: PoolInput }
  | { readonly kind: 'provider'; readonly input: ProviderInput }
  | { readonly kind: 'target'; readonly input: TargetInput }
  | { readonly kind: 'serviceAccount'; readonly input: ServiceAccountInput }
  | { readonly kind: 'role'; readonly input: RoleInput }
  | { readonly kind: 'policy'; readonly input: Pick<PolicyInput, 'bindings'> }
  | { readonly kind: 'denyPolicy'; readonly input: Omit<DenyPolicyInput, 'etag'> };

export interface DesiredChange {
  /** As the history spells it: `provider/POOL/PROVIDER`. */
  readonly resource: string;
  /** Of the resource as it was read; of one that was not there `etagOf(0)`. Absent: whatever is there is meant. */
  readonly etag?: string;
  /** Null: it is to be gone. */
  readonly desired: DesiredDocument | null;
}

export interface ConfigurationWish {
  /** Stands in the history with each entry of the change. */
  readonly changeSet: string;
  readonly changes: readonly DesiredChange[];
  /** How many parts were staged under the name of the change set, to be taken together with `changes`. */
  readonly stagedParts: number;
  /** Whose the named resources are from now on. Absent: who owns what stays as it is. */
  readonly owner?: string;
  /** What the owner has and does not name goes. */
  readonly prune: boolean;
  /** What another owner has may be changed, and is this one's then. */
  readonly takeOver: boolean;
  /** Of all that the wish is about, as it was looked at. */
  readonly etag?: string;
  /** Resources that were refused before they came here: who needs them is not refused for that once more. */
  readonly refused?: readonly string[];
  readonly validateOnly: boolean;
}

/** One of several calls that together hold what is wished. */
export interface StagedPart {
  readonly changeSet: string;
  /** From 0. */
  readonly part: number;
  readonly changes: readonly DesiredChange[];
}

export type ConfiguredAction = 'CREATED' | 'CHANGED' | 'DELETED' | 'UNDELETED' | 'ADOPTED' | 'RELEASED';

/** `before` and `after`: JSON of the document; absent where there is none, or where all of them together were too many to tell. */
export interface ConfiguredStep {
  readonly resource: string;
  readonly action: ConfiguredAction;
  readonly before?: string;
  readonly after?: string;
}

/** One resource as it is. */
export interface ConfiguredResource {
  readonly resource: string;
  /** JSON of the document that makes it again. */
  readonly document: string;
  readonly etag: string;
  readonly owner?: string;
}

/** An owner's name is written by people and read by people, and is one word. */
export const OWNER = /^[a-zA-Z0-9][a-zA-Z0-9._/@-]{0,99}$/;
