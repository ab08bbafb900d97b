/** A project with one of everything, and one user for each role: what the tables of privileges are asked of. */
import { thumbprintOf } from '../../../../src/platform/thumbprint.ts';
import { CLUSTER, EC_KEY, jwks, OIDC } from '../../../support/admin-samples.ts';
import { type AdminRest, createAdminRest } from '../../../support/admin-rest.ts';

const PROJECT = '/v1/projects/demo';
const POOLS = `${PROJECT}/locations/global/workloadIdentityPools`;
/** Bindings name pools by the number of their project. */
const IN_DEMO = '//iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools';

/** Custom roles, each with one right that no predefined role has without the ones that would make it harmless. */
const CUSTOM: Readonly<Record<string, readonly string[]>> = {
  targetWriter: ['sts.targets.create', 'sts.targets.update', 'sts.targets.get'],
  projectEditor: ['resourcemanager.projects.update', 'resourcemanager.projects.get'],
  policyWriter: [
    'resourcemanager.projects.setIamPolicy',
    'iam.workloadIdentityPools.setIamPolicy',
    'sts.targets.setIamPolicy',
  ],
  reader: ['orders.get'],
};

/** Everybody of the tables, by a short name: which role he has on the project, or on the organization. */
export const PEOPLE: Readonly<Record<string, { readonly role?: string; readonly on?: 'organization' }>> = {
  orgOwner: { role: 'roles/owner', on: 'organization' },
  owner: { role: 'roles/owner' },
  poolAdmin: { role: 'roles/iam.workloadIdentityPoolAdmin' },
  poolViewer: { role: 'roles/iam.workloadIdentityPoolViewer' },
  iamAdmin: { role: 'roles/resourcemanager.projectIamAdmin' },
  quotaAdmin: { role: 'roles/cloudquotas.admin' },
  quotaViewer: { role: 'roles/cloudquotas.viewer' },
  accountAdmin: { role: 'roles/iam.serviceAccountAdmin' },
  roleAdmin: { role: 'roles/iam.roleAdmin' },
  denyAdmin: { role: 'roles/iam.denyAdmin' },
  targetAdmin: { role: 'roles/sts.targetAdmin' },
  targetViewer: { role: 'roles/sts.targetViewer' },
  reviewer: { role: 'roles/iam.securityReviewer' },
  targetWriter: { role: 'projects/demo/roles/targetWriter' },
  projectEditor: { role: 'projects/demo/roles/projectEditor' },
  policyWriter: { role: 'projects/demo/roles/policyWriter' },
  nobody: {},
};

export async function privilegesWorld(): Promise<AdminRest> {
  const rest = createAdminRest();
  const must = async (method: string, path: string, body?: unknown): Promise<void> => {
    const answer = await rest.call(method, path, body);
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
  };
  await must('POST', '/v1/projects', { projectId: 'demo', projectNumber: '100000000001' });
  for (const [roleId, includedPermissions] of Object.entries(CUSTOM))
    await must('POST', `${PROJECT}/roles`, { roleId, role: { includedPermissions } });
  // `plain` lets nobody administer; the principals of `admins` own the project.
  for (const pool of ['plain', 'admins']) {
    await must('POST', `${POOLS}?workloadIdentityPoolId=${pool}`, {});
    await must('POST', `${POOLS}/${pool}/providers?workloadIdentityPoolProviderId=issuer`, OIDC);
  }
  for (const gone of [`${POOLS}/plain/providers`, `${POOLS}/admins/providers`]) {
    const other = { ...OIDC, oidc: { ...OIDC.oidc, issuerUri: 'https://other.example.com' } };
    await must('POST', `${gone}?workloadIdentityPoolProviderId=gone`, other);
    await must('DELETE', `${gone}/gone`);
  }
  await must('POST', `${POOLS}?workloadIdentityPoolId=gone`, {});
  await must('DELETE', `${POOLS}/gone`);
  await must('POST', `${POOLS}/demo.svc.id.goog/providers?workloadIdentityPoolProviderId=cluster`, CLUSTER);
  await must('POST', `${PROJECT}/targets?targetId=files`, { uri: 'https://files.example.com', tags: { env: 'prod' } });
  for (const accountId of ['robot', 'boss', 'gone']) await must('POST', ACCOUNTS, { accountId });
  await must('DELETE', `${ACCOUNTS}/${emailOf('gone')}`);
  const robot = member('plain');
  await must('POST', `${PROJECT}/targets/files:setIamPolicy`, {
    policy: { bindings: [{ role: 'projects/demo/roles/reader', members: [robot] }] },
  });
  const denyRule = { deniedPrincipals: [robot], deniedPermissions: ['orders.delete'] };
  await must('POST', `${DENIALS}?policyId=no-deleting`, { rules: [{ denyRule }] });
  await must('POST', `${WISHES}?quotaPreferenceId=more`, WISH);
  const bound = Object.entries(PEOPLE).flatMap(([name, { role, on }]) =>
    role === undefined || on === 'organization' ? [] : [{ role, members: [`user:${name.toLowerCase()}@example.com`] }],
  );
  const admins = {
    role: 'roles/owner',
    members: [`principalSet:${IN_DEMO}/admins/*`, `serviceAccount:${emailOf('boss')}`],
  };
  await must('POST', `${PROJECT}:setIamPolicy`, { policy: { bindings: [...bound, admins] } });
  await must('POST', '/v1/organizations/1:setIamPolicy', {
    policy: { bindings: [{ role: 'roles/owner', members: ['user:orgowner@example.com'] }] },
  });
  return rest;
}

