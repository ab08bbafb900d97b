/** A service account's credentials: who asks and may he, one unit of quota, then the signature. Decide before doing; what cannot be undone comes last. */
import type { AuthenticatedAdmin } from '../admin/authenticated.ts';
import type { Identity, ShownToken } from '../admin/caller.ts';
import { invalid } from '../admin/denial.ts';
import type { Denial } from '../denial.ts';
import type { JsonObject } from '../json.ts';
import type { AccountPermission } from '../permissions.ts';
import type { Permit } from '../ports.ts';
import { err, ok, type Result } from '../result.ts';
import { ringOf } from '../rings.ts';
import { coversScopes, reachesBroker } from '../scopes.ts';
import { accessTokenClaims, idTokenClaims } from '../service-account-claims.ts';
import { MAX_MINTED_BYTES } from '../token-size.ts';
import { type Chain, walk } from './chain.ts';
import type { CredentialDenial } from './denial.ts';
import type { CredentialPorts } from './ports.ts';
import { signedPayload } from './signed-payload.ts';

export type CredentialRequest =
  | {
      readonly method: 'generateAccessToken';
      readonly scopes: readonly string[];
      /** Undefined: an hour, or what the account allows where that is less. */
      readonly lifetimeSeconds: number | undefined;
    }
  | {
      readonly method: 'generateIdToken';
      readonly audience: string;
      readonly includeEmail: boolean;
      readonly useEmailAzp: boolean;
    }
  | { readonly method: 'signJwt'; readonly claims: JsonObject }
  | { readonly method: 'signBlob'; readonly bytes: Uint8Array<ArrayBuffer> };

export interface CredentialInput {
  readonly requestId: string;
  readonly caller: AuthenticatedAdmin;
  /** By address or unique id, in order. */
  readonly delegates: readonly string[];
  readonly account: string;
  readonly request: CredentialRequest;
}

export type Generated =
  | { readonly method: 'generateAccessToken'; readonly accessToken: string; readonly expiresAtSeconds: number }
  | { readonly method: 'generateIdToken'; readonly token: string }
  | { readonly method: 'signJwt'; readonly keyId: string; readonly signedJwt: string }
  | { readonly method: 'signBlob'; readonly keyId: string; readonly signature: Uint8Array<ArrayBuffer> };

const PERMISSIONS: Readonly<Record<CredentialRequest['method'], AccountPermission>> = {
  generateAccessToken: 'iam.serviceAccounts.getAccessToken',
  generateIdToken: 'iam.serviceAccounts.getOpenIdToken',
  signJwt: 'iam.serviceAccounts.signJwt',
  signBlob: 'iam.serviceAccounts.signBlob',
};

/** Of an access token where nobody says otherwise, and of every ID token. */
const HOUR_SECONDS = 3_600;

/** Filled along the way, for the event. */
interface Trace {
  readonly startMs: number;
  readonly durationsMs: Record<string, number>;
  chain?: Chain;
  tokenId?: string;
  keyId?: string;
  admittedAtMs?: number;
  expiresInSeconds?: number;
}

export async function generate(
  input: CredentialInput,
  ports: CredentialPorts,
): Promise<Result<Generated, CredentialDenial>> {
  const trace: Trace = { startMs: ports.nowMs(), durationsMs: {} };
  const generated = await closed(() => issue(input, ports, trace));
  trace.durationsMs['total'] = ports.nowMs() - trace.startMs;
  record(input, generated, ports, trace);
  return generated;
}

async function issue(
  input: CredentialInput,
  ports: CredentialPorts,
  trace: Trace,
): Promise<Result<Generated, CredentialDenial>> {
  const { request, caller, account, delegates, requestId } = input;
  const { method } = request;
  const scopes = shownBy(caller.identity)?.scopes;
  if (!reachesBroker(scopes)) return err({ tag: 'insufficient_scope', method });
  const chain = await walk(caller, { delegates, account, permission: PERMISSIONS[method] }, ports);
  if (!chain.ok) return chain;
  trace.chain = chain.value;
  trace.durationsMs['authorize'] = ports.nowMs() - trace.startMs;
  const fault = faultOf(request, chain.value, scopes, ports);
  if (fault !== undefined) return err(fault);
  const askedAtMs = ports.nowMs();
  const permit = await ports.spend(chain.value.account.projectNumber, requestId);
  trace.durationsMs['quota'] = ports.nowMs() - askedAtMs;
  if (!permit.ok) return err(refusedPermit(permit.error.denial, chain.value));
  const nowMs = ports.nowMs();
  if (nowMs >= permit.value.usableUntilMs) return err(away('quota'));
  const signed = await sign(request, chain.value, permit.value, Math.floor(nowMs / 1_000), ports, trace);
  if (signed.ok) trace.admittedAtMs = nowMs;
  return signed;
}

