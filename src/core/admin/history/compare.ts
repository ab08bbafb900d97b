/** What a run of entries comes to, by resource: the state before the first of them, and after the last. */
import type { Difference, HistoryEntry } from './entry.ts';

type Trace = Pick<HistoryEntry, 'resource' | 'before' | 'after'>;

/** Entries in ascending order. A large row has two for one change, so the first `before` and the last `after` count. */
export function differences(entries: Iterable<Trace>): readonly Difference[] {
  const found = new Map<string, Difference>();
  for (const { resource, before, after } of entries) {
    if (resource === '') continue;
    found.set(resource, {
      resource,
      before: found.get(resource)?.before ?? (found.has(resource) ? null : before),
      after,
    });
  }
  return [...found.values()]
    .filter(({ before, after }) => before !== after)
    .toSorted((one, other) => (one.resource < other.resource ? -1 : 1));
}

export function reversed({ resource, before, after }: Difference): Difference {
  return { resource, before: after, after: before };
}

const MAX_BODY_CHARACTERS = 4_194_304;

/** A page of them, whose bodies together one call can carry; one at least. */
export function pageOfDifferences(
  all: readonly Difference[],
  { pageSize, skip }: { readonly pageSize: number; readonly skip: number },
): { readonly differences: readonly Difference[]; readonly next?: number } {
  const page: Difference[] = [];
  let room = MAX_BODY_CHARACTERS;
  for (const one of all.slice(skip, skip + pageSize)) {
    room -= (one.before?.length ?? 0) + (one.after?.length ?? 0);
    if (page.length > 0 && room < 0) break;
    page.push(one);
  }
  const end = skip + page.length;
  return end < all.length ? { differences: page, next: end } : { differences: page };
}
