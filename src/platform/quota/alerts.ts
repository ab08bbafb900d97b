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

  look({ countedPermits, limitPerMinute }: QuotaUsage, nowMs: number): void {
    const { level, crossed } = alertAt(this.#level, countedPermits, limitPerMinute);
    this.#level = level;
    const time = new Date(nowMs).toISOString();
    const said = { event: 'alert', kind: 'quota', time, project: this.#project };
    for (const percent of crossed) {
      this.#write(JSON.stringify({ ...said, percent, limitPerMinute, counted: countedPermits }));
    }
  }
}
