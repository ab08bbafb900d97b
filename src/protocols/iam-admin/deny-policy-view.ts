/** Deny policies as Google's IAM v2 shows them: whole when asked for, without their rules in lists, in an Operation after a change. */
import type { Answer } from '../../core/admin/commands.ts';
import { etagOf } from '../../core/admin/etag.ts';
import { operationName } from '../../core/admin/operations.ts';
import type { JsonObject } from '../../core/json.ts';
import { denyPolicyName } from '../../core/names.ts';
import type { DenyPolicy } from '../../core/resources.ts';

const TYPE = 'type.googleapis.com/google.iam.v2.Policy';

export function renderDenyPolicy(policy: DenyPolicy, projectNumber: string): JsonObject {
  const rules = policy.rules.map(({ description, denyRule }) => {
    const { deniedPrincipals, exceptionPrincipals, deniedPermissions, exceptionPermissions, denialCondition } =
      denyRule;
    return {
      ...(description === '' ? {} : { description }),
      denyRule: {
        deniedPrincipals,
        ...(exceptionPrincipals.length > 0 ? { exceptionPrincipals } : {}),
        deniedPermissions,
        ...(exceptionPermissions.length > 0 ? { exceptionPermissions } : {}),
        ...(denialCondition === undefined ? {} : { denialCondition: { ...denialCondition } }),
      },
    };
  });
  return { ...renderDenyPolicyHead(policy, projectNumber), rules };
}

/** What lists show. */
export function renderDenyPolicyHead(policy: DenyPolicy, projectNumber: string): JsonObject {
  const { attachment, policyId, uid, displayName, annotations, createTime, updateTime, version } = policy;
  return {
    name: denyPolicyName(projectNumber, attachment, policyId),
    uid,
    kind: 'DenyPolicy',
    ...(displayName === '' ? {} : { displayName }),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    etag: etagOf(version),
    createTime,
    updateTime,
  };
}

/** It is done when it is answered. */
export function renderDenyPolicyOperation(
  outcome: Extract<Answer, { kind: 'denyPolicy' }>,
  projectNumber: string,
): JsonObject {
  const { policy, deleteTime, warnings = [] } = outcome;
  const changedAt = deleteTime ?? policy.updateTime;
  return {
    name: operationName(outcome, projectNumber),
    metadata: {
      '@type': `${TYPE}OperationMetadata`,
      createTime: changedAt,
      ...(warnings.length > 0 ? { warnings } : {}),
    },
    done: true,
    response: {
      '@type': TYPE,
      ...renderDenyPolicy(policy, projectNumber),
      ...(deleteTime === undefined ? {} : { deleteTime }),
    },
  };
}
