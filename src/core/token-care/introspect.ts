/** RFC 7662: is this token of ours good now, and whose is it? For who may ask on the project, or on the target that the token is for. */
import type { AuthenticatedAdmin } from '../admin/authenticated.ts';
import { type Caller, homeOf, identityName } from '../admin/caller.ts';
import type { AdminDenial } from '../admin/denial.ts';
import type { AdminPort } from '../admin/port.ts';
import type { Denial } from '../denial.ts';
import type { OwnToken } from '../own-token.ts';
import { err, ok, type Result } from '../result.ts';
import type { DownscopePorts } from './downscope.ts';

export interface IntrospectInput {
  readonly requestId: string;
  readonly caller: AuthenticatedAdmin;
  readonly token: string;
}

export interface IntrospectPorts extends Pick<DownscopePorts, 'verifyOwn' | 'stands' | 'nowMs' | 'recordToken'> {
  readonly admin: Pick<AdminPort, 'held' | 'read'>;
}

const INTROSPECT = 'sts.tokens.introspect';

/** Undefined: not active, whatever the reason: nobody is told why. */
export async function introspect(
  input: IntrospectInput,
  ports: IntrospectPorts,
): Promise<Result<OwnToken | undefined, AdminDenial | Denial>> {
  const found = await look(input, ports);
  const token = found.ok ? found.value : undefined;
  ports.recordToken({
    timeMs: ports.nowMs(),
    requestId: input.requestId,
    outcome: found.ok ? 'granted' : 'refused',
    reason: found.ok ? 'granted' : found.error.tag,
    method: 'introspect',
    principal: input.caller.name,
    ...(token === undefined ? {} : { project: homeOf(token.holder) }),
    ...(typeof token?.claims['jti'] === 'string' ? { tokenId: token.claims['jti'] } : {}),
  });
  return found;
}

async function look(
  { caller, token, requestId }: IntrospectInput,
  ports: IntrospectPorts,
): Promise<Result<OwnToken | undefined, AdminDenial | Denial>> {
  const verified = await ports.verifyOwn(token);
  if (!verified.ok || verified.value === undefined) return verified;
  const own = verified.value;
  const may = await mayLook({ ...caller, requestId }, own, ports);
  if (!may.ok) return may;
  if (!may.value) {
    const resource = `projects/${homeOf(own.holder)}`;
    return err({ tag: 'permission_denied', permission: INTROSPECT, resource });
  }
  const stands = await ports.stands(own.holder);
  return stands.ok ? ok(stands.value ? own : undefined) : stands;
}

/** On the target first: its own policy counts, and what lies above it with it. */
async function mayLook(
  caller: Caller,
  { holder, claims }: OwnToken,
  { admin }: IntrospectPorts,
): Promise<Result<boolean, AdminDenial>> {
  const projectNumber = homeOf(holder);
  const idOrUri = claims['aud'];
  const found =
    typeof idOrUri === 'string' ? await admin.read(projectNumber, { type: 'target.find', idOrUri }) : undefined;
  const target = found?.ok === true && found.value.kind === 'target' ? found.value.target : undefined;
  const isForTarget = target !== undefined && target.uri === idOrUri && holder.kind === 'workload';
  const resource = isForTarget
    ? ({ kind: 'target', targetId: target.targetId } as const)
    : ({ kind: 'project' } as const);
  const held = await admin.held(caller, [INTROSPECT], { projectNumber, resource });
  return held.ok ? ok(held.value.length > 0) : held;
}

/** What is told of it (RFC 7662 §2.2), with `username` as Google's answers have it. */
export interface Introspected {
  readonly client_id?: string;
  readonly iss: string;
  readonly sub: string;
  readonly aud?: string;
  readonly scope?: string;
  readonly username: string;
  readonly jti?: string;
  readonly exp: number;
  readonly iat?: number;
  readonly nbf?: number;
}

export function toldOf({ claims, holder }: OwnToken): Introspected {
  const { client_id: clientId, iss, sub, aud, scope, jti, exp, iat, nbf } = claims;
  return {
    ...(typeof clientId === 'string' ? { client_id: clientId } : {}),
    iss: typeof iss === 'string' ? iss : '',
    sub: typeof sub === 'string' ? sub : '',
    ...(typeof aud === 'string' ? { aud } : {}),
    ...(typeof scope === 'string' ? { scope } : {}),
    username: identityName(holder),
    ...(typeof jti === 'string' ? { jti } : {}),
    exp: Number(exp),
    ...(typeof iat === 'number' ? { iat } : {}),
    ...(typeof nbf === 'number' ? { nbf } : {}),
  };
}
