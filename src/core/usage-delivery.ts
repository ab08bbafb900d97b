/** How counts travel so that each counts once: numbered batches, kept by the sender until they are durable, known again by the receiver. */
import type { UsageSums } from './usage.ts';

export interface UsageBatch {
  /** Of its sender: 1, 2, 3, … */
  readonly sequence: number;
  /** By minute since the epoch of Unix time. */
  readonly minutes: readonly (readonly [number, UsageSums])[];
}

/** What one isolate says to one project's object. */
export interface UsageMessage {
  /** One isolate's life. */
  readonly sender: string;
  /** The lowest sequence it still holds or will give: nothing below will come (again). */
  readonly oldest: number;
  /** Exchanges it had to let go in its life, and nobody counted. */
  readonly lost: number;
  /** Exchanges under way or counted that no batch has: should it die now, nobody would count them. */
  readonly open: number;
  readonly batches: readonly UsageBatch[];
}

/** What an object has of a sender. */
export interface Received {
  /** All up to here. */
  readonly upTo: number;
  /** And these: batches overtake each other. */
  readonly beyond: readonly number[];
}

export interface UsageAck {
  /** Also over a restart of the object. */
  readonly durable: Received;
  /** As yet. */
  readonly received: Received;
}

export const NOTHING_RECEIVED: Received = { upTo: 0, beyond: [] };

/** Is it here already? */
export function has({ upTo, beyond }: Received, sequence: number): boolean {
  return sequence <= upTo || beyond.includes(sequence);
}

export function receive({ upTo, beyond }: Received, sequence: number): Received {
  return settle(upTo, beyond.includes(sequence) ? beyond : [...beyond, sequence]);
}

/** What is below `oldest` and did not come will not come. */
export function skipTo({ upTo, beyond }: Received, oldest: number): Received {
  return settle(Math.max(upTo, oldest - 1), beyond);
}

function settle(from: number, beyond: readonly number[]): Received {
  let upTo = from;
  while (beyond.includes(upTo + 1)) upTo += 1;
  return { upTo, beyond: beyond.filter((sequence) => sequence > upTo) };
}
