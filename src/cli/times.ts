/** Times as people type them: RFC 3339, or a length from now such as `2d`. */
import { usageFault } from './fault.ts';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** As RFC 3339 in UTC. */
export function readUntil(text: string, nowMs: number): string {
  const [, count, unit = ''] = /^([0-9]{1,6})([smhdw])$/.exec(text) ?? [];
  const lengthMs = UNIT_MS[unit];
  if (count !== undefined && lengthMs !== undefined) {
    return new Date(nowMs + Number(count) * lengthMs).toISOString().replace(/\.\d+Z$/, 'Z');
  }
  const ms = /^\d{4}-\d{2}-\d{2}T/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(ms))
    throw usageFault(`${JSON.stringify(text)}: say a time such as 2026-01-31T12:00:00Z, or 2d from now.`);
  return new Date(ms).toISOString();
}