/** What is wrong with the request for this account, before anything is spent for it. */
function faultOf(
  request: CredentialRequest,
  { account }: Chain,
  held: readonly string[] | undefined,
  ports: CredentialPorts,
): CredentialDenial | undefined {
  if (request.method === 'generateAccessToken') {
    if (!coversScopes(held, request.scopes)) return { tag: 'insufficient_scope', method: request.method };
    const { lifetimeSeconds } = request;
    const max = account.maxLifetimeSeconds;
    if (lifetimeSeconds === undefined || lifetimeSeconds <= max) return undefined;
    return invalid(
      'lifetime',
      `must not exceed ${max}s: more takes maxTokenLifetime of the account and maxServiceAccountTokenLifetime of its project`,
    );
  }
  if (request.method !== 'signJwt') return undefined;
  const payload = signedPayload(request.claims, account, ports.publicOrigin, Math.floor(ports.nowMs() / 1_000));
  return payload.ok ? undefined : payload.error;
}

async function sign(
  request: CredentialRequest,
  { account, holdsForSeconds, actor, boundary }: Chain,
  { news }: Permit,
  nowSeconds: number,
  ports: CredentialPorts,
  trace: Trace,
): Promise<Result<Generated, CredentialDenial>> {
  const { publicOrigin } = ports;
  const { projectNumber, serviceAccount } = account;
  // The run was proven from the start of the request.
  const endsSeconds = Math.floor(trace.startMs / 1_000) + holdsForSeconds;
  const lastsUntil = (lifetimeSeconds: number): number => Math.min(nowSeconds + lifetimeSeconds, endsSeconds);
  const narrowed = boundary === undefined ? {} : { boundary };
  const of = { publicOrigin, projectNumber, account: serviceAccount, nowSeconds };
  switch (request.method) {
    case 'generateAccessToken': {
      const { scopes, lifetimeSeconds = HOUR_SECONDS } = request;
      const expiresAtSeconds = lastsUntil(Math.min(lifetimeSeconds, account.maxLifetimeSeconds));
      const tokenId = ports.newTokenId();
      const claims = accessTokenClaims({ ...of, scopes, actor, tokenId, expiresAtSeconds, ...narrowed });
      const jwt = await token({ alg: 'ES256', typ: 'at+jwt', claims, expiresAtSeconds, tokenId });
      return jwt.ok ? ok({ method: request.method, accessToken: jwt.value, expiresAtSeconds }) : jwt;
    }
    case 'generateIdToken': {
      const expiresAtSeconds = lastsUntil(HOUR_SECONDS);
      const tokenId = ports.newTokenId();
      const claims = idTokenClaims({ ...of, ...request, tokenId, expiresAtSeconds });
      // What every relying party takes (WIRE.md H.2): Entra takes nothing else.
      const jwt = await token({ alg: 'RS256', typ: 'JWT', claims, expiresAtSeconds, tokenId });
      return jwt.ok ? ok({ method: request.method, token: jwt.value }) : jwt;
    }
    case 'signJwt': {
      const payload = signedPayload(request.claims, account, publicOrigin, nowSeconds);
      if (!payload.ok) return payload;
      const ring = ringOf.accountKeys(projectNumber, serviceAccount.uniqueId);
      const input = { projectNumber: ring, alg: 'RS256', typ: 'JWT', claims: payload.value, news } as const;
      const signed = await ports.sign(input);
      if (!signed.ok) return err(asCredential(signed.error));
      trace.keyId = signed.value.kid;
      return ok({ method: request.method, keyId: signed.value.kid, signedJwt: signed.value.jwt });
    }
    case 'signBlob': {
      const ring = ringOf.accountKeys(projectNumber, serviceAccount.uniqueId);
      const signed = await ports.signBytes({ ring, alg: 'RS256', news }, request.bytes);
      if (!signed.ok) return err(asCredential(signed.error));
      trace.keyId = signed.value.kid;
      return ok({ method: request.method, keyId: signed.value.kid, signature: signed.value.signature });
    }
  }

  async function token(minted: {
    readonly alg: 'ES256' | 'RS256';
    readonly typ: 'at+jwt' | 'JWT';
    readonly claims: JsonObject;
    readonly expiresAtSeconds: number;
    readonly tokenId: string;
  }): Promise<Result<string, CredentialDenial>> {
    const { alg, typ, claims, expiresAtSeconds, tokenId } = minted;
    // What lets it be minted has ended while the quota was asked.
    if (expiresAtSeconds <= nowSeconds) return err(away('configuration'));
    const ring = ringOf.accountTokens(projectNumber);
    const signed = await ports.sign({ projectNumber: ring, alg, typ, claims, news });
    if (!signed.ok) return err(asCredential(signed.error));
    const bytes = signed.value.jwt.length;
    if (bytes > MAX_MINTED_BYTES) return err({ tag: 'token_too_large', bytes });
    trace.tokenId = tokenId;
    trace.keyId = signed.value.kid;
    trace.expiresInSeconds = expiresAtSeconds - nowSeconds;
    return ok(signed.value.jwt);
  }
}

