/**
 * Headers that arrive otherwise than they were sent: the platform, or any proxy by HTTP's own rules, sets, drops or changes them. A signature
 * over one can never hold, and its signer shall hear which one rather than guess.
 */
const REWRITTEN = new Set([
  'accept-encoding',
  'cdn-loop',
  'connection',
  'expect',
  'forwarded',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'true-client-ip',
  'upgrade',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
]);

/** The first signed header that a Worker does not see as it was signed. */
export function rewrittenHeader(signedHeaders: readonly string[]): string | undefined {
  return signedHeaders.find((name) => REWRITTEN.has(name) || name.startsWith('cf-'));
}
