/** Who asks for a change, and from where: one value from the door to the history. */
import type { AccessBoundary } from '../access-boundary.ts';
import { type Principal, principalIdentifier } from '../principal.ts';

export interface Caller {
  /** As the history says it: `bootstrap`, `principal://…`, `user:EMAIL`; `edge-sts` is the broker itself. */
  readonly name: string;
  /** Of the request that asked, as its answer's `X-Request-Id` says it; empty where no request did. */
  readonly requestId: string;
  /** The network address that the request came from, where it is known. */
  readonly address?: string;
  readonly identity: Identity;
}

/** What the policies are asked about. Nothing of it is a right: rights are what the policies say at the moment of the question. */
export type Identity =
  /** By the clock, or because another part of the broker asks. */
  | { readonly kind: 'broker' }
  | { readonly kind: 'bootstrap' }
  | WorkloadIdentity
  | ServiceAccountIdentity
  | { readonly kind: 'user'; readonly email: string }
  /** Shows a push token, which is good for one command with a rule of its own. */
  | { readonly kind: 'pusher' };

/** Whose standing a project of its own knows. */
export type HomedIdentity = WorkloadIdentity | ServiceAccountIdentity;

export function homeOf(identity: HomedIdentity): string {
  return identity.kind === 'workload' ? identity.principal.provider.projectNumber : identity.projectNumber;
}

/** As policies call it. */
export function identityName(identity: HomedIdentity): string {
  return identity.kind === 'workload' ? principalIdentifier(identity.principal) : `serviceAccount:${identity.email}`;
}

export interface WorkloadIdentity {
  readonly kind: 'workload';
  readonly principal: Principal;
  /** False: its groups and attributes are not known, nor that it has none. */
  readonly isWhole: boolean;
  /** Absent where no token was shown: on behalf of somebody, in a rehearsal. */
  readonly token?: ShownToken;
  /** Of a downscoped token: he may nothing beyond it. */
  readonly boundary?: AccessBoundary;
}

/** A service account of some project, by a token of its own or as a link of a chain. */
export interface ServiceAccountIdentity {
  readonly kind: 'serviceAccount';
  readonly projectNumber: string;
  readonly accountId: string;
  readonly uniqueId: string;
  readonly email: string;
  /** Whom it acts for. */
  readonly actor?: Actor;
  readonly token?: ShownToken;
  /** Goes along a chain: what the first token may not, nobody may for it. */
  readonly boundary?: AccessBoundary;
}

/** RFC 8693 §4.1: who acted last, and whom he acted for. */
export interface Actor {
  readonly sub: string;
  readonly act?: Actor;
}

/** What a token of ours says of itself. Nothing in it is a right; all of it takes some away. */
export interface ShownToken {
  readonly tokenId: string;
  /** It was downscoped from this one, and dies with it. */
  readonly fromTokenId?: string;
  readonly issuedAtSeconds: number;
  readonly expiresAtSeconds: number;
  /** Absent: as its bearer. */
  readonly scopes?: readonly string[];
}

export const THE_BROKER: Caller = { name: 'edge-sts', requestId: '', identity: { kind: 'broker' } };
