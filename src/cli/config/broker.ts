/** A wish sent to the broker: in one call, or in parts that change nothing until all of them are applied together. */
import { randomUUID } from 'node:crypto';
import type { Administration, Resource } from '../../client/administration.ts';
import type { Reply } from '../../client/http.ts';
import type { WishedDocument } from './read.ts';

export interface Wish {
  readonly project: string;
  readonly documents: readonly WishedDocument[];
  readonly owner?: string;
  readonly prune: boolean;
  readonly takeOver: boolean;
  /** Known to be wrong; with these the broker only looks. */
  readonly refused: readonly string[];
}

/** Below the broker's bound on a body, with room for what stands around it. */
const PART_BYTES = 900_000;

export class SentWish {
  readonly #administration: Administration;
  readonly #wish: Wish;
  readonly #say: (text: string) => void;
  readonly #changeSet = randomUUID();
  readonly #parts: readonly (readonly Resource[])[];
  #isStaged = false;

  constructor(administration: Administration, wish: Wish, say: (text: string) => void) {
    this.#administration = administration;
    this.#wish = wish;
    this.#say = say;
    this.#parts = inParts(wish.documents.map(({ resource, desired }) => ({ resource, desired })));
  }

  /** What it would change. Whatever is wrong with any part is wrong with the whole, so the first refusal ends it. */
  async look(): Promise<Reply<Resource>> {
    const staged = await this.#stage();
    if (staged !== undefined) return staged;
    this.#say('comparing');
    return this.#apply({
      validateOnly: true,
      ...(this.#wish.refused.length > 0 ? { refused: this.#wish.refused } : {}),
    });
  }

  /** `etag` as the look gave it: what anybody changed since is not overwritten. */
  async apply(etag: string): Promise<Reply<Resource>> {
    this.#say('applying');
    return this.#apply({ etag });
  }

  async #stage(): Promise<Reply<Resource> | undefined> {
    if (this.#parts.length <= 1 || this.#isStaged) return undefined;
    const refusals: Reply<Resource>[] = [];
    for (const [part, changes] of this.#parts.entries()) {
      this.#say(`sending part ${part + 1} of ${this.#parts.length}`);
      const name = `projects/${this.#wish.project}/changeSets/${this.#changeSet}`;
      // oxlint-disable-next-line no-await-in-loop -- each part is a megabyte; a broker that has enough says so at the first
      const reply = await this.#administration.call(name, 'stage', { part, changes });
      if (!reply.ok && reply.error.code !== 'INVALID_ARGUMENT') return reply;
      if (!reply.ok) refusals.push(reply);
    }
    this.#isStaged = true;
    return together(refusals);
  }

  #apply(more: Resource): Promise<Reply<Resource>> {
    const { project, owner, prune, takeOver } = this.#wish;
    const what =
      this.#parts.length <= 1
        ? { changes: this.#parts[0] ?? [] }
        : { changeSet: this.#changeSet, stagedParts: this.#parts.length };
    const body = { ...what, ...(owner === undefined ? {} : { owner }), prune, takeOver, ...more };
    return this.#administration.call(`projects/${project}`, 'apply', body);
  }
}

/** What is wrong in several parts is one refusal. */
function together(refusals: readonly Reply<Resource>[]): Reply<Resource> | undefined {
  const [first] = refusals;
  if (first === undefined || first.ok) return undefined;
  const details = refusals.flatMap((reply) => (reply.ok ? [] : (reply.error.details ?? [])));
  return { ...first, error: { ...first.error, details } };
}

function inParts(changes: readonly Resource[]): readonly (readonly Resource[])[] {
  const parts: Resource[][] = [];
  let room = 0;
  for (const change of changes) {
    const bytes = Buffer.byteLength(JSON.stringify(change)) + 1;
    if (parts.length === 0 || bytes > room) {
      parts.push([]);
      room = PART_BYTES;
    }
    parts.at(-1)?.push(change);
    room -= bytes;
  }
  return parts;
}
