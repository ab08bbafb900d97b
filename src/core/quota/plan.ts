/**
 * How a limit is shared out at a given moment: whose part is how large, how long leases live, how often each asker may come. The promise does
 * not rest on any of it, only how much of the limit is used and how often the object is asked (`npm run bench:quota`).
 */
import {
  BUCKET_MS,
  COUNTED_AFTER_EXPIRY_MS,
  LEASE_MARGIN_MS,
  LONGEST_LEASE_MS,
  LONGEST_SERVICE_MS,
} from './numbers.ts';

export interface Load {
  readonly limit: number;
  readonly issued: number;
  /** How much is wanted, and by how many. */
  readonly seenPerSecond: number;
  readonly askers: number;
  /** Somebody was refused in the last minute, for want of room. */
  readonly isEven: boolean;
}

export interface Plan {
  /** What each asker may be given of the rate that it wants: 1 where there is enough for all. */
  readonly share: number;
  readonly isScarce: boolean;
  /** How long each asker stays away, so that all together do not ask too often; 0 where they do not anyway. */
  readonly paceMs: number;
  /** Over what time they come back who were sent away for long, and would all come at once. */
  readonly spreadMs: number;
  /** What each asker is given in that time, on average. */
  readonly permitsAPace: number;
  /** A lease is made for `leaseMs` and more; with less than `shortestMs` to live, none is made. */
  readonly leaseMs: number;
  readonly shortestMs: number;
  /** For how long leases are cut from one row. */
  readonly serviceMs: number;
  /** Permits that will be handed out a second. */
  readonly handedPerSecond: number;
  /** As fast as room is handed out while it is handed out evenly. */
  readonly evenPerSecond: number;
}

/** The answer's journey takes some of a lease, its margin takes half a second, and a waiting request must be served by what is left. */
const SHORTEST_LEASE_MS = 1_000;
const LONGEST_JOURNEY_MS = 250;
/** Between two uses of the same room lies as much: what a limit yields a second is the limit by this. */
export const SHORTEST_COUNT_MS = COUNTED_AFTER_EXPIRY_MS + SHORTEST_LEASE_MS;
/** As full as the ledger is planned to be: chance crowds above it. */
const PLANNED_FILL = 0.93;
/** Room that nobody uses yet is shared out as if it had to last so long: a burst finds nearly all of it, and who comes after it something. */
const ROOM_LASTS_MS = 1_500;
/** For a minute after somebody was refused for want of room, room is handed out evenly, hardly faster than it returns (`Evenly`). */
const EVEN_HASTE = 1.03;
/** So many askings a second, and no more, from all askers together: under the 300 that are promised by what chance adds. */
const ASKS_PER_SECOND = 270;
/** A paced lease is to last until the next one: where there is enough for all that must be rare to fail, else what it holds is used up before. */
const LASTS_LONGER = 1.6;
const LASTS_LONGER_WHERE_SCARCE = 1.1;
/** Rows are reserved for so many permits, where time and room allow. */
const ROW_PERMITS = 40;
/** Even where all are served from one row, it need not serve for less. */
const SHORTEST_SERVICE_MS = 500;

export function planFor({ limit, issued, seenPerSecond, askers, isEven }: Load): Plan {
  const yieldPerSecond = (limit * 1_000) / SHORTEST_COUNT_MS;
  const evenPerSecond = yieldPerSecond * EVEN_HASTE;
  const roomPerSecond = Math.max(yieldPerSecond, ((limit - issued) * 1_000) / ROOM_LASTS_MS);
  const share = Math.min(1, (isEven ? evenPerSecond : roomPerSecond) / seenPerSecond);
  const isScarce = isEven || share < 1;
  const handedPerSecond = share * seenPerSecond;
  // Each asks when its pace is over and it has something to ask for: together, `ASKS_PER_SECOND` times.
  const paceMs = 1_000 * askers * Math.max(0, 1 / ASKS_PER_SECOND - 1 / seenPerSecond);
  const spreadMs = (1_000 * askers) / ASKS_PER_SECOND;
  const permitsAPace = (handedPerSecond * paceMs) / 1_000 / Math.max(1, askers);
  // Several permits must live as long as they are to last; a single one is used at once.
  const lastingMs = paceMs * (isScarce ? LASTS_LONGER_WHERE_SCARCE * share : LASTS_LONGER);
  const neededMs = permitsAPace > 1 ? lastingMs + LONGEST_JOURNEY_MS + LEASE_MARGIN_MS : 0;
  const shortestMs = clamp(neededMs, SHORTEST_LEASE_MS, LONGEST_LEASE_MS);
  // A permit counts for its lease's life beside the 61 s; at load ρ there is room for 60·(1/ρ − 1) s of it, less what is kept for chance.
  const spareMs = (PLANNED_FILL * limit * 1_000) / seenPerSecond - COUNTED_AFTER_EXPIRY_MS;
  const longestServiceMs = clamp(spareMs - LONGEST_LEASE_MS, SHORTEST_SERVICE_MS, LONGEST_SERVICE_MS);
  const serviceMs = Math.min((ROW_PERMITS * 1_000) / Math.max(handedPerSecond, 1), longestServiceMs);
  const leaseMs = clamp(spareMs - serviceMs, shortestMs, LONGEST_LEASE_MS);
  return {
    share,
    isScarce,
    paceMs,
    spreadMs,
    permitsAPace,
    leaseMs,
    shortestMs,
    serviceMs,
    handedPerSecond,
    evenPerSecond,
  };
}

/** How much more than its share of its pace a paced lease holds: chance, and its next question's way, make the pace longer. */
const PACE_SPARE = 1.5;
const PACE_SPARE_WHERE_SCARCE = 1.05;
/** A lease is to be used up before it ends, for what is left over is of no use to anybody; and not by all at the same time. */
const USED_UP_AFTER = 0.85;
/** In standard deviations of what chance makes of a rate: so much less than the mean, and where leases may last longest so much more. */
const CAUTION = 0.7;

/** What an asker needs that exchanges so often, of a lease of this life, before it may ask again. */
export function neededPermits(
  plan: Plan,
  ratePerSecond: number,
  lifeMs: number,
  awayMs: number,
  chance: number,
): number {
  const usableMs = Math.max(BUCKET_MS, lifeMs - LEASE_MARGIN_MS - LONGEST_JOURNEY_MS);
  const perMs = (ratePerSecond * plan.share) / 1_000;
  const likely = perMs * usableMs * (USED_UP_AFTER + (1 - USED_UP_AFTER) * chance);
  const chanceOf = CAUTION * Math.sqrt(likely);
  // Where there is room for the longest lease a permit that is left over costs nobody anything, and a question saved is worth more.
  const used = plan.leaseMs < LONGEST_LEASE_MS ? likely - chanceOf : likely + chanceOf;
  const spare = plan.isScarce ? PACE_SPARE_WHERE_SCARCE : PACE_SPARE;
  const forItsPace = plan.permitsAPace > 1 ? spare * perMs * (awayMs + LONGEST_JOURNEY_MS) : 0;
  // Where there is room and too many ask for each exchange anew, a second permit keeps some of them away.
  const least = ratePerSecond > 0 && plan.paceMs > 0 && !plan.isScarce ? 2 : 1;
  return Math.max(least, Math.floor(Math.max(used, forItsPace)));
}

export function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
