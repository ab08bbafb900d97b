/** A token of ours that comes back: signed by the ring of its issuer and not expired. Everything else about it is for who asks to look at. */
import type { HomedIdentity } from './admin/caller.ts';
import type { Denial } from './denial.ts';
import type { JsonObject } from './json.ts';
import { holderIn } from './broker-claims.ts';
import type { Result } from './result.ts';
import { projectOfRing } from './rings.ts';
import { accountIn } from './service-account-claims.ts';

export interface OwnToken {
  /** As `rings.ts` names it. */
  readonly ring: string;
  readonly typ: string;
  readonly claims: JsonObject;
  /** Whose it is, whatever it is for; an ID token is nobody's. */
  readonly holder: HomedIdentity;
}

/** Undefined: it is none of ours, or its time is over. */
export type VerifyOwnToken = (token: string) => Promise<Result<OwnToken | undefined, Denial>>;

/** Good as a credential at our own endpoints. A target may have our own address: its tokens carry roles, and are for whoever reads roles. */
export function isForBroker({ typ, claims }: OwnToken, publicOrigin: string): boolean {
  return typ === 'at+jwt' && claims['aud'] === publicOrigin && claims['roles'] === undefined;
}

/** `ring`: the one whose key it was verified with. */
export function holderOf(claims: JsonObject, ring: string, publicOrigin: string): HomedIdentity | undefined {
  return ring === projectOfRing(ring) ? holderIn(claims, publicOrigin) : accountIn(claims, publicOrigin);
}
