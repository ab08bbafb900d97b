/** What each route is for, what it takes and what it answers: a route that is not here, or one here that is no route, fails the generation. */
import type * as v from 'valibot';
import * as answers from '../../src/protocols/iam-admin/answer-schemas.ts';
import * as configuration from '../../src/protocols/iam-admin/configuration-schemas.ts';
import * as bodies from '../../src/protocols/iam-admin/schemas.ts';

export interface Described {
  readonly summary: string;
  readonly body?: v.GenericSchema;
  readonly answer: v.GenericSchema;
}

const PROJECT = 'v1 projects/{project}';
const POOLS = `${PROJECT}/locations/global/workloadIdentityPools`;
const POOL = `${POOLS}/{pool}`;
const PROVIDER = `${POOL}/providers/{provider}`;
const TARGET = `${PROJECT}/targets/{target}`;
const ACCOUNTS = `${PROJECT}/serviceAccounts`;
const ACCOUNT = `${ACCOUNTS}/{account}`;
const QUOTA_INFOS = `${PROJECT}/locations/global/services/sts/quotaInfos`;
const PREFERENCES = `${PROJECT}/locations/global/quotaPreferences`;
const DENY = 'v2 policies/{attachment}/denypolicies';

const RESOURCES = {
  organization: 'v1 organizations/1',
  project: PROJECT,
  pool: POOL,
  target: TARGET,
  account: ACCOUNT,
};

/** One for each kind of resource that has a policy. */
function verb(name: string, described: Described, on = Object.keys(RESOURCES)): Record<string, Described> {
  return Object.fromEntries(
    Object.entries(RESOURCES)
      .filter(([kind]) => on.includes(kind))
      .map(([, path]) => [`POST ${path}:${name}`, described]),
  );
}

function history(path: string): Record<string, Described> {
  return {
    [`GET ${path}/history`]: { summary: 'List changes, newest first', answer: answers.historyEntries },
    [`GET ${path}/history:compare`]: { summary: 'What differs between two states', answer: answers.historyDifferences },
    [`GET ${path}/history/{sequence}`]: { summary: 'Get a change, before and after', answer: answers.historyEntry },
    [`POST ${path}/history/{sequence}:restore`]: {
      summary: 'Restore what was in force after a change',
      body: bodies.restore,
      answer: answers.restored,
    },
  };
}

