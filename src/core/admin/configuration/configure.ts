/**
 * A configuration as it is wished, in one change: all of it or nothing. Each part is the command that a person would give, tried on what the
 * parts before it left, with the rules and the rights that it would meet if it came by itself: nobody applies from a file what he could not
 * write by hand.
 */
import { projectName } from '../../names.ts';
import { err, ok, type Result } from '../../result.ts';
import type { Applied, IssuerKeysChanged } from '../applied.ts';
import type { Answer, Command } from '../commands.ts';
import { invalid, type AdminDenial } from '../denial.ts';
import { rankNamed } from '../history/plan.ts';
import { type HistoryResource, readResourceKey } from '../history/resource-key.ts';
import type { Left } from '../history/step.ts';
import type { ConfigState, Write } from '../state.ts';
import { type ConfigurationWish, type DesiredChange, OWNER } from './change.ts';
import { commandsOf, keepsPushedKeys } from './commands-of.ts';
import { documentNow, written } from './documents.ts';
import { documentEtag, wishEtag } from './etags.ts';
import { Faults } from './faults.ts';
import { ownerWrite } from './owners.ts';
import { stepsOf } from './steps.ts';

type ApplyOne = (command: Command) => Result<Applied, AdminDenial>;

/** What finds its name taken waits for the part that gives it free; a cycle of more than these is none that anybody has. */
const MAX_PASSES = 10;
const MAX_CHANGES = 20_000;
const MAX_WARNINGS = 100;

export function configure(
  state: ConfigState,
  wish: ConfigurationWish,
  actor: string,
  applyOne: ApplyOne,
): Result<Applied, AdminDenial> {
  const { owner } = wish;
  if (owner !== undefined && !OWNER.test(owner))
    return err(invalid('owner', 'must be 1 to 100 characters of [a-zA-Z0-9._/@-]'));
  if (wish.prune && owner === undefined) return err(invalid('prune', 'needs an owner: nothing else is ever pruned'));
  const staged = stagedChanges(state, wish, actor);
  if (!staged.ok) return staged;
  const changes = [...wish.changes, ...staged.value];
  if (changes.length > MAX_CHANGES) return err(invalid('changes', `are ${changes.length}; at most ${MAX_CHANGES} fit`));
  const faults = new Faults(wish.refused);
  const read = readChanges(changes, faults);
  const named = new Set([...changes.map(({ resource }) => resource), ...(wish.refused ?? [])]);
  const owned = owner === undefined ? [] : state.ownedBy(owner);
  const gone = wish.prune ? owned.filter((resource) => !named.has(resource)) : [];
  const etag = wishEtag(state, [...changes.map(({ resource }) => resource), ...gone]);
  if (wish.etag !== undefined && wish.etag !== '' && wish.etag !== etag) {
    return err({ tag: 'etag_mismatch', resource: projectName(state.project().projectNumber) });
  }
  const stale = read.find(
    (one) => one.etag !== undefined && one.etag !== '' && one.etag !== documentEtag(documentNow(state, one.named)),
  );
  if (stale !== undefined) return err({ tag: 'etag_mismatch', resource: stale.resource });
  const parts = [...read, ...gone.flatMap(pruned)].toSorted((one, other) => one.rank - other.rank);
  const tried = state.rolledBack((stage) => {
    const run = new Run(state, wish, applyOne, stage, faults);
    const refused = run.all(parts);
    if (refused !== undefined) return err(refused);
    for (const resource of gone) run.release(resource);
    return ok({ run, steps: stepsOf(state, run.touched, wish.validateOnly) });
  });
  if (!tried.ok) return tried;
  const denial = faults.denial();
  if (denial !== undefined) return err(denial);
  const { run, steps } = tried.value;
  const answer: Answer = {
    kind: 'configured',
    changeSet: wish.changeSet,
    steps,
    left: run.left,
    warnings: run.warnings,
    etag,
  };
  if (wish.validateOnly) return ok({ answer, writes: [], shards: [] });
  const cleared: readonly Write[] = wish.stagedParts > 0 ? [{ remove: 'staged', changeSet: wish.changeSet }] : [];
  return ok({ answer, writes: [...run.writes, ...cleared], shards: [...run.shards], alerts: run.alerts });
}

