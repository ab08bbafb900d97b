/** A service account as IAM v1 shows it; its name with the number of its project, as everywhere here. */
import { etagOf } from '../../core/admin/etag.ts';
import { type JsonObject, parseStrictJson } from '../../core/json.ts';
import { serviceAccountName } from '../../core/names.ts';
import type { AwsRole, ServiceAccount } from '../../core/resources.ts';

export function renderServiceAccount(
  account: ServiceAccount,
  { projectNumber, projectId }: { readonly projectNumber: string; readonly projectId: string },
): JsonObject {
  const { email, uniqueId, displayName, description, disabled, expireTime } = account;
  return {
    name: serviceAccountName(projectNumber, email),
    projectId,
    uniqueId,
    email,
    ...(displayName === '' ? {} : { displayName }),
    ...(description === '' ? {} : { description }),
    oauth2ClientId: uniqueId,
    disabled,
    maxTokenLifetime: `${account.maxTokenLifetimeSeconds}s`,
    ...(account.awsRole === undefined ? {} : { awsRole: renderAwsRole(account.awsRole) }),
    ...(expireTime === undefined ? {} : { state: 'DELETED', expireTime }),
    etag: etagOf(account.version),
    createTime: account.createTime,
    updateTime: account.updateTime,
  };
}

/** A trust policy as the document that it is: it was checked when it was saved. */
function renderAwsRole({ arn, trustPolicy, maxSessionDurationSeconds }: AwsRole): JsonObject {
  const policy = trustPolicy === undefined ? undefined : parseStrictJson(trustPolicy);
  return {
    arn,
    ...(policy?.ok === true ? { trustPolicy: policy.value } : {}),
    maxSessionDuration: `${maxSessionDurationSeconds}s`,
  };
}
