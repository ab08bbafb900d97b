/** The core's answers → the bodies that REST gives: one switch, so that no kind of answer is forgotten. */
import type { Answer } from '../../core/admin/commands.ts';
import { operationName } from '../../core/admin/operations.ts';
import type { JsonObject } from '../../core/json.ts';
import { renderConfiguration, renderConfigured } from './configuration-view.ts';
import { renderDenyPolicy, renderDenyPolicyHead, renderDenyPolicyOperation } from './deny-policy-view.ts';
import { renderWritten } from './policy-view.ts';
import { nextPageToken } from './query.ts';
import { renderQuotaPreference } from './quota-view.ts';
import { renderServiceAccount } from './service-account-view.ts';
import {
  renderOperation,
  renderPool,
  renderProject,
  renderProvider,
  renderRestored,
  renderRole,
  renderTarget,
} from './render.ts';

/** What the rows do not know of themselves. */
export interface View {
  readonly projectNumber: string;
  readonly projectId: string;
  readonly publicOrigin: string;
}

export function renderAnswer(answer: Answer, view: View): JsonObject {
  const { projectNumber, projectId, publicOrigin } = view;
  switch (answer.kind) {
    case 'project':
      return renderProject(answer.project);
    case 'pool':
      return renderPool(answer.pool, projectNumber, publicOrigin, answer.administrative);
    case 'provider':
      return renderProvider(answer.provider, projectNumber);
    case 'target':
      return renderTarget(answer.target, projectNumber);
    case 'serviceAccount':
      return renderServiceAccount(answer.serviceAccount, view);
    case 'serviceAccounts':
      return {
        accounts: answer.serviceAccounts.map((account) => renderServiceAccount(account, view)),
        ...nextPageToken(answer.next),
      };
    case 'role':
      return renderRole(answer.role, projectId);
    case 'policy':
      return renderWritten(answer.policy, answer.warnings ?? []);
    case 'deleted':
      return {};
    case 'restored':
      return renderRestored(answer.steps, answer.left);
    case 'configured':
      return renderConfigured(answer);
    case 'configuration':
      return renderConfiguration(answer);
    case 'owner':
      return { owner: answer.owner };
    case 'denyPolicy':
      return renderDenyPolicy(answer.policy, projectNumber);
    case 'denyPolicies':
      return {
        policies: answer.policies.map((policy) => renderDenyPolicyHead(policy, projectNumber)),
        ...nextPageToken(answer.next),
      };
    case 'quotaPreference':
      return renderQuotaPreference(answer.preference, projectNumber);
    case 'quotaPreferences':
      return {
        quotaPreferences: answer.preferences.map((preference) => renderQuotaPreference(preference, projectNumber)),
        ...nextPageToken(answer.next),
      };
    case 'pools':
      return {
        workloadIdentityPools: answer.pools.map((pool) =>
          renderPool(pool, projectNumber, publicOrigin, answer.administrative?.includes(pool.poolId)),
        ),
        ...nextPageToken(answer.next),
      };
    case 'providers':
      return {
        workloadIdentityPoolProviders: answer.providers.map((provider) => renderProvider(provider, projectNumber)),
        ...nextPageToken(answer.next),
      };
    case 'targets':
      return {
        targets: answer.targets.map((target) => renderTarget(target, projectNumber)),
        ...nextPageToken(answer.next),
      };
    case 'roles':
      return { roles: answer.roles.map((role) => renderRole(role, projectId)), ...nextPageToken(answer.next) };
  }
}

/** Changes of pools, providers and deny policies are answered with an Operation, as at Google; it is done already. */
export function renderChange(answer: Answer, view: View): JsonObject {
  const { projectNumber, publicOrigin } = view;
  switch (answer.kind) {
    case 'pool': {
      const pool = renderPool(answer.pool, projectNumber, publicOrigin, answer.administrative);
      return renderOperation('WorkloadIdentityPool', operationName(answer, projectNumber), pool);
    }
    case 'provider': {
      const provider = renderProvider(answer.provider, projectNumber);
      const name = operationName(answer, projectNumber);
      return renderOperation('WorkloadIdentityPoolProvider', name, provider, answer.warnings);
    }
    case 'denyPolicy':
      return renderDenyPolicyOperation(answer, projectNumber);
    default:
      return renderAnswer(answer, view);
  }
}
