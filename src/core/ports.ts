/** What the core needs from the world. Cloudflare fills these in `worker.ts`; the tests fill some with lagging or failing ones. */
import type { Purpose } from './audiences.ts';
import type { AwsIdentity } from './aws/authenticate.ts';
import type { AwsRequest } from './aws/request.ts';
import type { Denial } from './denial.ts';
import type { ExchangeEvent, PushEvent } from './event.ts';
import type { ProviderName } from './names.ts';
import type { EpochNews } from './news.ts';
import type { PolicyCompiler } from './policy/cache.ts';
import type { RecentExchange } from './recent.ts';
import type { Provider, PublicJwk, Shards, SigningAlgorithm, Target } from './resources.ts';
import type { Result } from './result.ts';
import type { Soon } from './soon.ts';
import type { VerifySignature } from './verify.ts';

/**
 * One request's view of a project's configuration. A shard read twice is the same value twice; a value that has not changed is the same
 * object as ever. The reads reject with `ConfigUnavailable`, and with nothing else, where the edge copy will not do and the authority is away.
 */
export interface ConfigView {
  project(): Soon<Shards['project'] | undefined>;
  pool(poolId: string): Soon<Shards['pool'] | undefined>;
  provider(poolId: string, providerId: string): Soon<Shards['provider'] | undefined>;
  target(targetId: string): Soon<Shards['target'] | undefined>;
  /** By account id or unique id, or by `role:` and the name of its AWS role. */
  serviceAccount(id: string): Soon<Shards['serviceAccount'] | undefined>;
  aws(): Soon<Shards['aws'] | undefined>;
  /** Is everything that this view handed out still right, given this news? If not, a new view reads it again. */
  currentAt(news: EpochNews): boolean;
}

/** Neither the edge copy nor the authority could be read: closed, never open. */
export class ConfigUnavailable extends Error {
  override readonly name = 'ConfigUnavailable';
}

export interface Permit {
  readonly news: EpochNews;
  /** By this isolate's clock; the permit must be spent before. */
  readonly usableUntilMs: number;
}

/** Why no permit came; over quota still carries the news, for whoever is shut out is to hear that rather than to wait. */
export interface NoPermit {
  readonly denial: Denial;
  readonly news?: EpochNews;
}

/**
 * The epoch before a refusal; undefined where asking is not worth it: asked too often already, or no such project. An error where nobody
 * answers: then it is not known whether the refusal is right. `verified`: the caller has shown a token that holds. `reader`: he reads a
 * pool's public documents and is about to get them.
 */
export type AskNews = (
  projectNumber: string,
  who: 'verified' | 'stranger' | 'reader',
  /** Who it is, where that is known by then. */
  principal?: string,
) => Promise<Result<EpochNews | undefined, Denial>>;

export interface OnceMarker {
  /** The provider's resource name and the token's `jti`. */
  readonly key: string;
  /** When the token has expired by itself and the marker may go. */
  readonly untilSeconds: number;
}

/** What makes an exchange ask for itself: a limit that is not the project's, or a token that is taken once. */
export interface SpendAlone {
  /** Every limit beside the project's that it may count in; which of them there are the quota object knows. */
  readonly limits: readonly string[];
  /** The marker is written in the same transaction as the unit. */
  readonly once?: OnceMarker;
}

export interface TokenReviewInput {
  readonly name: ProviderName;
  readonly provider: Provider;
  /** The target of `provider.tokenReview`. */
  readonly target: Target;
  readonly token: string;
  readonly tokenId: string | undefined;
  /** `system:serviceaccount:NAMESPACE:NAME`: what the reviewer must say, too. */
  readonly username: string;
  readonly serviceAccountUid: string;
  /** What the token is shown for: its audience differs. */
  readonly purpose: Purpose;
}

/** What `sign` is told of the key, whatever is signed. */
export interface SignWith {
  /** As `rings.ts` names it. */
  readonly ring: string;
  readonly alg: SigningAlgorithm;
  readonly news: EpochNews;
}

export interface SignInput {
  /** As `rings.ts` names the ring; that of exchanges is called as its project. */
  readonly projectNumber: string;
  readonly alg: SigningAlgorithm;
  readonly typ: 'at+jwt' | 'JWT';
  readonly claims: Readonly<Record<string, unknown>>;
  readonly news: EpochNews;
}

export interface ExchangePorts {
  readonly publicOrigin: string;
  readonly compiler: PolicyCompiler;
  nowMs(): number;
  newTokenId(): string;
  openConfig(projectNumber: string): ConfigView;
  readonly newsBeforeRefusal: AskNews;
  /** The keys that a provider with discovery is known to have now; a `kid` that is not among them is asked for, within its cool-down. */
  discoveredKeys(name: ProviderName, provider: Provider, kid: string): Promise<Result<readonly PublicJwk[], Denial>>;
  readonly verifySignature: VerifySignature;
  /** The cluster's own word on the token: ok, or why not. Closed on failure. */
  reviewToken(input: TokenReviewInput): Promise<Result<void, Denial>>;
  /** Whom AWS says that a signed question is from. */
  askAws(request: AwsRequest): Promise<Result<AwsIdentity, Denial>>;
  /** `alone`: a permit for this one exchange; without it any permit that the isolate holds will do. `requestId`: for lines that others write about it. */
  spend(projectNumber: string, alone: SpendAlone | undefined, requestId: string): Soon<Result<Permit, NoPermit>>;
  sign(input: SignInput): Promise<Result<{ readonly jwt: string }, Denial>>;
  readonly failures: FailureLimiter;
  /** Over when it is written down: no token leaves before its event. */
  record(event: ExchangeEvent): Soon<void>;
  /**
   * For rehearsals. Costs no call and never fails: what finds no room is let go, and not even made. Again with the same id: the later one
   * counts, so it is never let go for the one before.
   */
  remember(projectNumber: string, ending: RecentExchange['outcome'] | 'again', make: () => RecentExchange): void;
  recordPush(event: PushEvent): void;
}

/** Slows strangers down by address, and by address and provider: never by provider alone, which would be an off-switch for strangers. */
export interface FailureLimiter {
  /** Seconds for which this address's failures are answered with `slow_down`, or undefined. A token that holds is never refused by it. */
  blockedForSeconds(address: string, provider: ProviderName): number | undefined;
  /** One verification failed. */
  recordFailure(address: string, provider: ProviderName): Promise<void>;
}
