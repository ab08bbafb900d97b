/** What a wish came to, by resource: only what is another one afterwards, or another's. */
import { readResourceKey } from '../history/resource-key.ts';
import type { ConfigState } from '../state.ts';
import type { ConfiguredAction, ConfiguredStep } from './change.ts';
import { documentNow } from './documents.ts';

interface Before {
  readonly document: string | undefined;
  readonly owner: string | undefined;
  readonly wasDeleted: boolean;
}

/** Of all documents together; beyond it the steps are told without them. */
const MAX_SHOWN_CHARACTERS = 4_194_304;

/** `state` is as it is after all of it. */
export function stepsOf(
  state: ConfigState,
  touched: ReadonlyMap<string, Before>,
  showsDocuments: boolean,
): readonly ConfiguredStep[] {
  const steps: ConfiguredStep[] = [];
  let room = showsDocuments ? MAX_SHOWN_CHARACTERS : 0;
  for (const [resource, before] of touched) {
    const named = readResourceKey(resource);
    const after = named === undefined ? undefined : documentNow(state, named);
    const action = actionOf(before, after, state.ownerOf(resource));
    if (action === undefined) continue;
    room -= (before.document?.length ?? 0) + (after?.length ?? 0);
    const documents =
      room < 0
        ? {}
        : {
            ...(before.document === undefined ? {} : { before: before.document }),
            ...(after === undefined ? {} : { after }),
          };
    steps.push({ resource, action, ...documents });
  }
  return steps;
}

function actionOf(before: Before, after: string | undefined, owner: string | undefined): ConfiguredAction | undefined {
  if (before.document !== after) {
    if (after === undefined) return 'DELETED';
    if (before.document !== undefined) return 'CHANGED';
    return before.wasDeleted ? 'UNDELETED' : 'CREATED';
  }
  if (before.owner === owner) return undefined;
  // Of what is not there any more: it was deleted by hand, and its owner has let go of it since.
  return owner === undefined ? 'RELEASED' : 'ADOPTED';
}
