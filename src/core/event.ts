/** One event an exchange, whatever happened: what the operator reads. Whoever writes it down hashes the subject token first. */
import type { DryRun } from './dry-run.ts';

export interface ExchangeEvent {
  readonly timeMs: number;
  readonly requestId: string;
  readonly outcome: 'granted' | 'refused';
  /** The denial's tag; `granted` otherwise. */
  readonly reason: string;
  /** The rule that failed, or what the policy said. */
  readonly check?: string;
  readonly project?: string;
  readonly pool?: string;
  readonly provider?: string;
  readonly principal?: string;
  readonly target?: string;
  readonly roles?: readonly string[];
  readonly binding?: string;
  readonly tokenId?: string;
  /** As it came. Never written anywhere: `platform/audit` makes a SHA-256 of it. */
  readonly rawSubjectToken?: string;
  readonly admittedAtMs?: number;
  readonly expiresInSeconds?: number;
  /** What the conditions on trial said; they decided nothing. */
  readonly dryRuns?: readonly DryRun[];
  readonly durationsMs: Readonly<Record<string, number>>;
}
