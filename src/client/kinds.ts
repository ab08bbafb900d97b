/** What there is to administer, and where it lives: the one place that knows the paths of resources. */

/** As in a name: `projects/demo/targets/orders` and its like, or `policies/…/denypolicies/…`. */
export type ResourceName = string;

export interface Kind {
  /** As one says it, in small letters: `provider`. */
  readonly name: KindName;
  readonly plural: string;
  readonly aliases: readonly string[];
  /** Which version of the API it belongs to. */
  readonly version: 'v1' | 'v2';
  /** The collection's name below its parent, e.g. `targets`. */
  readonly collection: string;
  /** The member of a list answer that holds the list. */
  readonly member: string;
  /** What it lies in. */
  readonly parent: 'root' | 'project' | 'pool' | 'attachment';
  /** The query parameter that names a new one; absent: the body does, or none can be made. */
  readonly idParameter?: string;
  readonly verbs: readonly ('get' | 'list' | 'create' | 'patch' | 'replace' | 'delete' | 'undelete')[];
  /** A list can show what is deleted and not yet purged. */
  readonly keepsDeleted: boolean;
}

export type KindName =
  | 'project'
  | 'pool'
  | 'provider'
  | 'target'
  | 'role'
  | 'serviceaccount'
  | 'denypolicy'
  | 'quota'
  | 'quotapreference'
  | 'signingkey'
  | 'exchange';

const WRITTEN = ['get', 'list', 'create', 'patch', 'delete'] as const;

export const KINDS: readonly Kind[] = [
  {
    name: 'project',
    plural: 'projects',
    aliases: ['proj'],
    version: 'v1',
    collection: 'projects',
    member: 'projects',
    parent: 'root',
    verbs: [...WRITTEN, 'undelete'],
    keepsDeleted: true,
  },
  {
    name: 'pool',
    plural: 'pools',
    aliases: ['workloadidentitypool', 'workloadidentitypools'],
    version: 'v1',
    collection: 'locations/global/workloadIdentityPools',
    member: 'workloadIdentityPools',
    parent: 'project',
    idParameter: 'workloadIdentityPoolId',
    verbs: [...WRITTEN, 'undelete'],
    keepsDeleted: true,
  },
  {
    name: 'provider',
    plural: 'providers',
    aliases: ['prov', 'cluster', 'clusters'],
    version: 'v1',
    collection: 'providers',
    member: 'workloadIdentityPoolProviders',
    parent: 'pool',
    idParameter: 'workloadIdentityPoolProviderId',
    verbs: [...WRITTEN, 'undelete'],
    keepsDeleted: true,
  },
  {
    name: 'target',
    plural: 'targets',
    aliases: [],
    version: 'v1',
    collection: 'targets',
    member: 'targets',
    parent: 'project',
    idParameter: 'targetId',
    verbs: WRITTEN,
    keepsDeleted: false,
  },
  {
    name: 'role',
    plural: 'roles',
    aliases: [],
    version: 'v1',
    collection: 'roles',
    member: 'roles',
    parent: 'project',
    verbs: WRITTEN,
    keepsDeleted: false,
  },
  {
    name: 'serviceaccount',
    plural: 'serviceaccounts',
    aliases: ['sa'],
    version: 'v1',
    collection: 'serviceAccounts',
    member: 'accounts',
    parent: 'project',
    verbs: [...WRITTEN, 'undelete'],
    keepsDeleted: true,
  },
  {
    name: 'denypolicy',
    plural: 'denypolicies',
    aliases: ['deny'],
    version: 'v2',
    collection: 'denypolicies',
    member: 'policies',
    parent: 'attachment',
    idParameter: 'policyId',
    verbs: ['get', 'list', 'create', 'replace', 'delete'],
    keepsDeleted: false,
  },
  {
    name: 'quota',
    plural: 'quotas',
    aliases: ['quotainfo', 'quotainfos'],
    version: 'v1',
    collection: 'locations/global/services/sts/quotaInfos',
    member: 'quotaInfos',
    parent: 'project',
    verbs: ['get', 'list'],
    keepsDeleted: false,
  },
  {
    name: 'quotapreference',
    plural: 'quotapreferences',
    aliases: ['wish', 'wishes'],
    version: 'v1',
    collection: 'locations/global/quotaPreferences',
    member: 'quotaPreferences',
    parent: 'project',
    idParameter: 'quotaPreferenceId',
    verbs: WRITTEN,
    keepsDeleted: false,
  },
  {
    name: 'signingkey',
    plural: 'signingkeys',
    aliases: [],
    version: 'v1',
    collection: 'signingKeys',
    member: 'keys',
    parent: 'project',
    verbs: ['list'],
    keepsDeleted: false,
  },
  {
    name: 'exchange',
    plural: 'exchanges',
    aliases: ['recentexchange', 'recentexchanges'],
    version: 'v1',
    collection: 'recentExchanges',
    member: 'recentExchanges',
    parent: 'project',
    verbs: ['list'],
    keepsDeleted: false,
  },
];

