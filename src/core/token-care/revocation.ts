/** What is revoked: one token by its id, or all of a principal's from before a moment. Kept until the last of them would be dead by itself. */
export type Revocation =
  | {
      readonly kind: 'token';
      readonly tokenId: string;
      readonly expiresAtSeconds: number;
      /** Its holder ends it, by no right but that it is his. */
      readonly isByHolder?: true;
    }
  /** `principal` as policies call it. Tokens issued in this second or later stay good. */
  | { readonly kind: 'principal'; readonly principal: string; readonly beforeSeconds: number };

/** No token of ours lives longer, and clocks may differ by a little. */
const LONGEST_TOKEN_SECONDS = 43_200 + 60;

export function keptUntilSeconds(revocation: Revocation): number {
  return revocation.kind === 'token'
    ? revocation.expiresAtSeconds + 60
    : revocation.beforeSeconds + LONGEST_TOKEN_SECONDS;
}