const DENIALS = `/v2/policies/${encodeURIComponent('cloudresourcemanager.googleapis.com/projects/demo')}/denypolicies`;
const DENIAL = `${DENIALS}/no-deleting`;
const WISHES = `${PROJECT}/locations/global/quotaPreferences`;
const WISHED = `${WISHES}/more`;
const WISH = {
  quotaId: 'TokenExchangeRequestsPerMinutePerProject',
  service: 'sts',
  quotaConfig: { preferredValue: '7000' },
  justification: 'growth',
  contactEmail: 'ada@example.com',
};

const ACCOUNTS = `${PROJECT}/serviceAccounts`;
const ACCOUNT = `${ACCOUNTS}/${emailOf('robot')}`;
/** It owns the project. */
const BOSS = `${ACCOUNTS}/${emailOf('boss')}`;

function emailOf(accountId: string): string {
  return `${accountId}@demo.iam.sts.example.com`;
}

const OTHER_QUOTA = 'CredentialGenerationRequestsPerMinutePerProject';

export interface AdminCall {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
}

const someone = ['user:someone@example.com'];
const policyOf = (role: string) => ({ policy: { bindings: [{ role, members: someone }] } });

/** One of each administrative call, by what it does. */
export const CALLS: Readonly<Record<string, AdminCall>> = {
  'project get': { method: 'GET', path: PROJECT },
  'project create': { method: 'POST', path: '/v1/projects', body: { projectId: 'other' } },
  'project rename': { method: 'PATCH', path: PROJECT, body: { displayName: 'Demo' } },
  'project delete': { method: 'DELETE', path: PROJECT },
  'project policy get': { method: 'POST', path: `${PROJECT}:getIamPolicy`, body: {} },
  'org policy get': { method: 'POST', path: '/v1/organizations/1:getIamPolicy', body: {} },
  'pool list': { method: 'GET', path: POOLS },
  'pool get': { method: 'GET', path: `${POOLS}/plain` },
  'pool create': { method: 'POST', path: `${POOLS}?workloadIdentityPoolId=more`, body: {} },
  'pool patch': { method: 'PATCH', path: `${POOLS}/plain`, body: { displayName: 'Plain' } },
  'pool denyUids': {
    method: 'POST',
    path: `${POOLS}/plain:denyUids`,
    body: { uids: ['u-1'], until: '2026-01-05T00:00:00Z' },
  },
  'pool delete': { method: 'DELETE', path: `${POOLS}/plain` },
  'pool undelete': { method: 'POST', path: `${POOLS}/gone:undelete`, body: {} },
  'pool policy get': { method: 'POST', path: `${POOLS}/plain:getIamPolicy`, body: {} },
  'provider list': { method: 'GET', path: `${POOLS}/plain/providers` },
  'provider get': { method: 'GET', path: `${POOLS}/plain/providers/issuer` },
  'provider create': {
    method: 'POST',
    path: `${POOLS}/plain/providers?workloadIdentityPoolProviderId=more`,
    body: OIDC,
  },
  'provider patch': { method: 'PATCH', path: `${POOLS}/plain/providers/issuer`, body: { displayName: 'Issuer' } },
  'provider distrustKey': {
    method: 'POST',
    path: `${POOLS}/plain/providers/issuer:distrustKey`,
    body: { thumbprint: thumbprintOf({ ...EC_KEY, kty: 'EC' }) },
  },
  'provider delete': { method: 'DELETE', path: `${POOLS}/plain/providers/issuer` },
  'provider undelete': { method: 'POST', path: `${POOLS}/plain/providers/gone:undelete`, body: {} },
  'operation get': { method: 'GET', path: `${POOLS}/plain/operations/20260101000005000` },
  'target list': { method: 'GET', path: `${PROJECT}/targets` },
  'target get': { method: 'GET', path: `${PROJECT}/targets/files` },
  'target rename': { method: 'PATCH', path: `${PROJECT}/targets/files`, body: { displayName: 'Files' } },
  'target create': { method: 'POST', path: `${PROJECT}/targets?targetId=mail`, body: { uri: 'https://m.example.com' } },
  'target delete': { method: 'DELETE', path: `${PROJECT}/targets/files` },
  'target policy get': { method: 'POST', path: `${PROJECT}/targets/files:getIamPolicy`, body: {} },
  'target policy clear': { method: 'POST', path: `${PROJECT}/targets/files:setIamPolicy`, body: { policy: {} } },
  'account list': { method: 'GET', path: ACCOUNTS },
  'account get': { method: 'GET', path: ACCOUNT },
  'account create': { method: 'POST', path: ACCOUNTS, body: { accountId: 'more' } },
  'account patch': { method: 'PATCH', path: ACCOUNT, body: { displayName: 'Robot' } },
  'account disable': { method: 'POST', path: `${ACCOUNT}:disable`, body: {} },
  'account enable': { method: 'POST', path: `${ACCOUNT}:enable`, body: {} },
  'account delete': { method: 'DELETE', path: ACCOUNT },
  'account undelete': { method: 'POST', path: `${ACCOUNTS}/${emailOf('gone')}:undelete`, body: {} },
  'account keys list': { method: 'GET', path: `${ACCOUNT}/keys` },
  'account policy get': { method: 'POST', path: `${ACCOUNT}:getIamPolicy`, body: {} },
  'account policy clear': { method: 'POST', path: `${ACCOUNT}:setIamPolicy`, body: { policy: {} } },
  'role list': { method: 'GET', path: `${PROJECT}/roles` },
  'role get': { method: 'GET', path: `${PROJECT}/roles/reader` },
  'role create': {
    method: 'POST',
    path: `${PROJECT}/roles`,
    body: { roleId: 'more', role: { includedPermissions: ['orders.delete'] } },
  },
  'role delete': { method: 'DELETE', path: `${PROJECT}/roles/reader` },
  'denial get': { method: 'GET', path: DENIAL },
  'denial list': { method: 'GET', path: DENIALS },
  'denial create': {
    method: 'POST',
    path: `${DENIALS}?policyId=more`,
    body: {
      rules: [{ denyRule: { deniedPrincipals: ['principalSet://goog/public:all'], deniedPermissions: ['a.b'] } }],
    },
  },
  'quota wish': { method: 'POST', path: WISHES, body: { ...WISH, quotaId: OTHER_QUOTA } },
  'quota wishes': { method: 'GET', path: WISHES },
  'quota withdraw': { method: 'DELETE', path: WISHED },
  'quota infos': { method: 'GET', path: `${PROJECT}/locations/global/services/sts/quotaInfos` },
  usage: { method: 'GET', path: `${PROJECT}/usage` },
  'recent exchanges': { method: 'GET', path: `${PROJECT}/recentExchanges` },
  simulate: { method: 'POST', path: `${PROJECT}:simulate`, body: { policy: {} } },
  troubleshoot: {
    method: 'POST',
    path: `${PROJECT}:troubleshoot`,
    body: { principal: member('plain'), permission: 'sts.targets.get' },
  },
  'keys list': { method: 'GET', path: `${PROJECT}/signingKeys` },
  'account token keys list': { method: 'GET', path: `${PROJECT}/serviceAccountSigningKeys` },
  'account’s own keys list': { method: 'GET', path: `${ACCOUNT}/signingKeys` },
  'history list': { method: 'GET', path: `${PROJECT}/history` },
  'history show': { method: 'GET', path: `${PROJECT}/history/1` },
  'history compare': { method: 'GET', path: `${PROJECT}/history:compare?from=1` },
  metrics: { method: 'GET', path: '/metrics?project=demo' },
  'configuration list': { method: 'GET', path: `${PROJECT}/configuration` },
  'configuration look': { method: 'POST', path: `${PROJECT}:apply`, body: { validateOnly: true } },
  'configuration stage': { method: 'POST', path: `${PROJECT}/changeSets/set-1:stage`, body: { part: 0 } },
  'org history list': { method: 'GET', path: '/v1/organizations/1/history' },
};

