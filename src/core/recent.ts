/** A remembered exchange: who asked for what, when, and how it ended, so that a policy can be rehearsed. Never the token, nor its hash. */
import { utf8Length } from './base64url.ts';
import type { JsonObject } from './json.ts';
import type { Principal } from './principal.ts';
import type { Project } from './resources.ts';
import type { UsageMessage } from './usage-delivery.ts';

export interface RecentExchange {
  /** The request's; of two records with one id the later one counts. */
  readonly id: string;
  readonly timeMs: number;
  readonly outcome: 'granted' | 'refused';
  /** The denial's tag; `granted` otherwise. */
  readonly reason: string;
  readonly check?: string;
  readonly poolId: string;
  readonly providerId: string;
  readonly subject: string;
  readonly groups: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
  readonly kubernetes?: NonNullable<Principal['kubernetes']>;
  /** Of the verified token; absent where they are too large to be kept. */
  readonly claims?: JsonObject;
  /** Groups and attributes were too large to be kept: none of them are here. */
  readonly isCut?: true;
  /** Absent: for the broker itself, or for a target that does not exist. */
  readonly targetId?: string;
  readonly roles?: readonly string[];
  /** An earlier record of this id may lie with the reader already. */
  readonly again?: true;
}

/** What an isolate hands over at once. */
export interface RecentBatch {
  /** Oldest first. */
  readonly records: readonly RecentExchange[];
  /** How many it had to let go before anybody took them. */
  readonly dropped: number;
  /** What it counted; travels with the rest. */
  readonly usage?: UsageMessage;
}

/** Newest first, each exchange once. */
export interface RecentPage {
  readonly records: readonly RecentExchange[];
  /** Where the next page begins; absent at the end. */
  readonly next?: string;
  /** Exchanges that are not here although they are young enough, at least: a burst, a ring that is full, refusals beyond their principal's share, an object that was away. */
  readonly dropped: number;
}

/** DESIGN §10: a ring of so many, for so long. */
export const MAX_RECENT_EXCHANGES = 20_000;
/** Refused ones have a ring of their own: to be refused costs nothing, so it must not push out who was let in. */
export const MAX_REFUSED_EXCHANGES = MAX_RECENT_EXCHANGES / 4;
export const RECENT_RETENTION = { min: 0, max: 604_800, unset: 86_400 };

export function recentRetentionSeconds(project: Project): number {
  return project.recentExchangesRetentionSeconds ?? RECENT_RETENTION.unset;
}

const MAX_CLAIMS_BYTES = 2_048;
/** Groups, attributes and claims together: what a workload says of itself must not fill the ring by its size either. */
const MAX_SAID_BYTES = 4_096;

/** How an exchange ended, as far as it had come. */
export interface Seen extends Pick<RecentExchange, 'id' | 'timeMs' | 'outcome' | 'reason'> {
  readonly check?: string | undefined;
  readonly targetId?: string | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly again?: true | undefined;
}

/** Members are named one by one, so that nothing of a token slips in by spreading. `claimsBytes`: as the token spelt them, where that is known. */
export function recentExchange(
  { provider, subject, groups, attributes, kubernetes, claims }: Principal,
  seen: Seen,
  claimsBytes = bytesOf(claims),
): RecentExchange {
  const { id, timeMs, outcome, reason, check, targetId, roles, again } = seen;
  const isUnmapped = groups.length === 0 && Object.keys(attributes).length === 0;
  const mappedBytes = isUnmapped ? 0 : bytesOf([groups, attributes]);
  const isCut = mappedBytes > MAX_SAID_BYTES;
  const keepsClaims = claimsBytes <= MAX_CLAIMS_BYTES && mappedBytes + claimsBytes <= MAX_SAID_BYTES;
  const record: Writable<RecentExchange> = {
    id,
    timeMs,
    outcome,
    reason,
    poolId: provider.poolId,
    providerId: provider.providerId,
    subject,
    groups: isCut ? [] : groups,
    attributes: isCut ? {} : attributes,
  };
  if (check !== undefined) record.check = check;
  if (isCut) record.isCut = isCut;
  if (kubernetes !== undefined) record.kubernetes = kubernetes;
  if (keepsClaims) record.claims = claims;
  if (targetId !== undefined) record.targetId = targetId;
  if (roles !== undefined) record.roles = roles;
  if (again !== undefined) record.again = again;
  return record;
}

type Writable<T> = { -readonly [Member in keyof T]: T[Member] };

/** As policies see whoever asked then. What was not kept is as if there were none; who needs it has to look first. */
export function principalOf(record: RecentExchange, projectNumber: string): Principal {
  const { poolId, providerId, subject, groups, attributes, kubernetes, claims = {} } = record;
  return {
    provider: { projectNumber, poolId, providerId },
    subject,
    groups,
    attributes,
    ...(kubernetes === undefined ? {} : { kubernetes }),
    claims,
  };
}

/** Undefined has none. */
function bytesOf(value: unknown): number {
  return utf8Length(JSON.stringify(value));
}
