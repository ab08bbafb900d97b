/** Who asks for a change, and from where: one value from the door to the history. */
export interface Caller {
  /** As the history says it: `bootstrap`, `principal://…`, `user:EMAIL`; `edge-sts` is the broker itself. */
  readonly name: string;
  /** Of the request that asked, as its answer's `X-Request-Id` says it; empty where no request did. */
  readonly requestId: string;
  /** The network address that the request came from, where it is known. */
  readonly address?: string;
}

/** What the broker does by the clock, or because another part of it asks. */
export const THE_BROKER: Caller = { name: 'edge-sts', requestId: '' };
