/**
 * Downscoping (WIRE.md A.8): a token of ours for the broker itself comes back and goes out again with a boundary, once. It says the same of its
 * bearer, lives no longer, and dies with the one that it was made from. It opens nothing that was not open, so it costs no quota.
 */
import { type AccessBoundary, boundaryClaim } from '../access-boundary.ts';
import { type HomedIdentity, identityName } from '../admin/caller.ts';
import type { AdminDenial } from '../admin/denial.ts';
import { type Denial, unverified } from '../denial.ts';
import type { Issued } from '../exchange.ts';
import { isJsonObject } from '../json.ts';
import type { EpochNews } from '../news.ts';
import { OWN_CLAIM } from '../own-claim.ts';
import { isForBroker, type OwnToken, type VerifyOwnToken } from '../own-token.ts';
import type { SignInput } from '../ports.ts';
import { err, ok, type Result } from '../result.ts';
import { projectOfRing } from '../rings.ts';
import { MAX_MINTED_BYTES } from '../token-size.ts';
import type { TokenEvent } from './event.ts';

export interface DownscopeInput {
  readonly requestId: string;
  readonly subjectToken: string;
  readonly boundary: AccessBoundary;
}

export interface DownscopePorts {
  readonly publicOrigin: string;
  nowMs(): number;
  newTokenId(): string;
  readonly verifyOwn: VerifyOwnToken;
  /** Is its holder still wanted, and the token not revoked? */
  stands(holder: HomedIdentity): Promise<Result<boolean, AdminDenial>>;
  /** For the signer: which of a project's keys it may use. */
  newsOf(projectNumber: string): Promise<Result<EpochNews, Denial>>;
  sign(input: SignInput): Promise<Result<{ readonly jwt: string }, Denial>>;
  recordToken(event: TokenEvent): void;
}

/** What is left must be worth having, as with every subject token. */
const LEAST_LIFE_SECONDS = 2;

export async function downscope(input: DownscopeInput, ports: DownscopePorts): Promise<Result<Issued, Denial>> {
  const startMs = ports.nowMs();
  const trace: { holder?: HomedIdentity; tokenId?: string } = {};
  let issued: Result<Issued, Denial>;
  try {
    issued = await issue(input, ports, trace);
  } catch (fault) {
    issued = err({ tag: 'internal', fault: fault instanceof Error ? fault.name : 'unknown' });
  }
  ports.recordToken({
    timeMs: startMs,
    requestId: input.requestId,
    outcome: issued.ok ? 'granted' : 'refused',
    reason: issued.ok ? 'granted' : issued.error.tag,
    method: 'downscope',
    ...(trace.holder === undefined ? {} : { principal: identityName(trace.holder) }),
    ...(trace.tokenId === undefined ? {} : { tokenId: trace.tokenId }),
    ...(issued.ok ? { expiresInSeconds: issued.value.expiresInSeconds } : {}),
  });
  return issued;
}

async function issue(
  { subjectToken, boundary }: DownscopeInput,
  ports: DownscopePorts,
  trace: { holder?: HomedIdentity; tokenId?: string },
): Promise<Result<Issued, Denial>> {
  const verified = await ports.verifyOwn(subjectToken);
  if (!verified.ok) return verified;
  const token = verified.value;
  if (token === undefined || !isForBroker(token, ports.publicOrigin)) return err(unverified('signature'));
  const { holder } = token;
  trace.holder = holder;
  const stands = await ports.stands(holder);
  if (!stands.ok) return err({ tag: 'unavailable', dependency: 'configuration' });
  if (!stands.value) return err(unverified('signature'));
  if (holder.boundary !== undefined) {
    return err({ tag: 'malformed', parameter: 'subject_token', problem: 'has an access boundary already' });
  }
  const nowSeconds = Math.floor(ports.nowMs() / 1_000);
  const expiresAtSeconds = Number(token.claims['exp']);
  if (expiresAtSeconds - nowSeconds < LEAST_LIFE_SECONDS) return err(unverified('expired'));
  const tokenId = ports.newTokenId();
  const jwt = await sign(token, boundary, tokenId, nowSeconds, ports);
  if (!jwt.ok) return jwt;
  trace.tokenId = tokenId;
  const scopes = typeof token.claims['scope'] === 'string' ? token.claims['scope'].split(' ') : [];
  return ok({ accessToken: jwt.value, expiresInSeconds: expiresAtSeconds - nowSeconds, scopes });
}

async function sign(
  { ring, claims }: OwnToken,
  boundary: AccessBoundary,
  tokenId: string,
  nowSeconds: number,
  ports: DownscopePorts,
): Promise<Result<string, Denial>> {
  const news = await ports.newsOf(projectOfRing(ring));
  if (!news.ok) return news;
  const own = isJsonObject(claims[OWN_CLAIM]) ? claims[OWN_CLAIM] : {};
  const narrowed = {
    ...claims,
    // When its bearer was let in is when the first was made: what revokes older tokens revokes this one too.
    nbf: nowSeconds,
    jti: tokenId,
    [OWN_CLAIM]: { ...own, boundary: boundaryClaim(boundary), from: claims['jti'] ?? '' },
  };
  const input = { projectNumber: ring, alg: 'ES256', typ: 'at+jwt', claims: narrowed, news: news.value } as const;
  const signed = await ports.sign(input);
  if (!signed.ok) return signed;
  const bytes = signed.value.jwt.length;
  return bytes > MAX_MINTED_BYTES ? err({ tag: 'token_too_large', bytes }) : ok(signed.value.jwt);
}
