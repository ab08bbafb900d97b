/** Usage as the pages draw it: stretches of equal length out of what REST gives by minute or by hour, however much there is of it. */
import type { JsonObject } from '../core/json.ts';
import { ok, type Result } from '../core/result.ts';
import { listAt, numberAt, objectAt, type Refused, type Rest, segment, textAt } from './rest.ts';

export interface Range {
  readonly name: 'hour' | 'day' | '90d';
  readonly label: string;
  readonly resolution: 'MINUTE' | 'HOUR';
  /** Of what REST counts. */
  readonly stepMs: number;
  /** Of what is drawn: one bar. */
  readonly barMs: number;
  readonly bars: number;
  /** To read much of it takes the quota object's time: what moves slowly is asked for seldom. */
  readonly refreshSeconds: number;
  /** What the height of a bar is. */
  readonly height: string;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export const RANGES: readonly [Range, ...Range[]] = [
  {
    name: 'hour',
    label: 'Hour',
    resolution: 'MINUTE',
    stepMs: MINUTE_MS,
    barMs: MINUTE_MS,
    bars: 60,
    refreshSeconds: 5,
    height: 'exchanges in each minute',
  },
  {
    name: 'day',
    label: 'Day',
    resolution: 'MINUTE',
    stepMs: MINUTE_MS,
    barMs: 15 * MINUTE_MS,
    bars: 96,
    refreshSeconds: 60,
    height: 'the busiest minute of each quarter of an hour',
  },
  {
    name: '90d',
    label: '90 days',
    resolution: 'HOUR',
    stepMs: HOUR_MS,
    barMs: 24 * HOUR_MS,
    bars: 90,
    refreshSeconds: 600,
    height: 'the busiest hour of each day, per minute on average',
  },
];

export function rangeNamed(name: string | null): Range {
  return RANGES.find((range) => range.name === name) ?? RANGES[0];
}

export interface Bar {
  readonly startMs: number;
  /** Per minute, by `Range.height`. */
  readonly granted: number;
  readonly refused: number;
  readonly grantedInAll: number;
  readonly refusedInAll: number;
}

export interface Usage {
  readonly bars: readonly Bar[];
  readonly granted: number;
  readonly refused: number;
  /** Refusals, most frequent first. */
  readonly reasons: readonly (readonly [string, number])[];
  readonly lost: number;
  /** There is more than one page may read. */
  readonly isCut: boolean;
}

/** 90 days are 2,160 rows; where each is full of names REST gives them in pages of some 220. */
const MAX_PAGES = 12;

interface Points {
  readonly points: readonly JsonObject[];
  readonly lost: number;
  readonly isCut: boolean;
}

async function readPoints(
  rest: Rest,
  project: string,
  [startMs, endMs]: readonly [number, number],
  query: Readonly<Record<string, string>>,
): Promise<Result<Points, Refused>> {
  const points: JsonObject[] = [];
  let [pageToken, lost] = ['', 0];
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answer = await rest.get(`projects/${segment(project)}/usage`, {
      ...query,
      startTime: new Date(startMs).toISOString(),
      endTime: new Date(endMs).toISOString(),
      pageToken: pageToken || undefined,
    });
    if (!answer.ok) return answer;
    points.push(...listAt(answer.value, 'points'));
    lost = numberAt(answer.value, 'lostExchanges');
    pageToken = textAt(answer.value, 'nextPageToken');
    if (pageToken === '') break;
  }
  return ok({ points, lost, isCut: pageToken !== '' });
}

export async function readUsage(
  rest: Rest,
  project: string,
  range: Range,
  nowMs: number,
): Promise<Result<Usage, Refused>> {
  const endMs = Math.floor(nowMs / range.barMs) * range.barMs + range.barMs;
  const startMs = endMs - range.bars * range.barMs;
  const read = await readPoints(rest, project, [startMs, nowMs], { resolution: range.resolution });
  if (!read.ok) return read;
  const { points, lost, isCut } = read.value;
  return ok({ ...summed(points, range, startMs), lost, isCut });
}