/** By method, version and path, as the tables of routes have them. */
export const OPERATIONS: Readonly<Record<string, Described>> = {
  'POST v1 organizations/1:retireBootstrapToken': {
    summary: 'Make the bootstrap token good for nothing',
    body: bodies.nothing,
    answer: answers.empty,
  },
  'POST v1 projects': { summary: 'Create a project', body: bodies.newProject, answer: answers.project },
  [`DELETE ${PROJECT}`]: { summary: 'Delete a project, for good after thirty days', answer: answers.project },
  [`POST ${PROJECT}:undelete`]: { summary: 'Undelete a project', body: bodies.nothing, answer: answers.project },
  'GET v1 projects': { summary: 'List the projects that the caller may get', answer: answers.projects },
  [`GET ${PROJECT}`]: { summary: 'Get a project', answer: answers.project },
  [`PATCH ${PROJECT}`]: { summary: 'Change a project', body: bodies.project, answer: answers.project },
  ...history('v1 organizations/1'),
  ...history(PROJECT),
  [`POST ${PROJECT}:apply`]: {
    summary: 'Make a configuration what it is wished to be, all of it or nothing; or look what that would change',
    body: configuration.applyConfiguration,
    answer: answers.configured,
  },
  [`POST ${PROJECT}/changeSets/{changeSet}:stage`]: {
    summary: 'Put down a part of a wish that is too large for one call; it changes nothing',
    body: configuration.stageChanges,
    answer: answers.empty,
  },
  [`GET ${PROJECT}/configuration`]: {
    summary: 'List what is configured, as the documents that make it again',
    answer: answers.configuration,
  },
  [`POST ${POOLS}`]: { summary: 'Create a pool', body: bodies.pool, answer: answers.poolOperation },
  [`GET ${POOLS}`]: { summary: 'List pools', answer: answers.pools },
  [`GET ${POOL}`]: { summary: 'Get a pool', answer: answers.pool },
  [`PATCH ${POOL}`]: { summary: 'Change a pool', body: bodies.pool, answer: answers.poolOperation },
  [`DELETE ${POOL}`]: { summary: 'Delete a pool, for 30 days', answer: answers.poolOperation },
  [`POST ${POOL}:undelete`]: { summary: 'Undelete a pool', body: bodies.nothing, answer: answers.poolOperation },
  [`GET ${POOL}/operations/{operation}`]: { summary: 'Get an operation on a pool', answer: answers.poolOperation },
  [`POST ${POOL}:denyUids`]: {
    summary: 'Shut ServiceAccounts, pods or nodes out',
    body: bodies.denyUids,
    answer: answers.poolOperation,
  },
  [`POST ${POOL}/providers`]: {
    summary: 'Create a provider',
    body: bodies.provider,
    answer: answers.providerOperation,
  },
  [`GET ${POOL}/providers`]: { summary: 'List providers', answer: answers.providers },
  [`GET ${PROVIDER}`]: { summary: 'Get a provider', answer: answers.provider },
  [`PATCH ${PROVIDER}`]: { summary: 'Change a provider', body: bodies.provider, answer: answers.providerOperation },
  [`DELETE ${PROVIDER}`]: { summary: 'Delete a provider, for 30 days', answer: answers.providerOperation },
  [`POST ${PROVIDER}:undelete`]: {
    summary: 'Undelete a provider',
    body: bodies.nothing,
    answer: answers.providerOperation,
  },
  [`GET ${PROVIDER}/operations/{operation}`]: {
    summary: 'Get an operation on a provider',
    answer: answers.providerOperation,
  },
  [`POST ${PROVIDER}:distrustKey`]: {
    summary: 'Never trust a key again',
    body: bodies.distrustKey,
    answer: answers.providerOperation,
  },
  [`POST ${PROVIDER}:pushKeys`]: {
    summary: "Push a cluster's keys, with a workload's token",
    body: bodies.pushKeys,
    answer: answers.pushed,
  },
  [`POST ${PROJECT}/targets`]: { summary: 'Create a target', body: bodies.target, answer: answers.target },
  [`GET ${PROJECT}/targets`]: { summary: 'List targets', answer: answers.targets },
  [`GET ${TARGET}`]: { summary: 'Get a target', answer: answers.target },
  [`PATCH ${TARGET}`]: { summary: 'Change a target', body: bodies.target, answer: answers.target },
  [`DELETE ${TARGET}`]: { summary: 'Delete a target', answer: answers.empty },
  [`POST ${ACCOUNTS}`]: {
    summary: 'Create a service account',
    body: bodies.newServiceAccount,
    answer: answers.serviceAccount,
  },
  [`GET ${ACCOUNTS}`]: { summary: 'List service accounts', answer: answers.serviceAccounts },
  [`GET ${ACCOUNT}`]: { summary: 'Get a service account', answer: answers.serviceAccount },
  [`PATCH ${ACCOUNT}`]: {
    summary: 'Change a service account',
    body: bodies.serviceAccount,
    answer: answers.serviceAccount,
  },
  [`DELETE ${ACCOUNT}`]: { summary: 'Delete a service account, for 30 days', answer: answers.empty },
  [`POST ${ACCOUNT}:undelete`]: {
    summary: 'Undelete a service account',
    body: bodies.nothing,
    answer: answers.restoredAccount,
  },
  [`POST ${ACCOUNT}:enable`]: { summary: 'Enable a service account', body: bodies.nothing, answer: answers.empty },
  [`POST ${ACCOUNT}:disable`]: { summary: 'Disable a service account', body: bodies.nothing, answer: answers.empty },
  [`GET ${ACCOUNT}/keys`]: { summary: 'List keys of users: there are none', answer: answers.serviceAccountKeys },
  [`POST ${ACCOUNT}/keys`]: { summary: 'Refused: no key leaves the broker', answer: answers.empty },
  [`POST ${ACCOUNT}/keys:upload`]: { summary: 'Refused: no key comes in', answer: answers.empty },
  [`POST ${PROJECT}/roles`]: { summary: 'Create a role', body: bodies.newRole, answer: answers.role },
  [`GET ${PROJECT}/roles`]: { summary: 'List roles', answer: answers.roles },
  [`GET ${PROJECT}/roles/{role}`]: { summary: 'Get a role', answer: answers.role },
  [`PATCH ${PROJECT}/roles/{role}`]: { summary: 'Change a role', body: bodies.role, answer: answers.role },
  [`DELETE ${PROJECT}/roles/{role}`]: { summary: 'Delete a role', answer: answers.empty },
  ...verb('getIamPolicy', { summary: 'Get the allow policy', body: bodies.getPolicy, answer: answers.policy }),
  ...verb('setIamPolicy', { summary: 'Replace the allow policy', body: bodies.setPolicy, answer: answers.policy }),
  ...verb('testIamPermissions', {
    summary: 'Which of these rights the caller has',
    body: bodies.testPermissions,
    answer: answers.permissions,
  }),
  ...verb('troubleshoot', {
    summary: 'Explain why a principal may, or may not',
    body: bodies.troubleshoot,
    answer: answers.troubleshot,
  }),
  ...verb(
    'simulate',
    { summary: 'Try a policy on recent exchanges', body: bodies.simulate, answer: answers.simulation },
    ['project', 'target'],
  ),
  [`GET ${PROJECT}/signingKeys`]: { summary: "List the project's signing keys", answer: answers.signingKeys },
  [`POST ${PROJECT}/signingKeys:rotate`]: {
    summary: 'Rotate signing keys',
    body: bodies.rotateKeys,
    answer: answers.signingKeys,
  },
  ...Object.fromEntries(
    [
      [`${PROJECT}/serviceAccountSigningKeys`, 'keys of all service accounts’ tokens'],
      [`${ACCOUNT}/signingKeys`, 'keys of what a service account signs at will'],
    ].flatMap(([path, what]) => [
      [`GET ${path}`, { summary: `List the ${what}`, answer: answers.signingKeys }],
      [`POST ${path}:rotate`, { summary: `Rotate the ${what}`, body: bodies.rotateKeys, answer: answers.signingKeys }],
    ]),
  ),
  [`GET ${QUOTA_INFOS}`]: { summary: 'List quotas and their use', answer: answers.quotaInfos },
  [`GET ${QUOTA_INFOS}/{quota}`]: { summary: 'Get a quota and its use', answer: answers.quotaInfo },
  [`POST ${PREFERENCES}`]: {
    summary: 'Ask for another quota',
    body: bodies.quotaWish,
    answer: answers.quotaPreference,
  },
  [`GET ${PREFERENCES}`]: { summary: 'List quota preferences', answer: answers.quotaPreferences },
  [`GET ${PREFERENCES}/{preference}`]: { summary: 'Get a quota preference', answer: answers.quotaPreference },
  [`PATCH ${PREFERENCES}/{preference}`]: {
    summary: 'Change what was asked for',
    body: bodies.quotaWish,
    answer: answers.quotaPreference,
  },
  [`DELETE ${PREFERENCES}/{preference}`]: { summary: 'Withdraw what was asked for', answer: answers.quotaPreference },
  [`POST ${PREFERENCES}/{preference}:approve`]: {
    summary: 'Grant what was asked for',
    body: bodies.quotaApproval,
    answer: answers.quotaPreference,
  },
  [`POST ${PREFERENCES}/{preference}:refuse`]: {
    summary: 'Refuse what was asked for',
    body: bodies.quotaRefusal,
    answer: answers.quotaPreference,
  },
  [`GET ${PROJECT}/recentExchanges`]: { summary: 'List recent exchanges', answer: answers.recentExchanges },
  [`GET ${PROJECT}/usage`]: { summary: 'Exchanges by minute or hour, by how they ended', answer: answers.usage },
  [`POST ${DENY}`]: { summary: 'Create a deny policy', body: bodies.denyPolicy, answer: answers.denyPolicyOperation },
  [`GET ${DENY}`]: { summary: 'List deny policies', answer: answers.denyPolicies },
  [`GET ${DENY}/{policy}`]: { summary: 'Get a deny policy', answer: answers.denyPolicy },
  [`PUT ${DENY}/{policy}`]: {
    summary: 'Replace a deny policy',
    body: bodies.denyPolicy,
    answer: answers.denyPolicyOperation,
  },
  [`DELETE ${DENY}/{policy}`]: { summary: 'Delete a deny policy', answer: answers.denyPolicyOperation },
  [`GET ${DENY}/{policy}/operations/{operation}`]: {
    summary: 'Get an operation on a deny policy',
    answer: answers.denyPolicyOperation,
  },
};

/** Resources that may be sent back as they were read: what only the broker writes is ignored in them. */
export const SENT_BACK: readonly v.GenericSchema[] = [
  bodies.project,
  bodies.pool,
  bodies.provider,
  bodies.target,
  bodies.serviceAccount,
  bodies.role,
  bodies.newRole,
  bodies.policy,
  bodies.denyPolicy,
  bodies.quotaWish,
];
