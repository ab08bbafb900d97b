/** What a command comes to: the answer for its caller, the rows to write, and the shards whose content differs from now on. */
import type { ProviderName } from '../names.ts';
import type { Provider } from '../resources.ts';
import type { Answer } from './commands.ts';
import type { Write } from './state.ts';

export interface Applied {
  readonly answer: Answer;
  readonly writes: readonly Write[];
  /** Keys of `shardKey`; they stand in the epoch news. */
  readonly shards: readonly string[];
  /** For whoever watches, once the rows are written. */
  readonly alert?: IssuerKeysChanged;
  /** The same, of a change that is several. */
  readonly alerts?: readonly IssuerKeysChanged[];
}

/** Whose signatures a provider takes has changed: what a thief of a push token would do first. */
export interface IssuerKeysChanged {
  readonly provider: ProviderName;
  readonly source: Provider['keySource'];
  readonly addedThumbprints: readonly string[];
  readonly removedThumbprints: readonly string[];
}
