/** A token taken apart for looking at. What stands in it is a claim, not a fact, until somebody has verified it. */
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { Resource } from '../client/administration.ts';
import { usageFault } from './fault.ts';

export interface Decoded {
  readonly header: Resource;
  readonly claims: Resource;
}

/** Nothing of the token is quoted in a fault. */
export function decodeToken(token: string, source: string): Decoded {
  try {
    return { header: { ...decodeProtectedHeader(token) }, claims: { ...decodeJwt(token) } };
  } catch {
    throw usageFault(`${source} is no JWT: three parts of base64url, joined by dots, are expected.`);
  }
}

/** The audiences, whichever way they are written. */
export function audiencesOf({ aud }: Resource): readonly string[] {
  if (typeof aud === 'string') return [aud];
  return Array.isArray(aud) ? aud.filter((one) => typeof one === 'string') : [];
}
