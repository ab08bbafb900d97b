/** Who signed a request with a role's session credentials: its form, the sealed session, the signature, and whether the role still stands. */
import type { ConfigView } from '../ports.ts';
import { ConfigUnavailable } from '../ports.ts';
import { err, ok, type Result } from '../result.ts';
import type { AwsPorts } from './ports.ts';
import { parseRoleArn } from './arn.ts';
import type { RoleSession } from './session.ts';
import { readSignature, type Signature, type SignatureFault } from './sigv4/signature.ts';
import type { SignedParts } from './sigv4/parts.ts';
import { checkForm, checkSignature } from './sigv4/verify.ts';

export interface SignedCaller {
  readonly session: RoleSession;
  readonly signature: Signature;
  readonly accountId: string;
}

export type CallerFault =
  | SignatureFault
  /** No key of ours, no token, or not the token of this key. */
  | { readonly tag: 'unknown_key' }
  /** The signature holds, and the session is over. */
  | { readonly tag: 'expired_session' }
  /** Disabled, deleted, or another ARN by now. */
  | { readonly tag: 'role_gone' }
  /** Its principal's sessions of then are. */
  | { readonly tag: 'revoked_session' }
  | { readonly tag: 'unavailable'; readonly dependency: 'configuration' };

/** `look`: what a door has to say of the signature beside the rules of all. */
export async function signedCaller(
  parts: SignedParts,
  ports: AwsPorts,
  look: (signature: Signature) => SignatureFault | undefined = () => undefined,
): Promise<Result<SignedCaller, CallerFault>> {
  const nowSeconds = Math.floor(ports.exchange.nowMs() / 1_000);
  const read = readSignature(parts);
  if (!read.ok) return read;
  const signature = read.value;
  const fault = look(signature) ?? checkForm(parts, signature, nowSeconds);
  if (fault !== undefined) return err(fault);
  const { accessKeyId, sessionToken } = signature;
  const opened = sessionToken === undefined ? undefined : await ports.openSession(accessKeyId, sessionToken);
  if (opened === undefined) return err({ tag: 'unknown_key' });
  const held = await checkSignature(parts, signature, opened.secretAccessKey, ports.crypto);
  if (!held.ok) return held;
  const { session } = opened;
  if (nowSeconds >= session.expiresAtSeconds) return err({ tag: 'expired_session' });
  const accountId = parseRoleArn(session.roleArn)?.accountId ?? '';
  try {
    const stands = await isStanding(session, accountId, ports);
    if (!stands.ok) return stands;
    if (!stands.value) return err({ tag: 'role_gone' });
    const revoked = await ports.isSessionRevoked(session);
    if (!revoked.ok) return err(AWAY);
    return revoked.value ? err({ tag: 'revoked_session' }) : ok({ session, signature, accountId });
  } catch (cause) {
    if (cause instanceof ConfigUnavailable) return err(AWAY);
    throw cause;
  }
}

const AWAY = { tag: 'unavailable', dependency: 'configuration' } as const;

/** By the newest configuration there is: a role that is switched off is dead at the next request. */
async function isStanding(
  session: RoleSession,
  accountId: string,
  { exchange }: Pick<AwsPorts, 'exchange'>,
): Promise<Result<boolean, CallerFault>> {
  const { projectNumber, principal } = session;
  const view = exchange.openConfig(projectNumber);
  const first = await standsIn(view, session, accountId);
  const news = await exchange.newsBeforeRefusal(projectNumber, 'verified', principal);
  if (!news.ok) return err(AWAY);
  if (news.value === undefined || view.currentAt(news.value)) return ok(first);
  return ok(await standsIn(exchange.openConfig(projectNumber), session, accountId));
}

async function standsIn(view: ConfigView, session: RoleSession, accountId: string): Promise<boolean> {
  const [project, account] = await Promise.all([view.project(), view.serviceAccount(session.uniqueId)]);
  if (project?.project.awsAccountId !== accountId || project.project.expireTime !== undefined) return false;
  const { disabled = true, awsRole } = account?.serviceAccount ?? {};
  return !disabled && awsRole?.arn === session.roleArn;
}