export function kindOf(name: KindName): Kind {
  const found = KINDS.find((kind) => kind.name === name);
  if (found === undefined) throw new Error(`no kind ${name}`);
  return found;
}

/** By any of its names, in any case, as people type them. */
export function findKind(typed: string): Kind | undefined {
  const word = typed.toLowerCase();
  return KINDS.find((kind) => [kind.name, kind.plural, ...kind.aliases].includes(word));
}

/** What a thing lies in, as far as it has to be said. */
export interface Place {
  /** Id or number. */
  readonly project?: string;
  readonly pool?: string;
  /** Of a deny policy: `projects/NUMBER` or `projects/NUMBER/targets/ID`. */
  readonly attachment?: string;
}

/** The collection's name, e.g. `projects/demo/targets`; the word that is missing where the place does not say enough. */
export function collectionOf(kind: Kind, place: Place): ResourceName | { readonly missing: 'project' | 'pool' } {
  if (kind.parent === 'root') return kind.collection;
  const { project, pool, attachment } = place;
  if (kind.parent === 'attachment' && attachment !== undefined) return `${attachmentPath(attachment)}/denypolicies`;
  if (project === undefined) return { missing: 'project' };
  const parent = `projects/${encodeURIComponent(project)}`;
  if (kind.parent === 'attachment') return `${attachmentPath(`projects/${project}`)}/denypolicies`;
  if (kind.parent === 'project') return `${parent}/${kind.collection}`;
  if (pool === undefined) return { missing: 'pool' };
  return `${poolPath(project, pool)}/${kind.collection}`;
}

function poolPath(project: string, pool: string): ResourceName {
  return `projects/${encodeURIComponent(project)}/locations/global/workloadIdentityPools/${encodeURIComponent(pool)}`;
}

/** What a deny policy is attached to stands in its name as one escaped segment. */
function attachmentPath(attachment: string): string {
  const service = attachment.includes('/targets/') ? 'sts' : 'cloudresourcemanager';
  return `policies/${encodeURIComponent(`${service}.googleapis.com/${attachment}`)}`;
}

const NAMES: readonly (readonly [KindName, RegExp])[] = [
  ['project', /^projects\/[^/]+$/],
  ['pool', /^projects\/[^/]+\/locations\/global\/workloadIdentityPools\/[^/]+$/],
  ['provider', /^projects\/[^/]+\/locations\/global\/workloadIdentityPools\/[^/]+\/providers\/[^/]+$/],
  ['target', /^projects\/[^/]+\/targets\/[^/]+$/],
  ['role', /^projects\/[^/]+\/roles\/[^/]+$/],
  ['serviceaccount', /^projects\/[^/]+\/serviceAccounts\/[^/]+$/],
  ['denypolicy', /^policies\/[^/]+\/denypolicies\/[^/]+$/],
  ['quota', /^projects\/[^/]+\/locations\/global\/services\/[^/]+\/quotaInfos\/[^/]+$/],
  ['quotapreference', /^projects\/[^/]+\/locations\/global\/quotaPreferences\/[^/]+$/],
];

/** What a whole name is the name of. */
export function kindOfName(name: ResourceName): Kind | undefined {
  const found = NAMES.find(([, form]) => form.test(name));
  return found === undefined ? undefined : kindOf(found[0]);
}
