/** What a command comes to: the answer for its caller, the rows to write, and the shards whose content differs from now on. */
import type { Answer } from './commands.ts';
import type { Write } from './state.ts';

export interface Applied {
  readonly answer: Answer;
  readonly writes: readonly Write[];
  /** Keys of `shardKey`; they stand in the epoch news. */
  readonly shards: readonly string[];
}
