/** Predefined roles: the broker's own administration, named as Google names it. None of them opens a target. */
import { ACCOUNT_PERMISSIONS, PERMISSIONS, type Permission } from './permissions.ts';

/** Services that the broker itself is; a permission inside them is a right over the broker, never over a target. */
const OWN_SERVICES = ['iam', 'iamcredentials', 'sts', 'cloudquotas', 'resourcemanager'];

/**
 * A quota robot's role must not open a target: only a permission of somebody else's service counts there (DESIGN §4, 5). A text without
 * a dot names no service, so it counts for nothing.
 */
export function isOwnPermission(permission: string): boolean {
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

/** All of these verbs of one resource: a pair that is no permission is a typing error, in both senses. */
const verbs = <Resource extends string, Verb extends string>(
  resource: Resource,
  names: readonly (`${Resource}.${Verb}` extends Permission ? Verb : never)[],
): string[] => names.map((name) => `${resource}.${name}`);

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
const DENY_READ = verbs('iam.denypolicies', ['get', 'list']);
const DENY_WRITE = verbs('iam.denypolicies', ['create', 'update', 'delete']);
const PROJECT_IAM = verbs('resourcemanager.projects', ['get', 'getIamPolicy', 'setIamPolicy']);
/** What explains decisions shows policies and principals, so it goes to who may read these. */
const EXPLAINING = verbs('sts.policies', ['simulate', 'troubleshoot']);
const QUOTAS_READ = [
  ...verbs('cloudquotas.quotas', ['get']),
  ...verbs('sts.usage', ['get']),
  'resourcemanager.projects.get',
];
const QUOTAS_WRITE = verbs('cloudquotas.quotas', ['update']);
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

/** What reads and changes nothing. */
const REVIEWER = [
  ...POOLS_READ,
  ...TARGETS_READ,
  ...ROLES_READ,
  ...DENY_READ,
  ...QUOTAS_READ,
  ...EXPLAINING,
  ...verbs('iam.serviceAccounts', ['get', 'getIamPolicy', 'list']),
  'iam.serviceAccountKeys.list',
  ...verbs('resourcemanager.projects', ['get', 'getIamPolicy', 'list']),
  ...verbs('resourcemanager.organizations', ['get', 'getIamPolicy']),
  ...verbs('sts.configuration', ['get']),
  ...verbs('sts.history', ['get', 'list']),
  ...verbs('sts.metrics', ['get']),
  ...verbs('sts.recentExchanges', ['list']),
  ...verbs('sts.signingKeys', ['list']),
];

const PREDEFINED: ReadonlyMap<string, PredefinedRole> = new Map([
  role('roles/owner', 'Owner', PERMISSIONS),
  role('roles/iam.workloadIdentityPoolAdmin', 'Workload Identity Pool Admin', [...POOLS_READ, ...POOLS_WRITE]),
  role('roles/iam.workloadIdentityPoolViewer', 'Workload Identity Pool Viewer', POOLS_READ),
  role('roles/resourcemanager.projectIamAdmin', 'Project IAM Admin', [...PROJECT_IAM, ...ROLES_READ, ...EXPLAINING]),
  role('roles/cloudquotas.admin', 'Cloud Quotas Admin', [...QUOTAS_READ, ...QUOTAS_WRITE]),
  role('roles/cloudquotas.viewer', 'Cloud Quotas Viewer', QUOTAS_READ),
  role('roles/iam.serviceAccountAdmin', 'Service Account Admin', [
    ...ACCOUNTS,
    'iam.serviceAccountKeys.list',
    'resourcemanager.projects.get',
  ]),
  role('roles/iam.workloadIdentityUser', 'Workload Identity User', [
    'iam.serviceAccounts.get',
    'iam.serviceAccounts.getAccessToken',
    'iam.serviceAccounts.getOpenIdToken',
    'iam.serviceAccounts.list',
  ]),
  role('roles/iam.serviceAccountTokenCreator', 'Service Account Token Creator', ACCOUNT_PERMISSIONS),
  role('roles/iam.serviceAccountOpenIdTokenCreator', 'Service Account OpenID Connect Identity Token Creator', [
    'iam.serviceAccounts.getOpenIdToken',
  ]),
  role('roles/iam.roleAdmin', 'Role Administrator', [...ROLES_READ, ...ROLES_WRITE, 'resourcemanager.projects.get']),
  role('roles/iam.denyAdmin', 'Deny Admin', [...DENY_READ, ...DENY_WRITE, 'resourcemanager.projects.get']),
  role('roles/iam.denyReviewer', 'Deny Reviewer', [...DENY_READ, 'resourcemanager.projects.get']),
  role('roles/iam.securityReviewer', 'Security Reviewer', REVIEWER),
  role('roles/sts.tokenInspector', 'Token Inspector', ['sts.tokens.introspect']),
  role('roles/sts.tokenAdmin', 'Token Administrator', ['sts.tokens.introspect', 'sts.tokens.revoke']),
  role('roles/sts.targetAdmin', 'Target Admin', [...TARGETS_READ, ...TARGETS_WRITE]),
  role('roles/sts.targetViewer', 'Target Viewer', TARGETS_READ),
]);

function role(name: string, title: string, permissions: readonly string[]): [string, PredefinedRole] {
  return [name, { title, permissions: [...new Set(permissions)].toSorted() }];
}
