/** What the core needs from the world. Cloudflare fills these in `worker.ts`; the tests fill some with lagging or failing ones. */
import type { Denial } from './denial.ts';
import type { ExchangeEvent } from './event.ts';
import type { ProviderName } from './names.ts';
import type { EpochNews } from './news.ts';
import type { PolicyCompiler } from './policy/cache.ts';
import type { Shards, SigningAlgorithm } from './resources.ts';
import type { Result } from './result.ts';
import type { VerifySignature } from './verify.ts';

/**
 * One request's view of a project's configuration. A shard read twice is the same value twice; a value that has not changed is the same
 * object as ever. The reads reject with `ConfigUnavailable`, and with nothing else, where the edge copy will not do and the authority is away.
 */
export interface ConfigView {
  project(): Promise<Shards['project'] | undefined>;
  pool(poolId: string): Promise<Shards['pool'] | undefined>;
  provider(poolId: string, providerId: string): Promise<Shards['provider'] | undefined>;
  target(targetId: string): Promise<Shards['target'] | undefined>;
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

export interface SignInput {
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
  /** The epoch before a refusal; undefined where asking is not worth it: asked too often already, or nobody answered. */
  newsBeforeRefusal(projectNumber: string): Promise<EpochNews | undefined>;
  readonly verifySignature: VerifySignature;
  spend(projectNumber: string): Promise<Result<Permit, Denial>>;
  sign(input: SignInput): Promise<Result<{ readonly jwt: string }, Denial>>;
  readonly failures: FailureLimiter;
  record(event: ExchangeEvent): void;
}

/** Slows strangers down by address, and by address and provider: never by provider alone, which would be an off-switch for strangers. */
export interface FailureLimiter {
  /** Seconds this address still has to wait, or undefined. Asked before any work. */
  blockedForSeconds(address: string, provider: ProviderName): number | undefined;
  /** One verification failed. */
  recordFailure(address: string, provider: ProviderName): Promise<void>;
}