function shownBy(identity: Identity): ShownToken | undefined {
  return identity.kind === 'workload' || identity.kind === 'serviceAccount' ? identity.token : undefined;
}

function refusedPermit(denial: Denial, { account }: Chain): CredentialDenial {
  if (denial.tag !== 'over_quota') return asCredential(denial);
  const { projectNumber, generationsPerMinute } = account;
  const { retryAfterSeconds } = denial;
  return { tag: 'credentials_over_quota', projectNumber, limitPerMinute: generationsPerMinute, retryAfterSeconds };
}

function asCredential(denial: Denial): CredentialDenial {
  return denial.tag === 'unavailable' ? away(denial.dependency) : { tag: 'internal', fault: denial.tag };
}

function away(dependency: string): CredentialDenial {
  return { tag: 'unavailable', dependency, description: 'The service is currently unavailable. Try again.' };
}

/** Whatever is thrown ends as a refusal with its event. */
async function closed(
  attempt: () => Promise<Result<Generated, CredentialDenial>>,
): Promise<Result<Generated, CredentialDenial>> {
  try {
    return await attempt();
  } catch (fault) {
    return err({ tag: 'internal', fault: fault instanceof Error ? fault.name : 'unknown' });
  }
}

function record(
  { requestId, caller, request }: CredentialInput,
  generated: Result<Generated, CredentialDenial>,
  ports: CredentialPorts,
  trace: Trace,
): void {
  const { chain } = trace;
  const refusal = generated.ok ? undefined : generated.error;
  ports.record({
    timeMs: trace.startMs,
    requestId,
    outcome: generated.ok ? 'granted' : 'refused',
    reason: refusal?.tag ?? 'granted',
    ...(refusal?.tag === 'permission_denied' ? { check: refusal.permission } : {}),
    ...(refusal?.tag === 'internal' ? { check: refusal.fault } : {}),
    ...(refusal?.tag === 'unavailable' ? { check: refusal.dependency } : {}),
    method: request.method,
    principal: caller.name,
    ...(chain === undefined
      ? {}
      : {
          project: chain.account.projectNumber,
          account: chain.account.serviceAccount.email,
          ...(chain.delegateEmails.length > 0 ? { delegates: chain.delegateEmails } : {}),
        }),
    ...(trace.tokenId === undefined ? {} : { tokenId: trace.tokenId }),
    ...(trace.keyId === undefined ? {} : { keyId: trace.keyId }),
    ...(trace.admittedAtMs === undefined ? {} : { admittedAtMs: trace.admittedAtMs }),
    ...(trace.expiresInSeconds === undefined ? {} : { expiresInSeconds: trace.expiresInSeconds }),
    durationsMs: trace.durationsMs,
  });
}
