/** A service account as IAM v1 shows it; its name with the number of its project, as everywhere here. */
import { etagOf } from '../../core/admin/etag.ts';
import type { JsonObject } from '../../core/json.ts';
import { serviceAccountName } from '../../core/names.ts';
import type { ServiceAccount } from '../../core/resources.ts';

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
    ...(expireTime === undefined ? {} : { state: 'DELETED', expireTime }),
    etag: etagOf(account.version),
    createTime: account.createTime,
    updateTime: account.updateTime,
  };
}
