/** Every reason to refuse a service account's credentials: those of administration, for the rights are the same, and those of minting. */
import type { AdminDenial } from '../admin/denial.ts';
import type { Denial } from '../denial.ts';

export type CredentialDenial =
  | AdminDenial
  /** Of the token that was shown: whatever its bearer may, it may not. */
  | { readonly tag: 'insufficient_scope'; readonly method: string }
  | {
      readonly tag: 'credentials_over_quota';
      readonly projectNumber: string;
      readonly limitPerMinute: number;
      readonly retryAfterSeconds: number;
    }
  | { readonly tag: 'token_too_large'; readonly bytes: number }
  | Extract<Denial, { tag: 'internal' }>;
