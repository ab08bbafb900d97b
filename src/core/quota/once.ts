/** A token that is taken once, as arithmetic: whose use of it an asking is, and how much of its permit is left. */

/** What an asker says of a token that is taken once. */
export interface SpendOnce {
  /** SHA-256 in hex of the marker's key: neither a `jti` nor a provider's name is kept. */
  readonly keyHash: string;
  /** From here on the token is dead by itself, for every clock: its marker may go. */
  readonly untilMs: number;
  /** Made anew for each use, and the same when the asker repeats himself because an answer was lost. No client ever sees it. */
  readonly nonce: string;
}

/** The trace of a use that was admitted. */
export interface OnceMark {
  readonly nonce: string;
  readonly untilMs: number;
  /** Object time at which this use's permit ends. */
  readonly expiresMs: number;
}

type OnceVerdict =
  | { readonly tag: 'first' }
  | { readonly tag: 'replayed' }
  /** The asker's own first asking was granted: his unit is counted, and this much of its life is left. */
  | { readonly tag: 'granted_before'; readonly expiresAfterMs: number }
  /** As above, but too little is left to mint anything with: he needs a unit anew, and that is no second use of the token. */
  | { readonly tag: 'outlived' };

/** The permit of a token that is taken once is for the exchange that asks, so it need not live longer. */
export const ONCE_LIFE_MS = 2_000;
/** Of a permit that is handed out again, at least so much must be left, of which the last `LEASE_MARGIN_MS` are not used. */
const LEAST_LIFE_MS = 1_000;

/** `timeMs` is object time, which never goes back while an instance lives. */
export function judgeOnce(mark: OnceMark | undefined, nonce: string, timeMs: number): OnceVerdict {
  if (mark === undefined || mark.untilMs <= timeMs) return { tag: 'first' };
  if (mark.nonce !== nonce) return { tag: 'replayed' };
  // To the end of the permit that was granted then, and not a permit's life from now: used later it would stand in a window that does not count it.
  const expiresAfterMs = Math.min(ONCE_LIFE_MS, mark.expiresMs - timeMs);
  return expiresAfterMs < LEAST_LIFE_MS ? { tag: 'outlived' } : { tag: 'granted_before', expiresAfterMs };
}
