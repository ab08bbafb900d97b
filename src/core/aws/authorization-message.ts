/** `DecodeAuthorizationMessage`: why a role was refused, for who may ask why. The refused caller carries the message and cannot read it. */
import { bindingsNaming } from '../member-index.ts';
import { predefinedRole } from '../roles.ts';
import { err, ok, type Result } from '../result.ts';
import type { Denial } from '../denial.ts';
import { causeOf } from '../denial-check.ts';
import type { AwsPorts } from './ports.ts';
import type { SignedCaller } from './signed-caller.ts';

/** What explains decisions shows policies, so it goes to who may see explanations. */
const PERMISSION = 'sts.policies.troubleshoot';

export interface Refused {
  readonly accountId: string;
  readonly roleArn: string;
  readonly requestId: string;
  readonly principal?: string;
  readonly denial: Denial;
}

export async function authorizationMessage(refused: Refused, ports: AwsPorts): Promise<string> {
  const { denial, accountId, roleArn: resource, requestId, principal } = refused;
  const text = {
    allowed: false,
    explicitDeny: denial.tag === 'denied_by_policy',
    ...causeOf(denial),
    context: {
      ...(principal === undefined ? {} : { principal }),
      action: 'sts:AssumeRoleWithWebIdentity',
      resource,
      requestId,
      time: new Date(ports.exchange.nowMs()).toISOString(),
    },
  };
  return ports.sealMessage(accountId, JSON.stringify(text));
}

/** Only messages of the caller's own account open, and only to a role whose service account may see explanations there. */
export async function decodeMessage(
  message: string,
  { session, accountId }: SignedCaller,
  ports: AwsPorts,
): Promise<Result<string, 'not_authorized' | 'invalid_message'>> {
  const view = ports.exchange.openConfig(session.projectNumber);
  const [project, account] = await Promise.all([view.project(), view.serviceAccount(session.uniqueId)]);
  if (project === undefined || account === undefined) return err('not_authorized');
  const self = new Set([`serviceAccount:${account.serviceAccount.email}`]);
  // A condition would have to know this request; whoever is bound under one asks at the REST door.
  const mayAsk = bindingsNaming(project.policy, self).some(
    ({ role, condition }) => condition === undefined && predefinedRole(role)?.permissions.includes(PERMISSION) === true,
  );
  if (!mayAsk) return err('not_authorized');
  const text = await ports.openMessage(accountId, message);
  return text === undefined ? err('invalid_message') : ok(text);
}
