/** One event a request for a service account's credentials, whatever happened. What was signed is not in it. */
export interface CredentialEvent {
  readonly timeMs: number;
  readonly requestId: string;
  readonly outcome: 'granted' | 'refused';
  /** The denial's tag; `granted` otherwise. */
  readonly reason: string;
  /** The right that was missing. */
  readonly check?: string;
  readonly method: string;
  readonly project?: string;
  /** As the caller is called in policies. */
  readonly principal?: string;
  /** The address, once it is known that there is such an account; before, nothing that a stranger made up. */
  readonly account?: string;
  /** On the way to it, in order. */
  readonly delegates?: readonly string[];
  readonly tokenId?: string;
  readonly keyId?: string;
  readonly admittedAtMs?: number;
  readonly expiresInSeconds?: number;
  readonly durationsMs: Readonly<Record<string, number>>;
}