function member(pool: string): string {
  return `principal:${IN_DEMO}/${pool}/subject/robot`;
}

const ISSUER_OF_ADMINS = `${POOLS}/admins/providers/issuer`;
const provider = (body: object): AdminCall => ({ method: 'PATCH', path: ISSUER_OF_ADMINS, body });
const target = (body: object): AdminCall => ({ method: 'PATCH', path: `${PROJECT}/targets/files`, body });

/** One of each way to more than one has. */
export const ESCALATIONS: Readonly<Record<string, AdminCall>> = {
  'owner on the organization': {
    method: 'POST',
    path: '/v1/organizations/1:setIamPolicy',
    body: policyOf('roles/owner'),
  },
  'owner on the project': { method: 'POST', path: `${PROJECT}:setIamPolicy`, body: policyOf('roles/owner') },
  'owner on a pool': { method: 'POST', path: `${POOLS}/plain:setIamPolicy`, body: policyOf('roles/owner') },
  'a role on a target': {
    method: 'POST',
    path: `${PROJECT}/targets/files:setIamPolicy`,
    body: policyOf('projects/demo/roles/reader'),
  },
  'provider keys': provider({ oidc: { jwksJson: jwks({ ...EC_KEY, kid: 'mine' }) } }),
  'provider issuer': provider({ oidc: { issuerUri: 'https://mine.example.com' } }),
  'attribute mapping': provider({ attributeMapping: { 'google.subject': '"root"' } }),
  'attribute condition': provider({ attributeCondition: 'true' }),
  audiences: provider({ oidc: { allowedAudiences: ['https://mine.example.com'] } }),
  algorithms: provider({ allowedAlgorithms: ['ES256', 'RS256', 'ES384'] }),
  'token lifetime': provider({ maxTokenLifetime: '31536000s' }),
  'a provider of one’s own': {
    method: 'POST',
    path: `${POOLS}/admins/providers?workloadIdentityPoolProviderId=mine`,
    body: OIDC,
  },
  'a cluster’s reviewer': {
    method: 'PATCH',
    path: `${POOLS}/demo.svc.id.goog/providers/cluster`,
    body: { tokenReview: { url: 'https://mine.example.com', target: 'files' } },
  },
  'the administrators’ pool gone': { method: 'DELETE', path: `${POOLS}/admins` },
  'their provider gone': { method: 'DELETE', path: ISSUER_OF_ADMINS },
  'a provider of theirs back': { method: 'POST', path: `${POOLS}/admins/providers/gone:undelete`, body: {} },
  'the administrators’ pool': { method: 'PATCH', path: `${POOLS}/admins`, body: { disabled: false } },
  'shutting administrators out': {
    method: 'POST',
    path: `${POOLS}/admins:denyUids`,
    body: { uids: ['u-1'], until: '2026-01-05T00:00:00Z' },
  },
  'a service account’s tokens': {
    method: 'POST',
    path: `${ACCOUNT}:setIamPolicy`,
    body: policyOf('roles/iam.serviceAccountTokenCreator'),
  },
  'an administrator’s tokens': { method: 'POST', path: `${BOSS}:setIamPolicy`, body: { policy: {} } },
  'an administrator’s account': { method: 'POST', path: `${BOSS}:disable`, body: {} },
  'target uri': target({ uri: 'https://bank.example.com' }),
  'target tags': target({ tags: { env: 'dev' } }),
  'target tagIds': target({ tagIds: { 'tagKeys/1': 'tagValues/2' } }),
  'target resource': target({ resource: { type: 'files/Public' } }),
  'a bound role': {
    method: 'PATCH',
    path: `${PROJECT}/roles/reader`,
    body: { includedPermissions: ['orders.get', 'orders.delete'] },
  },
  'a role of one’s own': {
    method: 'PATCH',
    path: `${PROJECT}/roles/targetWriter`,
    body: { includedPermissions: ['sts.targets.setIamPolicy'] },
  },
  'a denial gone': { method: 'DELETE', path: DENIAL },
  'a denial weaker': {
    method: 'PUT',
    path: DENIAL,
    body: { rules: [{ denyRule: { deniedPrincipals: [member('plain')], deniedPermissions: ['orders.burn'] } }] },
  },
  'a higher limit': { method: 'PATCH', path: PROJECT, body: { tokenExchangesPerMinute: 600_000 } },
  'a limit of one’s own': { method: 'PATCH', path: PROJECT, body: { ownLimits: [ownLimit()] } },
  'a wish approved': { method: 'POST', path: `${WISHED}:approve`, body: {} },
  'a state of before': { method: 'POST', path: `${PROJECT}/history/1:restore`, body: {} },
  'a policy of before': {
    method: 'POST',
    path: `${PROJECT}/history/1:restore`,
    body: { resource: 'policy/project', validateOnly: true },
  },
  'the organization of before': { method: 'POST', path: '/v1/organizations/1/history/1:restore', body: {} },
  'new keys of accounts': { method: 'POST', path: `${PROJECT}/serviceAccountSigningKeys:rotate`, body: {} },
  'new keys of an account': { method: 'POST', path: `${ACCOUNT}/signingKeys:rotate`, body: {} },
  'new signing keys': { method: 'POST', path: `${PROJECT}/signingKeys:rotate`, body: {} },
  'the bootstrap token retired': { method: 'POST', path: '/v1/organizations/1:retireBootstrapToken', body: {} },
};

function ownLimit(): object {
  const name = 'projects/100000000001/locations/global/workloadIdentityPools/plain/providers/issuer';
  return { provider: name, tokenExchangesPerMinute: 1 };
}
