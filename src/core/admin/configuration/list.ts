/** Everything that is configured, as the documents that make it again, page by page in one order: what an export is made of. */
import { ALL_DENY_POLICIES } from '../deny-resolution.ts';
import { denyPolicyRowName, policyRowName, readResourceKey } from '../history/resource-key.ts';
import type { PolicyResource } from '../commands.ts';
import type { ConfigState } from '../state.ts';
import type { ConfiguredResource } from './change.ts';
import { documentNow } from './documents.ts';
import { documentEtag } from './etags.ts';

const SCAN_PAGE_SIZE = 200;
const MAX_PAGE_CHARACTERS = 4_194_304;

interface Listed {
  readonly resources: readonly ConfiguredResource[];
  /** Empty: that was all. */
  readonly next: string;
}

/** After the resource `after`, which is a name as `next` gave it, whether or not it is still there. */
export function listConfiguration(
  state: ConfigState,
  { pageSize, after, owner }: { readonly pageSize: number; readonly after: string; readonly owner?: string },
): Listed {
  const resources: ConfiguredResource[] = [];
  let room = MAX_PAGE_CHARACTERS;
  for (const resource of names(state)) {
    if (after !== '' && compare(resource, after) <= 0) continue;
    const found = listed(state, resource);
    if (found === undefined || (owner !== undefined && found.owner !== owner)) continue;
    room -= found.document.length;
    if (resources.length > 0 && (resources.length >= pageSize || room < 0)) {
      return { resources, next: resources.at(-1)?.resource ?? '' };
    }
    resources.push(found);
  }
  return { resources, next: '' };
}

function listed(state: ConfigState, resource: string): ConfiguredResource | undefined {
  const named = readResourceKey(resource);
  const document = named === undefined ? undefined : documentNow(state, named);
  if (document === undefined) return undefined;
  const owner = state.ownerOf(resource);
  return { resource, document, etag: documentEtag(document), ...(owner === undefined ? {} : { owner }) };
}

/** In which kinds need each other, and then segment by segment. */
const KINDS = ['project', 'role', 'target', 'serviceAccount', 'pool', 'provider', 'denyPolicy', 'policy'];

function compare(one: string, other: string): number {
  const [ones, others] = [one.split('/'), other.split('/')];
  const byKind = KINDS.indexOf(ones[0] ?? '') - KINDS.indexOf(others[0] ?? '');
  if (byKind !== 0) return byKind;
  for (const [index, segment] of ones.entries()) {
    const beside = others[index];
    if (beside === undefined) return 1;
    if (segment !== beside) return segment < beside ? -1 : 1;
  }
  return ones.length - others.length;
}

/** In that order. */
function* names(state: ConfigState): Generator<string> {
  yield 'project';
  yield* idsOf((after) => state.roles({ pageSize: SCAN_PAGE_SIZE, after }).map(({ roleId }) => roleId), 'role/');
  const targetIds = [
    ...idsOf((after) => state.targets({ pageSize: SCAN_PAGE_SIZE, after }).map(({ targetId }) => targetId), ''),
  ];
  const poolIds = [
    ...idsOf((after) => state.pools({ pageSize: SCAN_PAGE_SIZE, after }).map(({ poolId }) => poolId), ''),
  ];
  const accountIds = [
    ...idsOf(
      (after) => state.serviceAccounts({ pageSize: SCAN_PAGE_SIZE, after }).map(({ accountId }) => accountId),
      '',
    ),
  ];
  for (const targetId of targetIds) yield `target/${targetId}`;
  for (const accountId of accountIds) yield `serviceAccount/${accountId}`;
  for (const poolId of poolIds) yield `pool/${poolId}`;
  for (const poolId of poolIds) {
    yield* idsOf(
      (after) => state.providers(poolId, { pageSize: SCAN_PAGE_SIZE, after }).map(({ providerId }) => providerId),
      `provider/${poolId}/`,
    );
  }
  const places: readonly PolicyResource[] = [
    ...poolIds.map((poolId) => ({ kind: 'pool', poolId }) as const),
    { kind: 'project' },
    ...accountIds.map((accountId) => ({ kind: 'serviceAccount', accountId }) as const),
    ...targetIds.map((targetId) => ({ kind: 'target', targetId }) as const),
  ];
  for (const place of places) {
    if (place.kind === 'pool' || place.kind === 'serviceAccount') continue;
    for (const { policyId } of state.denyPolicies(place, ALL_DENY_POLICIES))
      yield denyPolicyRowName({ attachment: place, policyId });
  }
  for (const place of places) yield policyRowName(place);
}

function* idsOf(page: (after: string) => readonly string[], prefix: string): Generator<string> {
  let after = '';
  for (;;) {
    const ids = page(after);
    for (const id of ids) yield `${prefix}${id}`;
    const last = ids.at(-1);
    if (last === undefined || ids.length < SCAN_PAGE_SIZE) return;
    after = last;
  }
}
