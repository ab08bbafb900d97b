/** Work that goes on beside requests, one task a project at a time. One that is old is relieved: it may have ended with the request that began it. */
import { BoundedMap } from '../../core/bounded-map.ts';

const MAX_TASKS = 1_000;

export interface Task {
  readonly begunAtMs: number;
}

export class Tasks {
  readonly #newest = new BoundedMap<Task>(MAX_TASKS);

  begin(projectNumber: string, nowMs: number, relievedAfterMs: number): Task | undefined {
    const newest = this.#newest.get(projectNumber);
    if (newest !== undefined && nowMs - newest.begunAtMs < relievedAfterMs) return undefined;
    const task = { begunAtMs: nowMs };
    this.#newest.set(projectNumber, task);
    return task;
  }

  /** A task that is not known any more goes on: strangers who name many projects must not end it. */
  isRelieved(projectNumber: string, task: Task): boolean {
    const newest = this.#newest.get(projectNumber);
    return newest !== undefined && newest !== task;
  }

  ended(projectNumber: string): void {
    this.#newest.delete(projectNumber);
  }
}
