/** What the history keeps of a change, how it is asked for, and what is answered. */

export interface HistoryEntry {
  /** Running, from 1; a change of several rows has several entries, which share its epoch. */
  readonly sequence: number;
  readonly epoch: number;
  readonly time: string;
  readonly actor: string;
  /** Where the request came from; empty where that is not known, and for what the broker does by itself. */
  readonly address: string;
  readonly requestId: string;
  readonly command: string;
  /** As `resource-key.ts` spells it; empty where no row changed. */
  readonly resource: string;
  /** JSON of the row; null: there was none, or will be none. */
  readonly before: string | null;
  readonly after: string | null;
}

export type HistoryHead = Omit<HistoryEntry, 'before' | 'after'>;

/** Something that the chain of hashes does not bear out. */
export interface HistoryFault {
  /** Absent: the whole is in doubt. */
  readonly sequence?: number;
  readonly description: string;
}

export type HistoryQuery =
  /** Newest first. `before`: the sequence that the page before ended with. */
  | { readonly type: 'list'; readonly pageSize: number; readonly before?: number; readonly resource?: string }
  | { readonly type: 'show'; readonly sequence: number }
  /** The states after two changes; `to` absent: now. */
  | {
      readonly type: 'compare';
      readonly from: number;
      readonly to?: number;
      readonly pageSize: number;
      readonly skip: number;
    };

export interface Difference {
  readonly resource: string;
  readonly before: string | null;
  readonly after: string | null;
}

export type HistoryAnswer = { readonly faults: readonly HistoryFault[] } & (
  | { readonly kind: 'entries'; readonly entries: readonly HistoryHead[]; readonly next?: number }
  | { readonly kind: 'entry'; readonly entry: HistoryEntry }
  | { readonly kind: 'differences'; readonly differences: readonly Difference[]; readonly next?: number }
);
