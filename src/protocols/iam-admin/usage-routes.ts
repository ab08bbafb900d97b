/** `usage`: how many exchanges ended how, by minute or by hour, by provider, principal or target. Ours; Google has nothing of the kind. */
import { invalid } from '../../core/admin/denial.ts';
import type { JsonObject } from '../../core/json.ts';
import { type ReasonCounts, reasonsOf, USAGE_DIMENSIONS, type UsageDimension } from '../../core/usage.ts';
import type { UsageGroup, UsagePage, UsageWanted } from '../../core/usage-page.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { RestDenial } from '../http-denial.ts';
import { needs } from './needs.ts';
import { inProject, type RestContext } from './project-scope.ts';
import { nextPageToken, type Query, readPage } from './query.ts';
import type { Route } from './table.ts';

/** What is looked back on where nobody said how far. */
const RESOLUTIONS = {
  MINUTE: { lengthMs: 60_000, lookBack: 59 },
  HOUR: { lengthMs: 3_600_000, lookBack: 23 },
} as const;
type Resolution = keyof typeof RESOLUTIONS;

const MAX_PAGE_SIZE = 2_160;
const MAX_TOP = 20;
/** By then isolates have said what they counted: twelve seconds of waiting, two on the way, and some. */
const SAID_AFTER_MS = 15_000;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

export function usageRoutes(context: RestContext, nowMs: () => number): readonly Route[] {
  return [
    {
      method: 'GET',
      path: 'projects/{project}/usage',
      needs: needs('project', 'sts.usage.get'),
      query: ['resolution', 'startTime', 'endTime', 'groupBy', 'pageSize', 'pageToken'],
      handle: inProject(context, async ({ projectNumber }, { query }) => {
        const wanted = readWanted(query, nowMs());
        if (!wanted.ok) return wanted;
        const page = await context.admin.usage(projectNumber, wanted.value);
        return page.ok ? ok(renderUsage(page.value, wanted.value)) : page;
      }),
    },
  ];
}

function readWanted(query: Query, nowMs: number): Result<UsageWanted, RestDenial> {
  const resolution = query.get('resolution') ?? 'MINUTE';
  if (!isResolution(resolution)) return err(invalid('resolution', 'must be MINUTE or HOUR'));
  const groupBy = query.get('groupBy') ?? 'reason';
  if (groupBy !== 'reason' && !isDimension(groupBy))
    return err(invalid('groupBy', 'must be provider, principal, target or reason'));
  const { lengthMs, lookBack } = RESOLUTIONS[resolution];
  const end = readTime(query, 'endTime', nowMs);
  if (!end.ok) return end;
  const start = readTime(query, 'startTime', end.value - lookBack * lengthMs);
  if (!start.ok) return start;
  if (start.value > end.value) return err(invalid('startTime', 'is after endTime'));
  const page = readPage(query.has('pageSize') ? query : new Map([...query, ['pageSize', '2160']]), MAX_PAGE_SIZE);
  if (!page.ok) return page;
  const { pageSize, after } = page.value;
  if (!/^[0-9]{0,15}$/.test(after)) return err(invalid('pageToken', 'is not a token that was given out here'));
  return ok({
    resolution,
    from: after === '' ? Math.floor(start.value / lengthMs) : Number(after),
    to: Math.floor(end.value / lengthMs),
    ...(groupBy === 'reason' ? {} : { groupBy }),
    maxPoints: pageSize,
  });
}

function readTime(query: Query, name: string, unsetMs: number): Result<number, RestDenial> {
  const text = query.get(name);
  if (text === undefined) return ok(unsetMs);
  const ms = TIME.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms)
    ? err(invalid(name, 'must be a time such as "2026-01-31T12:00:00Z" (RFC 3339); a + in it is sent as %2B'))
    : ok(ms);
}

function isResolution(text: string): text is Resolution {
  return Object.hasOwn(RESOLUTIONS, text);
}

function isDimension(text: string): text is UsageDimension {
  return (USAGE_DIMENSIONS as readonly string[]).includes(text);
}

function renderUsage({ points, next, lost, nowMs }: UsagePage, { resolution, groupBy }: UsageWanted): JsonObject {
  const { lengthMs } = RESOLUTIONS[resolution];
  return {
    resolution,
    points: points.map(({ start, byReason, groups }) => ({
      startTime: new Date(start * lengthMs).toISOString(),
      ...renderCounts(byReason),
      byReason,
      ...(groupBy === undefined ? {} : { groups: groups.map(renderGroup) }),
    })),
    ...(groupBy === undefined ? {} : { top: topOf(points.flatMap(({ groups }) => groups)).map(renderGroup) }),
    ...(lost > 0 ? { lostExchanges: lost } : {}),
    completeUntil: new Date(nowMs - SAID_AFTER_MS).toISOString(),
    ...nextPageToken(next === undefined ? '' : String(next)),
  };
}

/** The busiest of this page. */
function topOf(groups: readonly UsageGroup[]): readonly UsageGroup[] {
  const byName = new Map<string, (readonly [string, ReasonCounts])[]>();
  for (const { name, byReason } of groups) byName.set(name, [...(byName.get(name) ?? []), [name, byReason]]);
  return [...byName]
    .map(([name, all]) => ({ name, byReason: reasonsOf(all) }))
    .toSorted((a, b) => totalOf(b.byReason) - totalOf(a.byReason) || (a.name < b.name ? -1 : 1))
    .slice(0, MAX_TOP);
}

function renderGroup({ name, byReason }: UsageGroup): JsonObject {
  return { name, ...renderCounts(byReason), byReason };
}

function renderCounts(byReason: ReasonCounts): { readonly granted: number; readonly refused: number } {
  const granted = byReason['granted'] ?? 0;
  return { granted, refused: totalOf(byReason) - granted };
}

function totalOf(byReason: ReasonCounts): number {
  return Object.values(byReason).reduce((sum, count) => sum + count, 0);
}
