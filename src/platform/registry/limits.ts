/**
 * How large a row or a shard may become. SQLite takes rows of 2 MB, KV values of 25 MiB, a call 32 MiB: a project that grew past
 * one of them would go on confirming changes that no longer reach the edge. So the change that would do it is refused.
 */
import type { AdminDenial } from '../../core/admin/denial.ts';

const MAX_STORED_BYTES = 1_048_576;

/** More shards than this are not named one by one: the list of them travels with every permit. */
export const MAX_NAMED_SHARDS = 8;

/** Of one object's history: whichever comes first. Looking at the whole chain must stay a matter of less than a second. */
export const HISTORY_LIMITS = { entries: 10_000, bytes: 33_554_432 };

function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** `name`: what the operator would look for, e.g. `policy target/files`. */
export function tooLarge(name: string, value: unknown): AdminDenial | undefined {
  const bytes = utf8Bytes(JSON.stringify(value));
  if (bytes <= MAX_STORED_BYTES) return undefined;
  const description = `The change would make ${name} ${bytes} bytes; at most ${MAX_STORED_BYTES} can be kept. Nothing was changed.`;
  return { tag: 'failed_precondition', description };
}

/** A row of the history. */
interface Trace {
  readonly before: string | null;
  readonly after: string | null;
}

/** Before and after of a large row do not fit into one row of the history: it gets two, as if it were taken away and put again. */
export function tracesOf(before: string | null, after: string | null): readonly Trace[] {
  if (before === null || after === null || utf8Bytes(before) + utf8Bytes(after) <= MAX_STORED_BYTES) {
    return [{ before, after }];
  }
  return [
    { before, after: null },
    { before: null, after },
  ];
}
