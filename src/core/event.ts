/** One event an exchange, and one a push, whatever happened: what the operator reads. Whoever writes it down hashes the subject token first. */
import type { DryRun } from './dry-run.ts';

export interface ExchangeEvent {
  readonly timeMs: number;
  readonly requestId: string;
  readonly outcome: 'granted' | 'refused';
  /** The denial's tag; `granted` otherwise. */
  readonly reason: string;
  /** The rule that failed, or what the policy said. */
  readonly check?: string | undefined;
  readonly project?: string | undefined;
  readonly pool?: string | undefined;
  readonly provider?: string | undefined;
  readonly principal?: string | undefined;
  readonly target?: string | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly binding?: string | undefined;
  readonly tokenId?: string | undefined;
  /** As it came. Never written anywhere: `platform/audit` makes a SHA-256 of it. */
  readonly rawSubjectToken?: string | undefined;
  readonly admittedAtMs?: number | undefined;
  readonly expiresInSeconds?: number | undefined;
  /** What the conditions on trial said; they decided nothing. */
  readonly dryRuns?: readonly DryRun[] | undefined;
  readonly durationsMs: Readonly<Record<string, number | undefined>>;
}

/** What became of one request to `:pushKeys`. Of the pushed set it holds names alone, and those only once it was taken. */
export interface PushEvent {
  readonly timeMs: number;
  readonly requestId: string;
  readonly outcome: 'granted' | 'refused';
  readonly reason: string;
  readonly check?: string;
  readonly project?: string;
  readonly pool?: string;
  readonly provider?: string;
  readonly principal?: string;
  /** The `kid`s that verify from now on, or after `newKeyHold`. */
  readonly kids?: readonly string[];
  readonly thumbprints?: readonly string[];
  /** As it came. Never written anywhere. */
  readonly rawSubjectToken?: string;
  readonly durationsMs: Readonly<Record<string, number>>;
}
