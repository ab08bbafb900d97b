/** Who asks for a change, and from where: one value from the door to the history. */
import type { Principal } from '../principal.ts';

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
  | { readonly kind: 'user'; readonly email: string }
  /** Shows a push token, which is good for one command with a rule of its own. */
  | { readonly kind: 'pusher' };

export interface WorkloadIdentity {
  readonly kind: 'workload';
  readonly principal: Principal;
  /** False: its groups and attributes are not known, nor that it has none. */
  readonly isWhole: boolean;
}

export const THE_BROKER: Caller = { name: 'edge-sts', requestId: '', identity: { kind: 'broker' } };
