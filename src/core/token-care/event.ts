/** One event for each thing done with a token that was minted before. The token itself is not in it. */
export interface TokenEvent {
  readonly timeMs: number;
  readonly requestId: string;
  readonly outcome: 'granted' | 'refused';
  /** The denial's tag; `granted` otherwise. */
  readonly reason: string;
  readonly method: 'downscope' | 'introspect' | 'revoke';
  /** Who asked, as policies call him; for downscoping the token's bearer. */
  readonly principal?: string;
  readonly project?: string;
  /** Of the token that was made, looked at or revoked. */
  readonly tokenId?: string;
  /** Whose tokens were revoked, and those from before when. */
  readonly revokedPrincipal?: string;
  readonly revokedBefore?: string;
  readonly expiresInSeconds?: number;
}