function stagedChanges(
  state: ConfigState,
  wish: ConfigurationWish,
  actor: string,
): Result<readonly DesiredChange[], AdminDenial> {
  if (wish.stagedParts === 0) return ok([]);
  const parts = state.staged(wish.changeSet, actor);
  if (parts.length === wish.stagedParts) return ok(parts.flat());
  const description = `Of the change set ${wish.changeSet} ${parts.length} parts are here, and ${wish.stagedParts} are wanted. Stage them again.`;
  return err({ tag: 'failed_precondition', description });
}

interface Part extends DesiredChange {
  readonly named: HistoryResource;
  readonly rank: number;
}

function readChanges(changes: readonly DesiredChange[], faults: Faults): readonly Part[] {
  const seen = new Set<string>();
  return changes.flatMap((change): readonly Part[] => {
    const { resource, desired } = change;
    const named = readResourceKey(resource);
    if (named === undefined || named.kind === 'owner' || named.kind === 'quotaPreference') {
      faults.add(resource, 'is no resource that can be configured so');
      return [];
    }
    if (desired !== null && desired.kind !== named.kind) {
      faults.add(resource, `takes no document of a ${desired.kind}`);
      return [];
    }
    if (seen.has(resource)) {
      faults.add(resource, 'is named twice');
      return [];
    }
    seen.add(resource);
    return [{ ...change, named, rank: rankOf(named, desired === null) }];
  });
}

/** What its owner does not name any more. */
function pruned(resource: string): readonly Part[] {
  const named = readResourceKey(resource);
  return named === undefined ? [] : [{ resource, desired: null, named, rank: rankOf(named, true) }];
}

function rankOf(named: HistoryResource, isGone: boolean): number {
  if (named.kind === 'policy' && named.resource.kind === 'project') return rankNamed('policy.project');
  return isGone ? rankNamed(`${named.kind}.delete`) : rankNamed(named.kind);
}

/** One go through all parts, on a state that is taken back afterwards. */
class Run {
  readonly writes: Write[] = [];
  readonly shards = new Set<string>();
  readonly alerts: IssuerKeysChanged[] = [];
  readonly left: Left[] = [];
  readonly warnings: { readonly resource: string; readonly warning: string }[] = [];
  /** Documents and owners as they were before the first write. */
  readonly touched = new Map<
    string,
    { readonly document: string | undefined; readonly owner: string | undefined; readonly wasDeleted: boolean }
  >();
  readonly #state: ConfigState;
  readonly #wish: ConfigurationWish;
  readonly #applyOne: ApplyOne;
  readonly #stage: (writes: readonly Write[]) => void;
  readonly #faults: Faults;

  constructor(
    state: ConfigState,
    wish: ConfigurationWish,
    applyOne: ApplyOne,
    stage: (writes: readonly Write[]) => void,
    faults: Faults,
  ) {
    this.#state = state;
    this.#wish = wish;
    this.#applyOne = applyOne;
    this.#stage = stage;
    this.#faults = faults;
  }

  /** Answers what refuses the whole; what is wrong with single parts is among the faults. */
  all(parts: readonly Part[]): AdminDenial | undefined {
    let pending = parts;
    for (let pass = 1; pending.length > 0; pass++) {
      const waiting: { readonly part: Part; readonly denial: AdminDenial }[] = [];
      for (const part of pending) {
        const denial = this.#one(part);
        if (denial !== undefined) waiting.push({ part, denial });
      }
      const isOver = pass === MAX_PASSES || waiting.length === pending.length || !waiting.some(mayGoLater);
      if (isOver) {
        for (const { part, denial } of waiting) {
          const refused = this.#faults.take(part.resource, denial);
          if (refused !== undefined) return refused;
        }
        return undefined;
      }
      pending = waiting.map(({ part }) => part);
    }
    return undefined;
  }

