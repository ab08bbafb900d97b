/** Hears whatever any test of the run, and any Worker in one, writes to its console, and looks for what must not stand there. */
import { writeFileSync } from 'node:fs';
import { findingsIn } from './log-search.ts';

/** Where the finding goes: the reporter lives in vitest's process, whoever judges does not. */
export const LOG_REPORT_VARIABLE = 'EDGE_STS_TEST_LOG_REPORT';

export interface LogReport {
  readonly lines: number;
  /** `TEST: a token`, never the token. */
  readonly findings: readonly string[];
}

interface ConsoleLog {
  readonly content: string;
  readonly taskId?: string;
}

export default class LogReporter {
  #lines = 0;
  readonly #findings = new Set<string>();
  #nameOf: (taskId: string) => string = (taskId) => taskId;

  onInit(vitest: {
    readonly state: { readonly idMap: ReadonlyMap<string, { readonly fullName?: string; readonly name: string }> };
  }): void {
    this.#nameOf = (taskId) => {
      const task = vitest.state.idMap.get(taskId);
      return task?.fullName ?? task?.name ?? 'outside of a test';
    };
  }

  onUserConsoleLog({ content, taskId = '' }: ConsoleLog): void {
    this.#lines += content.split('\n').filter((line) => line !== '').length;
    for (const what of findingsIn(content)) this.#findings.add(`${this.#nameOf(taskId)}: ${what}`);
  }

  onTestRunEnd(): void {
    const report: LogReport = { lines: this.#lines, findings: [...this.#findings] };
    const path = process.env[LOG_REPORT_VARIABLE];
    if (path !== undefined) writeFileSync(path, JSON.stringify(report));
  }
}
