/** RFC 7009: whoever holds a token may end it; others' take a right on the project, by token, by its id, or by whose they are. */
import type { AuthenticatedAdmin } from '../admin/authenticated.ts';
import { homeOf, identityName } from '../admin/caller.ts';
import { type AdminDenial, invalid } from '../admin/denial.ts';
import type { AdminPort } from '../admin/port.ts';
import type { Denial } from '../denial.ts';
import { parseMember, poolMemberOf } from '../members.ts';
import { parseServiceAccountEmail } from '../names.ts';
import { err, ok, type Result } from '../result.ts';
import type { DownscopePorts } from './downscope.ts';
import type { Revocation } from './revocation.ts';

export type RevokeRequest =
  | { readonly kind: 'token'; readonly token: string }
  /** Where the token itself is not at hand; `project` by id or number. */
  | { readonly kind: 'tokenId'; readonly tokenId: string; readonly project: string }
  | { readonly kind: 'principal'; readonly principal: string; readonly beforeSeconds: number };

export interface RevokeInput {
  readonly requestId: string;
  /** Undefined: nobody said who he is, and shows the token alone. */
  readonly caller: AuthenticatedAdmin | undefined;
  readonly request: RevokeRequest;
}

export interface RevokePorts extends Pick<DownscopePorts, 'verifyOwn' | 'nowMs' | 'recordToken'> {
  readonly admin: Pick<AdminPort, 'held' | 'findProject'>;
  /** In force at the next request that shows such a token. */
  revoke(projectNumber: string, revocation: Revocation): Promise<Result<null, AdminDenial>>;
}

const REVOKE = 'sts.tokens.revoke';
/** No token of ours lives longer. */
const LONGEST_TOKEN_SECONDS = 43_200;

/** Undefined: there was nothing to revoke, which is as good. */
export async function revoke(
  input: RevokeInput,
  ports: RevokePorts,
): Promise<Result<Revocation | undefined, AdminDenial | Denial>> {
  const done = await carryOut(input, ports);
  const revoked = done.ok ? done.value?.revocation : undefined;
  ports.recordToken({
    timeMs: ports.nowMs(),
    requestId: input.requestId,
    outcome: done.ok ? 'granted' : 'refused',
    reason: done.ok ? 'granted' : done.error.tag,
    method: 'revoke',
    ...(input.caller === undefined ? {} : { principal: input.caller.name }),
    ...(done.ok && done.value !== undefined ? { project: done.value.projectNumber } : {}),
    ...(revoked?.kind === 'token' ? { tokenId: revoked.tokenId } : {}),
    ...(revoked?.kind === 'principal'
      ? {
          revokedPrincipal: revoked.principal,
          revokedBefore: new Date(revoked.beforeSeconds * 1_000).toISOString(),
        }
      : {}),
  });
  return done.ok ? ok(revoked) : done;
}

interface Wanted {
  readonly projectNumber: string;
  readonly revocation: Revocation;
  /** Whose own affair it is. */
  readonly holder?: string;
}

async function carryOut(
  input: RevokeInput,
  ports: RevokePorts,
): Promise<Result<Wanted | undefined, AdminDenial | Denial>> {
  const wanted = await wantedBy(input.request, ports);
  if (!wanted.ok) return wanted;
  if (wanted.value === undefined) return ok(undefined);
  const { projectNumber, holder, ...asked } = wanted.value;
  const isOwn = holder !== undefined && (input.caller === undefined || input.caller.name === holder);
  if (!isOwn) {
    const may = await mayRevoke(input, projectNumber, ports);
    if (!may.ok) return may;
  }
  const { revocation } = asked;
  const isByHolder = isOwn && revocation.kind === 'token';
  const done = await ports.revoke(projectNumber, isByHolder ? { ...revocation, isByHolder } : revocation);
  return done.ok ? ok(wanted.value) : done;
}

async function wantedBy(
  request: RevokeRequest,
  ports: RevokePorts,
): Promise<Result<Wanted | undefined, AdminDenial | Denial>> {
  const nowSeconds = Math.floor(ports.nowMs() / 1_000);
  switch (request.kind) {
    case 'token': {
      const verified = await ports.verifyOwn(request.token);
      if (!verified.ok) return verified;
      const { holder } = verified.value ?? {};
      if (holder?.token === undefined) return ok(undefined);
      const { tokenId, expiresAtSeconds } = holder.token;
      const revocation = { kind: 'token', tokenId, expiresAtSeconds } as const;
      return ok({ projectNumber: homeOf(holder), revocation, holder: identityName(holder) });
    }
    case 'tokenId': {
      const found = await ports.admin.findProject(request.project);
      if (!found.ok) return found;
      if (found.value === undefined) return err({ tag: 'not_found', resource: `projects/${request.project}` });
      const expiresAtSeconds = nowSeconds + LONGEST_TOKEN_SECONDS;
      const { tokenId } = request;
      return ok({ projectNumber: found.value.projectNumber, revocation: { kind: 'token', tokenId, expiresAtSeconds } });
    }
    case 'principal': {
      const { principal, beforeSeconds } = request;
      if (beforeSeconds > nowSeconds + 1) return err(invalid('before', 'lies ahead: tokens of then are not made yet'));
      const home = await homeOfPrincipal(principal, ports);
      if (!home.ok) return home;
      return ok({ projectNumber: home.value, revocation: { kind: 'principal', principal, beforeSeconds } });
    }
  }
}

async function homeOfPrincipal(principal: string, { admin }: RevokePorts): Promise<Result<string, AdminDenial>> {
  const member = parseMember(principal);
  const kind = member.ok ? member.value.kind : undefined;
  if (kind === 'subject') return ok(poolMemberOf(principal)?.projectNumber ?? '');
  const named =
    kind === 'service_account' ? parseServiceAccountEmail(principal.replace('serviceAccount:', '')) : undefined;
  if (named === undefined) {
    return err(
      invalid('principal', 'must be principal://…/subject/… or serviceAccount:EMAIL, as introspection says it'),
    );
  }
  const found = await admin.findProject(named.projectId);
  if (!found.ok) return found;
  if (found.value === undefined) return err({ tag: 'not_found', resource: `projects/${named.projectId}` });
  return ok(found.value.projectNumber);
}

async function mayRevoke(
  { caller, requestId }: RevokeInput,
  projectNumber: string,
  { admin }: RevokePorts,
): Promise<Result<null, AdminDenial>> {
  if (caller === undefined) return err({ tag: 'unauthenticated' });
  const at = { projectNumber, resource: { kind: 'project' } } as const;
  const held = await admin.held({ ...caller, requestId }, [REVOKE], at);
  if (!held.ok) return held;
  const resource = `projects/${projectNumber}`;
  return held.value.length > 0 ? ok(null) : err({ tag: 'permission_denied', permission: REVOKE, resource });
}
