/** Says on stdout that a project's quota runs out. What was said is kept in memory: an object that began anew may say it again. */
import { alertAt, type AlertLevel } from '../../core/quota-alert.ts';
import type { QuotaUsage } from './store.ts';

export class QuotaAlerts {
  readonly #project: string;
  readonly #write: (line: string) => void;
  #level: AlertLevel = 0;

  constructor(project: string, write: (line: string) => void) {
    this.#project = project;
    this.#write = write;
  }

  /** `requestId`: of the exchange whose question crossed the line, where the asker said it. */
  look({ countedPermits, limitPerMinute }: QuotaUsage, nowMs: number, requestId?: string): void {
    const { level, crossed } = alertAt(this.#level, countedPermits, limitPerMinute);
    this.#level = level;
    const time = new Date(nowMs).toISOString();
    const about = { ...(isRequestId(requestId) ? { requestId } : {}), project: this.#project };
    for (const percent of crossed) {
      const counted = { percent, limitPerMinute, counted: countedPermits };
      this.#write(JSON.stringify({ event: 'alert', kind: 'quota', time, ...about, ...counted }));
    }
  }
}

/** An isolate of another version may send what is none. */
function isRequestId(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]{1,64}$/.test(value);
}