function summed(
  points: readonly JsonObject[],
  range: Range,
  startMs: number,
): Pick<Usage, 'bars' | 'granted' | 'refused' | 'reasons'> {
  const bars = Array.from({ length: range.bars }, (_, at) => ({
    startMs: startMs + at * range.barMs,
    granted: 0,
    refused: 0,
    grantedInAll: 0,
    refusedInAll: 0,
  }));
  const reasons = new Map<string, number>();
  const minutes = range.stepMs / MINUTE_MS;
  for (const point of points) {
    const bar = bars[Math.floor((Date.parse(textAt(point, 'startTime')) - startMs) / range.barMs)];
    if (bar === undefined) continue;
    const [granted, refused] = [numberAt(point, 'granted'), numberAt(point, 'refused')];
    bar.grantedInAll += granted;
    bar.refusedInAll += refused;
    if (granted + refused > (bar.granted + bar.refused) * minutes) {
      bar.granted = granted / minutes;
      bar.refused = refused / minutes;
    }
    const byReason = objectAt(point, 'byReason');
    for (const reason of Object.keys(byReason)) {
      if (reason !== 'granted') reasons.set(reason, (reasons.get(reason) ?? 0) + numberAt(byReason, reason));
    }
  }
  return {
    bars,
    granted: bars.reduce((sum, bar) => sum + bar.grantedInAll, 0),
    refused: bars.reduce((sum, bar) => sum + bar.refusedInAll, 0),
    reasons: [...reasons].toSorted((a, b) => b[1] - a[1]).slice(0, 20),
  };
}

/** A ServiceAccount's namespace stands in its principal; REST counts by the other three. */
export const DIMENSIONS = [
  { name: 'cluster', label: 'Cluster', groupBy: 'provider' },
  { name: 'namespace', label: 'Namespace', groupBy: 'principal' },
  { name: 'principal', label: 'Principal', groupBy: 'principal' },
  { name: 'target', label: 'Target', groupBy: 'target' },
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

export interface Consumer {
  readonly name: string;
  readonly minute: number;
  readonly hour: number;
  readonly refusedInHour: number;
}

const SHOWN = 10;

/** Who used most in the last hour, and how much of it in the last minutes that are fully counted. */
export async function topConsumers(
  rest: Rest,
  project: string,
  by: Dimension,
  nowMs: number,
): Promise<Result<readonly Consumer[], Refused>> {
  const all = new Map<string, { minute: number; hour: number; refusedInHour: number }>();
  const read = await readPoints(rest, project, [nowMs - HOUR_MS, nowMs], { groupBy: by.groupBy });
  if (!read.ok) return read;
  for (const point of read.value.points) {
    const isNow = nowMs - Date.parse(textAt(point, 'startTime')) < 2 * MINUTE_MS;
    for (const group of listAt(point, 'groups')) {
      const name = by.name === 'namespace' ? namespaceOf(textAt(group, 'name')) : textAt(group, 'name');
      const [granted, refused] = [numberAt(group, 'granted'), numberAt(group, 'refused')];
      const sum = all.get(name) ?? { minute: 0, hour: 0, refusedInHour: 0 };
      all.set(name, {
        minute: sum.minute + (isNow ? granted + refused : 0),
        hour: sum.hour + granted + refused,
        refusedInHour: sum.refusedInHour + refused,
      });
    }
  }
  return ok(
    [...all]
      .map(([name, sums]) => ({ name, ...sums }))
      .toSorted((a, b) => b.hour - a.hour || (a.name < b.name ? -1 : 1))
      .slice(0, SHOWN),
  );
}

function namespaceOf(principal: string): string {
  const [, namespace] = /\/subject\/ns\/([^/]+)\/sa\/[^/]+$/.exec(principal) ?? [];
  return namespace ?? (principal === 'none' || principal === 'other' ? principal : 'no namespace');
}
