/**
 * TokenReview as a second opinion: the cluster itself knows what no offline verifier can, that a pod or its ServiceAccount is gone.
 * Asked with a token of our own for the target that stands for the cluster; closed whenever it does not answer.
 */
import { acceptedAudiences } from '../../core/audiences.ts';
import { BoundedMap } from '../../core/bounded-map.ts';
import { type Denial, unverified } from '../../core/denial.ts';
import { checkFetchUrl } from '../../core/issuer-url.ts';
import { providerName } from '../../core/names.ts';
import type { EpochNews } from '../../core/news.ts';
import type { ExchangePorts, TokenReviewInput } from '../../core/ports.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { askApiServer, type Fetch } from './ask.ts';
import { API_VERSION, judgeReview, type Verdict } from './verdict.ts';

interface TokenReviewerOptions {
  readonly sign: ExchangePorts['sign'];
  /** The newest epoch, asked for before each signature: a signing key that was distrusted in an emergency must not sign here for as long as memory lasts. */
  readonly newsOf: (projectNumber: string) => Promise<Result<EpochNews, Denial>>;
  readonly nowMs: () => number;
  readonly fetch: Fetch;
  readonly publicOrigin: string;
  readonly newTokenId: () => string;
  /** Development only: an API server at `http://` on a loopback address. */
  readonly loopbackAllowed: boolean;
  readonly timeLimitMs?: number;
}

interface Remembered {
  readonly verdict: Exclude<Verdict, 'odd'>;
  readonly askedAtMs: number;
}

const PATH = '/apis/authentication.k8s.io/v1/tokenreviews';
const TIME_LIMIT_MS = 5_000;
const CREDENTIAL_SECONDS = 300;
const VERDICT_LIFE_MS = 60_000;
const MAX_VERDICTS = 5_000;
const UNAVAILABLE: Denial = { tag: 'unavailable', dependency: 'token_review' };

export function createTokenReviewer(options: TokenReviewerOptions): ExchangePorts['reviewToken'] {
  const remembered = new BoundedMap<Remembered>(MAX_VERDICTS);

  return async (input) => {
    const key = input.tokenId === undefined ? undefined : await verdictKey(input);
    const askedAtMs = options.nowMs();
    const known = key === undefined ? undefined : remembered.get(key);
    if (known !== undefined && isFresh(known, askedAtMs)) return answer(known.verdict);
    const verdict = await review(input, options);
    if (!verdict.ok) return verdict;
    if (verdict.value === 'odd') return err(UNAVAILABLE);
    if (key !== undefined) remembered.set(key, { verdict: verdict.value, askedAtMs });
    return answer(verdict.value);
  };
}

/** A clock that was set back makes a verdict old, not young. */
function isFresh({ askedAtMs }: Remembered, nowMs: number): boolean {
  return nowMs >= askedAtMs && nowMs - askedAtMs < VERDICT_LIFE_MS;
}

function answer(verdict: Remembered['verdict']): Result<void, Denial> {
  return verdict === 'confirmed' ? ok(undefined) : err(unverified('token_review'));
}

async function review(input: TokenReviewInput, options: TokenReviewerOptions): Promise<Result<Verdict, Denial>> {
  const url = reviewUrl(input, options);
  if (url === undefined) return err(UNAVAILABLE);
  const bearer = await credential(input, options);
  if (!bearer.ok) return bearer;
  // The cluster must say that the token is meant for one of the audiences that it was verified for.
  const audiences = acceptedAudiences(input.name, input.provider, input.purpose);
  const spec = { token: input.token, audiences };
  const body = JSON.stringify({ apiVersion: API_VERSION, kind: 'TokenReview', spec });
  const question = { url, bearer: bearer.value, body };
  const text = await askApiServer(options.fetch, question, options.timeLimitMs ?? TIME_LIMIT_MS);
  return ok(text === undefined ? 'odd' : judgeReview(text, { ...input, audiences }));
}

/** Looked at again at each use, a host and nothing more: what an administrator could write yesterday may be refused today. */
function reviewUrl({ provider }: TokenReviewInput, options: TokenReviewerOptions): string | undefined {
  const rules = { loopbackAllowed: options.loopbackAllowed, ownHost: new URL(options.publicOrigin).host };
  const url = checkFetchUrl(provider.tokenReview?.url ?? '', rules);
  return url.ok && url.value.pathname === '/' ? `${url.value.origin}${PATH}` : undefined;
}

/** The reviewer is the provider itself, a subject that no workload of the pool can have; only its own cluster is the audience. */
async function credential(input: TokenReviewInput, options: TokenReviewerOptions): Promise<Result<string, Denial>> {
  const { name, target } = input;
  const { projectNumber, poolId } = name;
  const news = await options.newsOf(projectNumber);
  if (!news.ok) return news;
  const iat = Math.floor(options.nowMs() / 1_000);
  const subject = providerName(name);
  const claims = {
    iss: `${options.publicOrigin}/${projectNumber}/${poolId}`,
    sub: subject,
    aud: target.uri,
    iat,
    nbf: iat,
    exp: iat + Math.min(CREDENTIAL_SECONDS, target.maxLifetimeSeconds),
    jti: options.newTokenId(),
    client_id: subject,
  };
  const { tokenSigningAlg: alg, tokenType: typ } = target;
  const signed = await options.sign({ projectNumber, alg, typ, claims, news: news.value });
  return signed.ok ? ok(signed.value.jwt) : signed;
}

/**
 * Everything that the verdict is about. The token too, and not its `jti` alone: a thief of the cluster's key would give
 * his own tokens the `jti` of one that the cluster has just confirmed.
 */
async function verdictKey(input: TokenReviewInput): Promise<string> {
  const { name, provider, target, tokenId, username, serviceAccountUid, token } = input;
  const { uid, tokenReview, allowedAudiences } = provider;
  const about = [
    [providerName(name), uid, tokenReview?.url, allowedAudiences],
    [target.uid, target.uri],
    [tokenId, username, serviceAccountUid, token],
  ];
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(about)));
  return String.fromCharCode(...new Uint8Array(digest));
}
