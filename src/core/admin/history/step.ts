/** One step on the way back to an earlier state, and what is not taken back. */
import type { Command } from '../commands.ts';

export interface RowThen {
  readonly resource: string;
  /** JSON of the row as it was; null: there was none. */
  readonly body: string | null;
}

export type RestoreAction = 'CREATED' | 'CHANGED' | 'DELETED' | 'UNDELETED';

export interface Step {
  readonly resource: string;
  readonly action: RestoreAction;
  readonly command: Command;
}

export type RestoredStep = Pick<Step, 'resource' | 'action'>;

export interface Left {
  readonly resource: string;
  readonly reason: string;
}

/** What one row comes to. */
export interface Part {
  readonly steps?: readonly Omit<Step, 'resource'>[];
  readonly left?: string;
}

export const PURGED = 'it was deleted for good: its keys and its principals do not come back';

export function uidOf({ uid }: { readonly uid: string }): string {
  return uid;
}
