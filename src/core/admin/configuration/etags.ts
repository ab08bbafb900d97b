/** Etags over documents: of one resource, and of all that a wish is about. */
import { etagOf, revisionOfContent } from '../etag.ts';
import { readResourceKey } from '../history/resource-key.ts';
import type { ConfigState } from '../state.ts';
import { documentNow } from './documents.ts';

/** What is not there has the etag of a policy that was never set. */
export function documentEtag(document: string | undefined): string {
  return etagOf(document === undefined ? 0 : revisionOfContent(document));
}

/** Whoever looked at these sees by it whether any of them is another one now, or another's. */
export function wishEtag(state: ConfigState, resources: readonly string[]): string {
  const seen = [...new Set(resources)].toSorted().map((resource) => {
    const named = readResourceKey(resource);
    const document = named === undefined ? undefined : documentNow(state, named);
    return [resource, documentEtag(document), state.ownerOf(resource) ?? ''];
  });
  return etagOf(revisionOfContent(seen));
}
