/**
 * What makes a history that was tampered with show. Each entry's hash is taken over the hash before it, so an entry that is missing, altered,
 * moved or put in breaks the chain; and the chain's end is sealed with a key that comes from the KEK, so that whoever can write these rows,
 * and takes the pains to hash them all anew, still cannot seal what he made (SECURITY.md T8).
 */
import { createHash, createHmac } from 'node:crypto';
import type { HistoryEntry } from '../../core/admin/history/entry.ts';

/** Raw keys: a seal is made inside a transaction, where nothing can be awaited. */
export interface HistoryKeys {
  readonly current: Uint8Array;
  readonly previous?: Uint8Array;
}

export interface Head {
  readonly sequence: number;
  readonly hash: string;
  /** The last entry that was let go of, and its hash: the chain begins after it. */
  readonly baseSequence: number;
  readonly baseHash: string;
  readonly bytes: number;
  readonly epoch: number;
  /** Up to which entry the history is not to be believed, and why; empty: all is well. */
  readonly doubt: string;
}

export const FIRST_HASH = '0'.repeat(64);

export function hashOf(entry: HistoryEntry, before: string): string {
  const { sequence, epoch, time, actor, address, requestId, command, resource } = entry;
  const body = [sequence, epoch, time, actor, address, requestId, command, resource, entry.before, entry.after];
  const text = JSON.stringify(['edge-sts/history/v1', before, ...body]);
  return createHash('sha256').update(text).digest('hex');
}

/** `subject`: whose history it is, so that no other's passes for it. */
export function sealOf(key: Uint8Array, subject: string, head: Head): string {
  const { sequence, hash, baseSequence, baseHash, bytes, epoch, doubt } = head;
  const body = [subject, sequence, hash, baseSequence, baseHash, bytes, epoch, doubt];
  const text = JSON.stringify(['edge-sts/history-head/v1', ...body]);
  return createHmac('sha256', key).update(text).digest('hex');
}

/** Not in constant time: whoever could measure it has the seal before his eyes. */
export function isSealed(keys: HistoryKeys, subject: string, head: Head, seal: string): boolean {
  const candidates = keys.previous === undefined ? [keys.current] : [keys.current, keys.previous];
  return candidates.some((key) => sealOf(key, subject, head) === seal);
}
