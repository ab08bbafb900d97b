/** When an issuer is asked: often enough to follow its rotation, never so often that anybody could make us a burden to it. */

/** From the end of one attempt to the begin of the next, whoever asks: any 30 s see at most one discovery and one JWKS request. */
export const COOL_DOWN_MS = 30_000;

const MIN_MAX_AGE_SECONDS = 300;
const MAX_MAX_AGE_SECONDS = 3_600;
/** Of an issuer that says nothing. */
const UNSAID_MAX_AGE_SECONDS = 600;
/** Ahead of expiry, so that one failure is no gap, and not all providers of one issuer at once. */
const REFRESH_FRACTION = 0.8;
const JITTER_FRACTION = 0.1;
const LONGEST_RETRY_MS = 15 * 60_000;

/** How long the JWKS answer may be used, as its Cache-Control says, within our bounds: `no-store` is no reason to ask each second. */
export function maxAgeSeconds(cacheControl: string): number {
  const directives = cacheControl
    .toLowerCase()
    .split(',')
    .map((directive) => directive.trim());
  if (directives.some((directive) => directive === 'no-store' || directive === 'no-cache')) return MIN_MAX_AGE_SECONDS;
  const [said] = directives.flatMap((directive) => MAX_AGE.exec(directive)?.[1] ?? []);
  if (said === undefined) return UNSAID_MAX_AGE_SECONDS;
  return Math.min(MAX_MAX_AGE_SECONDS, Math.max(MIN_MAX_AGE_SECONDS, Number(said)));
}

const MAX_AGE = /^max-age="?([0-9]{1,12})"?$/;

/** `random` lies in [0, 1). */
export function refreshAtMs(fetchedAtMs: number, lifeSeconds: number, random: number): number {
  const jitter = 1 + JITTER_FRACTION * (2 * random - 1);
  return Math.round(fetchedAtMs + lifeSeconds * 1_000 * REFRESH_FRACTION * jitter);
}

/** After so many failures in a row: 30 s, 1 min … 15 min, and for ever. */
export function retryAtMs(failedAtMs: number, failures: number, random: number): number {
  const waitMs = Math.min(LONGEST_RETRY_MS, COOL_DOWN_MS * 2 ** Math.min(20, failures - 1));
  return Math.round(failedAtMs + waitMs * (1 + JITTER_FRACTION * random));
}

/** Within its own max-age a set is not stale at all; so `maxStale` 0 means fresh keys or none, not none at all. */
export function staleAfterMs(fetchedAtMs: number, lifeSeconds: number, maxStaleSeconds: number): number {
  return fetchedAtMs + Math.max(lifeSeconds, maxStaleSeconds) * 1_000;
}
