/** The list of what a simulation found: one row for each principal, target and change; of too many, the first in order, whatever came first. */

export type AccessChange = 'ACCESS_REVOKED' | 'ROLES_CHANGED' | 'ACCESS_GAINED' | 'UNKNOWN_CHANGE';

/** All exchanges of one principal with one target that would have ended in the same other way. */
export interface SimulatedChange {
  readonly principal: string;
  readonly target: string;
  readonly change: AccessChange;
  readonly rolesGained: readonly string[];
  readonly rolesLost: readonly string[];
  readonly exchanges: number;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
}

type Found = Omit<SimulatedChange, 'exchanges' | 'firstSeenMs' | 'lastSeenMs'>;

const MAX_CHANGES = 1_000;
/** Roles may be many, and each row names its own. */
const MAX_CHARACTERS = 4_194_304;

export class SimulatedChanges {
  #changes = new Map<string, SimulatedChange>();
  #characters = 0;
  /** What comes after this in order cannot come into the list any more. */
  #end: string | undefined;

  get size(): number {
    return this.#changes.size;
  }

  /** Of the keys that are held. */
  get characters(): number {
    return this.#characters;
  }

  get isTruncated(): boolean {
    this.#cut();
    return this.#end !== undefined;
  }

  note(found: Found, timeMs: number): void {
    const { principal, target, change, rolesGained, rolesLost } = found;
    const key = JSON.stringify([principal, target, change, rolesGained, rolesLost]);
    if (this.#end !== undefined && key >= this.#end) return;
    const known = this.#changes.get(key);
    this.#changes.set(key, {
      ...found,
      exchanges: (known?.exchanges ?? 0) + 1,
      firstSeenMs: Math.min(known?.firstSeenMs ?? timeMs, timeMs),
      lastSeenMs: Math.max(known?.lastSeenMs ?? timeMs, timeMs),
    });
    if (known === undefined) this.#characters += key.length;
    // Not at each one: to put them in order costs more than to hold twice as many.
    if (this.#changes.size > 2 * MAX_CHANGES || this.#characters > 2 * MAX_CHARACTERS) this.#cut();
  }

  /** In order. */
  list(): readonly SimulatedChange[] {
    this.#cut();
    return [...this.#changes.values()];
  }

  /** A row that is cut here has enough before it for good, so none is lost that would be listed in the end. */
  #cut(): void {
    const sorted = [...this.#changes].toSorted(([one], [other]) => (one < other ? -1 : 1));
    this.#changes = new Map();
    this.#characters = 0;
    for (const [key, change] of sorted) {
      if (this.#changes.size === MAX_CHANGES || this.#characters + key.length > MAX_CHARACTERS) {
        this.#end = key;
        return;
      }
      this.#changes.set(key, change);
      this.#characters += key.length;
    }
  }
}