  release(resource: string): void {
    if (this.#state.ownerOf(resource) !== undefined) this.#keep(resource, [ownerWrite(resource, null)]);
  }

  #one({ resource, named, desired }: Part): AdminDenial | undefined {
    const { owner, takeOver } = this.#wish;
    const current = this.#state.ownerOf(resource);
    const isOthers = current !== undefined && current !== owner && !takeOver;
    if (isOthers && owner !== undefined) return belongsTo(current);
    if (desired === null && this.#stays(resource, named)) return undefined;
    this.#tellOfKeys(resource, named, desired);
    for (const command of commandsOf(this.#state, named, desired)) {
      const applied = this.#applyOne(command);
      if (!applied.ok) return applied.error;
      const { answer, writes, shards, alert } = applied.value;
      if (this.#changesNothing(resource, named, writes)) continue;
      if (isOthers) return belongsTo(current);
      this.#keep(resource, writes);
      for (const shard of shards) this.shards.add(shard);
      if (alert !== undefined) this.alerts.push(alert);
      for (const warning of warningsOf(answer)) this.#warn(resource, warning);
    }
    // What is not there, such as a policy that gives nobody anything, is nobody's.
    const isThere = desired !== null && documentNow(this.#state, named) !== undefined;
    if (owner !== undefined && isThere && current !== owner) this.#keep(resource, [ownerWrite(resource, owner)]);
    return undefined;
  }

  /** A row that is only younger than before is no change. */
  #changesNothing(resource: string, named: HistoryResource, writes: readonly Write[]): boolean {
    const rows = writes.flatMap((write) => written(write) ?? []);
    const [row, ...others] = rows;
    if (row === undefined || others.length > 0 || row.resource !== resource) return false;
    // An empty policy has no document; a row of another kind without one is deleted.
    return (named.kind === 'policy' || row.document !== undefined) && row.document === documentNow(this.#state, named);
  }

  /** What cannot be deleted is let go of. */
  #stays(resource: string, named: HistoryResource): boolean {
    const isBuiltIn = named.kind === 'pool' && this.#state.pool(named.poolId)?.builtIn === true;
    if (named.kind !== 'project' && !isBuiltIn) return false;
    this.left.push({ resource, reason: 'it is part of the project and stays as it is' });
    return true;
  }

  #tellOfKeys(resource: string, named: HistoryResource, desired: DesiredChange['desired']): void {
    if (named.kind !== 'provider' || desired?.kind !== 'provider') return;
    const current = this.#state.provider(named.poolId, named.providerId);
    const { jwksJson } = desired.input.kubernetes ?? desired.input.oidc ?? {};
    if (current === undefined || !keepsPushedKeys(current) || jwksJson === undefined) return;
    this.left.push({ resource, reason: 'pushed keys stay as they are' });
  }

  #keep(resource: string, writes: readonly Write[]): void {
    for (const touched of [resource, ...writes.flatMap((write) => written(write)?.resource ?? [])])
      this.#touch(touched);
    this.#stage(writes);
    this.writes.push(...writes);
  }

  #touch(resource: string): void {
    if (this.touched.has(resource)) return;
    const named = readResourceKey(resource);
    const document = named === undefined ? undefined : documentNow(this.#state, named);
    const wasDeleted = document === undefined && named !== undefined && isDeleted(this.#state, named);
    this.touched.set(resource, { document, owner: this.#state.ownerOf(resource), wasDeleted });
  }

  #warn(resource: string, warning: string): void {
    if (this.warnings.length < MAX_WARNINGS) this.warnings.push({ resource, warning });
  }
}

/** Something that is in the way may go with a part that comes later; and what waits for it may be refused only because of that. */
function mayGoLater({ denial }: { readonly denial: AdminDenial }): boolean {
  // The project comes late, for its limits name providers; a service account's role needs its AWS account.
  if (denial.tag === 'invalid_argument') return denial.violations.every(({ field }) => field.startsWith('awsRole'));
  return denial.tag === 'already_exists' || denial.tag === 'failed_precondition' || denial.tag === 'limit_reached';
}

function warningsOf(answer: Answer): readonly string[] {
  switch (answer.kind) {
    case 'provider':
    case 'policy':
    case 'denyPolicy':
      return answer.warnings ?? [];
    default:
      return [];
  }
}

function belongsTo(owner: string): AdminDenial {
  return {
    tag: 'failed_precondition',
    description: `belongs to ${owner}. Change it there, or take it over.`,
  };
}

function isDeleted(state: ConfigState, named: HistoryResource): boolean {
  if (named.kind === 'pool') return state.deletedPool(named.poolId) !== undefined;
  if (named.kind === 'serviceAccount') return state.deletedServiceAccount(named.accountId) !== undefined;
  return named.kind === 'provider' && state.deletedProvider(named.poolId, named.providerId) !== undefined;
}
