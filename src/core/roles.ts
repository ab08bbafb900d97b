/** Predefined roles: the broker's own administration, named as Google names it. None of them opens a target. */

/** Services that the broker itself is; a permission inside them is a right over the broker, never over a target. */
const OWN_SERVICES = ['iam', 'iamcredentials', 'sts', 'cloudquotas', 'resourcemanager'];

/**
 * A quota robot's role must not open a target: only a permission of somebody else's service counts there (DESIGN §4, 5). A text without
 * a dot names no service, so it counts for nothing.
 */
function isOwnPermission(permission: string): boolean {
  const [service = '', ...rest] = permission.split('.');
  return rest.length === 0 || OWN_SERVICES.includes(service);
}

/** Can a custom role open a target at all? Predefined ones cannot. */
export function opensTargets(custom: { readonly includedPermissions: readonly string[] }): boolean {
  return custom.includedPermissions.some((permission) => !isOwnPermission(permission));
}

export interface PredefinedRole {
  readonly title: string;
  readonly permissions: readonly string[];
}

export function predefinedRole(name: string): PredefinedRole | undefined {
  return PREDEFINED.get(name);
}

const verbs = (resource: string, names: readonly string[]): string[] => names.map((name) => `${resource}.${name}`);

const POOLS_READ = [
  ...verbs('iam.workloadIdentityPools', ['get', 'list', 'getIamPolicy']),
  ...verbs('iam.workloadIdentityPoolProviders', ['get', 'list']),
  'resourcemanager.projects.get',
];
const POOLS_WRITE = [
  ...verbs('iam.workloadIdentityPools', ['create', 'update', 'delete', 'undelete', 'setIamPolicy']),
  ...verbs('iam.workloadIdentityPoolProviders', ['create', 'update', 'delete', 'undelete']),
];
const TARGETS_READ = verbs('sts.targets', ['get', 'list', 'getIamPolicy']);
const TARGETS_WRITE = verbs('sts.targets', ['create', 'update', 'delete', 'setIamPolicy']);
const ROLES_READ = verbs('iam.roles', ['get', 'list']);
const ROLES_WRITE = verbs('iam.roles', ['create', 'update', 'delete']);
const PROJECT_IAM = verbs('resourcemanager.projects', ['get', 'getIamPolicy', 'setIamPolicy']);
const QUOTAS_READ = [...verbs('cloudquotas.quotas', ['get']), 'resourcemanager.projects.get'];
const QUOTAS_WRITE = verbs('cloudquotas.quotas', ['update']);
/** Counts on the organization only, where no tenant has a binding. */
const QUOTAS_REVIEW = verbs('cloudquotas.quotas', ['approve']);
const ACCOUNTS = verbs('iam.serviceAccounts', [
  'create',
  'delete',
  'disable',
  'enable',
  'get',
  'getIamPolicy',
  'list',
  'setIamPolicy',
  'undelete',
  'update',
]);
const TOKEN_CREATOR = verbs('iam.serviceAccounts', [
  'getAccessToken',
  'getOpenIdToken',
  'implicitDelegation',
  'signBlob',
  'signJwt',
]);
const SIGNING_KEYS = verbs('sts.signingKeys', ['list', 'rotate']);

const OWNER = [
  ...POOLS_READ,
  ...POOLS_WRITE,
  ...TARGETS_READ,
  ...TARGETS_WRITE,
  ...ROLES_READ,
  ...ROLES_WRITE,
  ...PROJECT_IAM,
  ...QUOTAS_READ,
  ...QUOTAS_WRITE,
  ...QUOTAS_REVIEW,
  ...ACCOUNTS,
  ...SIGNING_KEYS,
  ...verbs('resourcemanager.projects', ['create', 'list', 'update']),
  'iam.policies.escalate',
  'iam.workloadIdentityPoolProviders.pushKeys',
];

const PREDEFINED: ReadonlyMap<string, PredefinedRole> = new Map([
  role('roles/owner', 'Owner', OWNER),
  role('roles/iam.workloadIdentityPoolAdmin', 'Workload Identity Pool Admin', [...POOLS_READ, ...POOLS_WRITE]),
  role('roles/iam.workloadIdentityPoolViewer', 'Workload Identity Pool Viewer', POOLS_READ),
  role('roles/resourcemanager.projectIamAdmin', 'Project IAM Admin', [...PROJECT_IAM, ...ROLES_READ]),
  role('roles/cloudquotas.admin', 'Cloud Quotas Admin', [...QUOTAS_READ, ...QUOTAS_WRITE]),
  role('roles/cloudquotas.viewer', 'Cloud Quotas Viewer', QUOTAS_READ),
  role('roles/iam.serviceAccountAdmin', 'Service Account Admin', ACCOUNTS),
  role('roles/iam.workloadIdentityUser', 'Workload Identity User', [
    ...verbs('iam.serviceAccounts', ['get', 'getAccessToken', 'getOpenIdToken', 'list']),
  ]),
  role('roles/iam.serviceAccountTokenCreator', 'Service Account Token Creator', TOKEN_CREATOR),
  role('roles/iam.serviceAccountOpenIdTokenCreator', 'Service Account OpenID Connect Identity Token Creator', [
    'iam.serviceAccounts.getOpenIdToken',
  ]),
  role('roles/iam.roleAdmin', 'Role Administrator', [...ROLES_READ, ...ROLES_WRITE]),
  role('roles/sts.targetAdmin', 'Target Admin', [...TARGETS_READ, ...TARGETS_WRITE]),
  role('roles/sts.targetViewer', 'Target Viewer', TARGETS_READ),
]);

function role(name: string, title: string, permissions: readonly string[]): [string, PredefinedRole] {
  return [name, { title, permissions: [...new Set(permissions)].toSorted() }];
}
