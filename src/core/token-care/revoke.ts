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
    ...(done.ok && done.value?.projectNumber !== undefined ? { project: done.value.projectNumber } : {}),
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
  /** Undefined: there is none of the name. */
  readonly projectNumber: string | undefined;
  /** As the request names it. */
  readonly project: string;
  readonly revocation: Revocation;
  /** Whose own affair it is. */
  readonly holder?: string;
}

async function carryOut(
  input: RevokeInput,
  ports: RevokePorts,
): Promise<Result<Wanted | undefined, AdminDenial | Denial>> {
  // Only a token speaks for itself. Strangers are not told which projects there are, nor is anybody asked for them.
  if (input.caller === undefined && input.request.kind !== 'token') return err({ tag: 'unauthenticated' });
  const wanted = await wantedBy(input.request, ports);
  if (!wanted.ok) return wanted;
  if (wanted.value === undefined) return ok(undefined);
  const { projectNumber, holder, revocation } = wanted.value;
  const isOwn = holder !== undefined && (input.caller === undefined || input.caller.name === holder);
  if (!isOwn) {
    const may = await mayRevoke(input, wanted.value, ports);
    if (!may.ok) return may;
  }
  if (projectNumber === undefined) return err({ tag: 'not_found', resource: `projects/${wanted.value.project}` });
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
      const project = homeOf(holder);
      return ok({ projectNumber: project, project, revocation, holder: identityName(holder) });
    }
    case 'tokenId': {
      const found = await ports.admin.findProject(request.project);
      if (!found.ok) return found;
      const expiresAtSeconds = nowSeconds + LONGEST_TOKEN_SECONDS;
      const { tokenId, project } = request;
      const revocation = { kind: 'token', tokenId, expiresAtSeconds } as const;
      return ok({ projectNumber: found.value?.projectNumber, project, revocation });
    }
    case 'principal': {
      const { principal, beforeSeconds } = request;
      if (beforeSeconds > nowSeconds + 1) return err(invalid('before', 'lies ahead: tokens of then are not made yet'));
      const home = await homeOfPrincipal(principal, ports);
      if (!home.ok) return home;
      return ok({ ...home.value, revocation: { kind: 'principal', principal, beforeSeconds } });
    }
  }
}

type Home = Pick<Wanted, 'projectNumber' | 'project'>;

async function homeOfPrincipal(principal: string, { admin }: RevokePorts): Promise<Result<Home, AdminDenial>> {
  const member = parseMember(principal);
  const kind = member.ok ? member.value.kind : undefined;
  if (kind === 'subject') {
    const project = poolMemberOf(principal)?.projectNumber ?? '';
    return ok({ projectNumber: project, project });
  }
  const named =
    kind === 'service_account' ? parseServiceAccountEmail(principal.replace('serviceAccount:', '')) : undefined;
  if (named === undefined) {
    return err(
      invalid('principal', 'must be principal://…/subject/… or serviceAccount:EMAIL, as introspection says it'),
    );
  }
  const found = await admin.findProject(named.projectId);
  if (!found.ok) return found;
  return ok({ projectNumber: found.value?.projectNumber, project: named.projectId });
}

/** The same words whether there is no such project or no right on it. Who holds everything may know that there is none. */
async function mayRevoke(
  { caller, requestId }: RevokeInput,
  { projectNumber, project }: Wanted,
  { admin }: RevokePorts,
): Promise<Result<null, AdminDenial>> {
  if (caller === undefined) return err({ tag: 'unauthenticated' });
  const denied: AdminDenial = { tag: 'permission_denied', permission: REVOKE, resource: `projects/${project}` };
  if (projectNumber === undefined) return caller.identity.kind === 'bootstrap' ? ok(null) : err(denied);
  const at = { projectNumber, resource: { kind: 'project' } } as const;
  const held = await admin.held({ ...caller, requestId }, [REVOKE], at);
  if (!held.ok) return held;
  return held.value.length > 0 ? ok(null) : err(denied);
}
