/** Query parameters: known ones once each, everything else refused, so that a misspelled updateMask never means "change all". */
import type { AdminDenial, FieldViolation } from '../../core/admin/denial.ts';
import { invalid } from '../../core/admin/denial.ts';
import type { Page } from '../../core/admin/commands.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { camelCase } from './mask.ts';

export type Query = ReadonlyMap<string, string>;

/** Google's system parameters, sent by its clients; the answer here is JSON in any case. */
const SYSTEM = new Set(
  '$.xgafv $alt $prettyPrint alt callback fields key prettyPrint quotaUser uploadType upload_protocol userProject'.split(
    ' ',
  ),
);

export function readQuery(search: URLSearchParams, known: readonly string[]): Result<Query, AdminDenial> {
  const query = new Map<string, string>();
  const violations: FieldViolation[] = [];
  for (const [spelled, value] of search) {
    if (SYSTEM.has(spelled)) continue;
    const name = camelCase(spelled);
    if (!known.includes(name)) violations.push({ field: spelled, description: 'unknown query parameter' });
    else if (query.has(name)) violations.push({ field: name, description: 'stands twice in the query' });
    else query.set(name, value);
  }
  return violations.length > 0 ? err({ tag: 'invalid_argument', violations }) : ok(query);
}

const DEFAULT_PAGE_SIZE = 50;
const ID = /^[A-Za-z0-9_.-]{1,64}$/;

const isId = (id: string): boolean => ID.test(id);

/** A page size over the maximum is the maximum, as at Google; a token is the last id seen, opaque to its bearer. */
export function readPage(query: Query, maxPageSize: number, isRow = isId): Result<Page, AdminDenial> {
  const text = query.get('pageSize') ?? '0';
  if (!/^[0-9]{1,9}$/.test(text)) return err(invalid('pageSize', 'must be a whole number that is not negative'));
  const asked = Number(text);
  const pageSize = asked === 0 ? DEFAULT_PAGE_SIZE : Math.min(asked, maxPageSize);
  const token = query.get('pageToken') ?? '';
  const after = decodeToken(token, isRow);
  if (after === undefined) return err(invalid('pageToken', 'is not a token that was given out here'));
  return ok({ pageSize, after });
}

/** Of pools and providers: deleted ones are listed where they are asked for. */
export function readPageWithDeleted(query: Query, maxPageSize: number): Result<Page, AdminDenial> {
  const page = readPage(query, maxPageSize);
  if (!page.ok) return page;
  const text = query.get('showDeleted') ?? 'false';
  if (text !== 'true' && text !== 'false') return err(invalid('showDeleted', 'must be true or false'));
  return ok({ ...page.value, showDeleted: text === 'true' });
}

/** The member of a list answer that leads on, or none at the end. */
export function nextPageToken(next: string): { readonly nextPageToken?: string } {
  return next === '' ? {} : { nextPageToken: encodeToken(next) };
}

function encodeToken(id: string): string {
  return btoa(id).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function decodeToken(token: string, isRow: (id: string) => boolean): string | undefined {
  if (token === '') return '';
  if (!/^[A-Za-z0-9_-]+$/.test(token) || token.length % 4 === 1) return undefined;
  const id = atob(token.replaceAll('-', '+').replaceAll('_', '/'));
  return isRow(id) && encodeToken(id) === token ? id : undefined;
}
