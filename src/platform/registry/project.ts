/**
 * The authority over one project's configuration: save, put in force, then copy to the edge, in that order.
 * Each step leaves a row behind before it starts, so that a crash anywhere is finished by the alarm.
 */
import type { apply, IssuerKeysChanged } from '../../core/admin/apply.ts';
import type { Above } from '../../core/admin/authority/above.ts';
import { administratorsChanged } from '../../core/admin/authority/administrative-pools.ts';
import { applyAs, refusalOfRotation } from '../../core/admin/authority/apply-as.ts';
import {
  impersonation,
  type Impersonable,
  impersonationDenied,
  type ImpersonationAsked,
} from '../../core/admin/authority/impersonation.ts';
import { rightsOf } from '../../core/admin/authority/rights.ts';
import { type Caller, type HomedIdentity, type Identity, THE_BROKER } from '../../core/admin/caller.ts';
import type { StagedPart } from '../../core/admin/configuration/change.ts';
import type { Answer, Command, PolicyInput, PolicyResource, Query } from '../../core/admin/commands.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import { allRoles, type RoleReader } from '../../core/admin/deny-resolution.ts';
import type { HistoryAnswer, HistoryFault, HistoryQuery } from '../../core/admin/history/entry.ts';
import type { KeyRotation, SigningKeyInfo } from '../../core/admin/port.ts';
import type { Proposal } from '../../core/admin/propose.ts';
import { provisionWrites } from '../../core/admin/projects.ts';
import { read } from '../../core/admin/read.ts';
import type { ApplyContext, Write } from '../../core/admin/state.ts';
import type { Asked, Explanation } from '../../core/explain/answer.ts';
import { explain } from '../../core/explain/explain.ts';
import { questionOf } from '../../core/explain/question.ts';
import { projectName } from '../../core/names.ts';
import type { Permission } from '../../core/permissions.ts';
import type { RegistryFigures } from '../../core/metrics.ts';
import { createPolicyCompiler } from '../../core/policy/cache.ts';
import type { Project, Shards } from '../../core/resources.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { projectOfRing } from '../../core/rings.ts';
import type { Revocation } from '../../core/token-care/revocation.ts';
import { DIRECTORY_AWAY } from '../standing.ts';
import { Administration } from './administration.ts';
import { alertLine } from './alert.ts';
import { changesAccount, claimAwsAccount, claimedAccount, releaseAwsAccounts } from './aws-account.ts';
import { Copies } from './copies.ts';
import { FaultLog } from './faults.ts';
import { Delivery } from './delivery.ts';
import { applyContext, type Host, Turns } from './host.ts';
import { doubtsSince, historyAlertLine, HistoryReader } from './history-reader.ts';
import { kekStanding, type KekStanding, type WritableKek, writableKek } from './kek.ts';
import { MAX_NAMED_SHARDS, tooLarge } from './limits.ts';
import { Outbox } from './outbox.ts';
import { ProjectStore } from './project-store.ts';
import { Puts } from './puts.ts';
import { propose, targetShards } from './rehearsal.ts';
import { registryFigures } from './figures.ts';
import { RevokedTokens } from './revoked-tokens.ts';
import { isConfigShard, projectShard, shardValue, targetShard, type ShardValue } from './shards.ts';
import { TimedWork } from './timed-work.ts';

const SAFETY_ALARM_MS = 5_000;
const MAX_EXPLAINED_CONDITIONS = 2_000;
const MAX_COMPILED_CONDITIONS = 500;

/** Undoes the transaction it is thrown in; its refusal is the answer. */
class Undone extends Error {
  readonly denial: AdminDenial;

  constructor(denial: AdminDenial) {
    super('the change is too large to be kept');
    this.denial = denial;
  }
}

const STAGE_PERMISSION: Permission = 'sts.configuration.apply';

const TAKEN_BACK = new Error('taken back');

/** As the history says it: of a restore also what was restored, of a configuration which change set it was. */
function labelOf(command: Command): string {
  if (command.type === 'configuration.apply') return `${command.type} ${command.changeSet}`;
  return command.type === 'history.restore' ? `${command.type} ${command.sequence}` : command.type;
}

/** What a change wants: `apply` and `provisionWrites` both answer so. */
interface Wanted<T> {
  readonly answer: T;
  readonly writes: readonly Write[];
  readonly shards: readonly string[];
  readonly alert?: IssuerKeysChanged;
  readonly alerts?: readonly IssuerKeysChanged[];
}

export class ProjectRegistry {
  readonly #host: Host;
  readonly #store: ProjectStore;
  readonly #outbox: Outbox;
  readonly #copies: Copies;
  readonly #faults: FaultLog;
  readonly #delivery: Delivery;
  readonly #puts: Puts;
  readonly #timedWork: TimedWork;
  readonly #reader: HistoryReader;
  readonly #administration: Administration;
  readonly #revoked: RevokedTokens;
  readonly #compiler = createPolicyCompiler(MAX_COMPILED_CONDITIONS);
  readonly #changes = new Turns();

  constructor(host: Host) {
    const { sql } = host.ctx.storage;
    this.#host = host;
    this.#store = new ProjectStore(sql, (work) => this.#undone(work));
    this.#reader = new HistoryReader(this.#store.history, host);
    this.#revoked = new RevokedTokens(sql);
    this.#administration = new Administration(host, this.#store, this.#compiler, this.#revoked);
    this.#outbox = new Outbox(sql);
    this.#copies = new Copies(sql);
    this.#faults = new FaultLog(sql);
    const parts = { host, store: this.#store, outbox: this.#outbox, copies: this.#copies, faults: this.#faults };
    this.#delivery = new Delivery({ ...parts, leap: (inForce) => this.#leap(inForce) });
    this.#puts = new Puts(parts);
    const save = (kek: WritableKek, command: string, want: (context: ApplyContext) => ReturnType<typeof apply>) => {
      // A purge lengthens members by a prefix once, and must not be stopped by the few bytes.
      const size = command === 'purge' ? 'any size' : 'limited';
      return this.#save(kek, THE_BROKER, command, this.#store.epoch() + 1, want, size);
    };
    this.#timedWork = new TimedWork({ ...parts, puts: this.#puts, save });
  }

  exists(): boolean {
    return this.#store.exists();
  }

  /** Again with the same project: finishes what is left to do, and answers the same. */
  async provision(project: Project, caller: Caller): Promise<Result<Project, AdminDenial>> {
    const kek = await writableKek(this.#host.env(), this.#storedKekCheck());
    if (!kek.ok) return kek;
    if (!this.exists()) {
      const saved = this.#save(kek.value, caller, 'project.create', 1, (context) => {
        return ok({ answer: undefined, ...provisionWrites(project, context) });
      });
      if (!saved.ok) return saved;
    }
    const kept = this.#store.project();
    if (kept.projectNumber !== project.projectNumber || kept.projectId !== project.projectId) {
      return err({ tag: 'already_exists', resource: projectName(project.projectNumber) });
    }
    return this.#inForce(kept);
  }

  async apply(command: Command, caller: Caller): Promise<Result<Answer, AdminDenial>> {
    if (!this.exists()) return err(this.#noSuchProject());
    const kek = await writableKek(this.#host.env(), this.#storedKekCheck());
    if (!kek.ok) return kek;
    // Whose name is over by now must not stand in this change's way.
    await this.#timedWork.purgeIfDue();
    if (command.type === 'history.restore') {
      const doubtful = await this.#doubts(command.sequence);
      if (doubtful !== undefined) return err(doubtful);
    }
    await this.#delivery.level();
    const above = await this.#administration.above(caller);
    if (!above.ok) return above;
    const saved = await this.#changes.take(() => this.#applyInTurn(kek.value, command, caller, above.value));
    if (!saved.ok) return saved;
    const inForce = await this.#inForce(saved.value);
    if (!inForce.ok) return inForce;
    const marked = await this.#administration.marked(inForce.value);
    return marked.ok ? marked : inForce;
  }

  /** A part of a change set that comes in several calls. Nothing is changed by it; who may not apply may not stage either. */
  async stage(staged: StagedPart, caller: Caller): Promise<Result<null, AdminDenial>> {
    if (!this.exists()) return err(this.#noSuchProject());
    const held = await this.held(caller, [STAGE_PERMISSION], { kind: 'project' });
    if (!held.ok) return held;
    if (held.value.length === 0)
      return err({ tag: 'permission_denied', permission: STAGE_PERMISSION, resource: this.#name() });
    const denial = this.#host.ctx.storage.transactionSync(() =>
      this.#store.staging.put(staged, caller, this.#host.nowMs()),
    );
    return denial === undefined ? ok(null) : err(denial);
  }

  async read(query: Query): Promise<Result<Answer, AdminDenial>> {
    await this.#timedWork.purgeIfDue();
    if (!this.exists()) return err(this.#noSuchProject());
    const answer = read(this.#store, query);
    return answer.ok ? this.#administration.marked(answer.value) : answer;
  }

  /** Which of these rights the caller has on this resource now. Whether the resource is there is not asked. */
  async held(
    caller: Caller,
    permissions: readonly string[],
    resource: PolicyResource,
  ): Promise<Result<readonly string[], AdminDenial>> {
    if (!this.exists()) return ok([]);
    const above = await this.#administration.above(caller);
    if (!above.ok) return above;
    const { organizationPolicy } = above.value;
    const world = { organizationPolicy, nowSeconds: Math.floor(this.#host.nowMs() / 1_000), compiler: this.#compiler };
    const rights = rightsOf(caller.identity, this.#store, world);
    return ok(permissions.filter((permission) => rights.may(permission, resource)));
  }

  /** Dead at the next request that shows one of them. */
  revoke(revocation: Revocation): Result<null, AdminDenial> {
    if (!this.exists()) return err(this.#noSuchProject());
    const added = this.#revoked.add(revocation, Math.floor(this.#host.nowMs() / 1_000));
    const description =
      'As many tokens are revoked as can be kept. Revoke by principal, or wait until some have expired.';
    return added ? ok(null) : err({ tag: 'limit_reached', description });
  }

  /** False as well where there is no project: whether it stands is asked elsewhere. */
  isSessionRevoked(principal: string, issuedAtSeconds: number): boolean {
    return this.exists() && this.#revoked.hasSession(principal, issuedAtSeconds);
  }

  /** May this identity, in whose name nobody else asks, do that with an account of this project, and for how long? */
  async impersonation(identity: Identity, asked: ImpersonationAsked): Promise<Result<Impersonable, AdminDenial>> {
    if (!this.exists()) return err(impersonationDenied(asked));
    const above = await this.#administration.above({ name: '', requestId: '', identity });
    if (!above.ok) return above;
    const { organizationPolicy } = above.value;
    const nowSeconds = Math.floor(this.#host.nowMs() / 1_000);
    return impersonation(this.#store, identity, asked, { organizationPolicy, nowSeconds, compiler: this.#compiler });
  }

  async history(query: HistoryQuery, isForRestore = false): Promise<Result<HistoryAnswer, AdminDenial>> {
    if (!this.exists()) return err(this.#noSuchProject());
    const world = {
      subject: this.#store.subject(),
      epoch: this.#store.epoch(),
      hasBegun: true,
      kek: await writableKek(this.#host.env(), this.#storedKekCheck()),
      epochInForce: () => this.#delivery.epochInForce(),
    };
    return this.#reader.answer(query, world, isForRestore);
  }

  async #doubts(sequence: number): Promise<AdminDenial | undefined> {
    const shown = await this.history({ type: 'list', pageSize: 1 }, true);
    return shown.ok ? doubtsSince(shown.value.faults, sequence) : shown.error;
  }

  /** Of a workload whose provider is this project's, or of a service account of it: is it, and everything that let it in, still wanted here? */
  stands(identity: HomedIdentity): boolean {
    return this.exists() && this.#administration.stands(identity);
  }

  explain(asked: Asked): Result<Explanation, AdminDenial> {
    if (!this.exists()) return err(this.#noSuchProject());
    const state = this.#store;
    const rows = { state, project: projectShard(state), target: (targetId: string) => targetShard(state, targetId) };
    const question = questionOf(asked, rows);
    return question.ok ? ok(explain(question.value, createPolicyCompiler(MAX_EXPLAINED_CONDITIONS))) : question;
  }

  propose(resource: PolicyResource, input: PolicyInput): Result<Proposal, AdminDenial> {
    if (!this.exists()) return err(this.#noSuchProject());
    return propose(this.#store, resource, input, applyContext(this.#host, this.#store.epoch() + 1, THE_BROKER));
  }

  targetShards(targetIds: readonly string[]): Result<readonly (Shards['target'] | null)[], AdminDenial> {
    return this.exists() ? ok(targetShards(this.#store, targetIds)) : err(this.#noSuchProject());
  }

  figures(): RegistryFigures | undefined {
    return this.exists() ? registryFigures(this.#store) : undefined;
  }

  /** Who asks found KV behind, so that record is put again as well. */
  shard(key: string): { epoch: number; value: ShardValue | null } {
    if (!this.exists()) return { epoch: 0, value: null };
    const epoch = this.#store.epoch();
    if (this.#copies.foundBehind(key, epoch, this.#host.nowMs())) this.#host.ctx.waitUntil(this.#afterwards());
    return { epoch, value: shardValue(this.#store, key) };
  }

  /** The authority says whether; the ring does it, and announces it here. */
  async rotateSigningKeys(
    ring: string,
    input: KeyRotation,
    caller: Caller,
  ): Promise<Result<readonly SigningKeyInfo[], AdminDenial>> {
    if (!this.exists()) return err(this.#noSuchProject());
    const above = await this.#administration.above(caller);
    if (!above.ok) return above;
    const context = applyContext(this.#host, this.#store.epoch(), caller);
    const refusal = refusalOfRotation(this.#store, context, above.value, this.#compiler);
    if (refusal !== undefined) return err(refusal);
    // The right was asked for here, so no other project's ring is reached from here.
    if (projectOfRing(ring) !== this.#store.project().projectNumber) return err(this.#noSuchProject());
    return this.#host.env().KEY_RING.getByName(ring).rotate(input, caller);
  }

  /** The key ring's changes come without rows of ours; `caller` and `command` say who moved it, and how. */
  async announce(shards: readonly string[], caller: Caller = THE_BROKER, command = 'announce'): Promise<void> {
    if (!this.exists()) throw new Error('there is no such project to announce a change of');
    const kek = await writableKek(this.#host.env(), this.#storedKekCheck());
    if (!kek.ok) throw new Error('EDGE_STS_KEK is not the key of this state: nothing was announced');
    this.#save(kek.value, caller, command, this.#store.epoch() + 1, () =>
      ok({ answer: undefined, writes: [], shards }),
    );
    const inForce = await this.#inForce(undefined);
    if (!inForce.ok) throw new Error('the change is saved but not in force yet');
  }

  async kekStanding(): Promise<KekStanding> {
    return kekStanding(this.#host.env(), this.#storedKekCheck());
  }

  async alarm(): Promise<void> {
    // Set before anything can go wrong: whatever happens below, there is a next time.
    await this.#host.ctx.storage.setAlarm(this.#host.nowMs() + SAFETY_ALARM_MS);
    if (this.#timedWork.isOver()) {
      if (!(await this.#timedWork.end())) await this.#setAlarm();
      return;
    }
    if (this.exists()) this.#store.staging.sweep(this.#host.nowMs());
    await this.#timedWork.endRaises();
    await this.#timedWork.purgeIfDue();
    await this.#delivery.deliver();
    await this.#puts.putDue();
    await this.#setAlarm();
  }

  /** Changes come one after the other, so that nothing is named between what was told to the directory and what is saved. */
  async #applyInTurn(
    kek: WritableKek,
    command: Command,
    caller: Caller,
    above: Above,
  ): Promise<Result<Answer, AdminDenial>> {
    const applied = (context: ApplyContext) => applyAs(this.#store, command, context, above, this.#compiler);
    const epoch = this.#store.epoch() + 1;
    const tried = applied(applyContext(this.#host, epoch, caller));
    if (!tried.ok) return tried;
    // Only looked at, or as it is already: nothing has to be told, tried again, or saved.
    if (tried.value.writes.length === 0 && tried.value.shards.length === 0) return ok(tried.value.answer);
    const { projectNumber, awsAccountId } = this.#store.project();
    const claimed = claimedAccount(tried.value.writes, awsAccountId);
    const taken = claimed === undefined ? undefined : await claimAwsAccount(this.#host, projectNumber, claimed);
    if (taken !== undefined) return err(taken);
    const announced = await this.#administration.announce(tried.value.writes);
    if (!announced.ok) return announced;
    const { before } = administratorsChanged(this.#store, tried.value.writes);
    const saved = this.#save(kek, caller, labelOf(command), this.#store.epoch() + 1, (context) => {
      const wanted = applied(context);
      const isAnnounced =
        !wanted.ok ||
        (this.#administration.isAnnounced(wanted.value.writes, announced.value) &&
          claimedAccount(wanted.value.writes, awsAccountId) === claimed);
      return isAnnounced ? wanted : err(DIRECTORY_AWAY);
    });
    if (saved.ok) await this.#administration.settle(tried.value.writes, before);
    if (changesAccount(tried.value.writes, awsAccountId)) {
      await releaseAwsAccounts(this.#host, projectNumber, this.#store.project().awsAccountId);
    }
    return saved;
  }

  recordFault(step: string, fault: unknown): void {
    this.#faults.record(this.#host.nowMs(), step, fault);
  }

  /**
   * One transaction: rows, history, epoch and outbox, or none of them. The alarm is part of it, for nothing is awaited in between.
   */
  #save<T>(
    kek: WritableKek,
    caller: Caller,
    command: string,
    epoch: number,
    want: (context: ApplyContext) => Result<Wanted<T>, AdminDenial>,
    size: 'limited' | 'any size' = 'limited',
  ): Result<T, AdminDenial> {
    const nowMs = this.#host.nowMs();
    const context = applyContext(this.#host, epoch, caller);
    let alerts: readonly IssuerKeysChanged[] = [];
    const saved = this.#undoable((): Result<T, AdminDenial> => {
      const wanted = want(context);
      if (!wanted.ok) return wanted;
      const { answer, writes, shards } = wanted.value;
      if (writes.length === 0 && shards.length === 0) return ok(answer);
      const oversize = size === 'limited' ? this.#store.oversize(writes) : undefined;
      if (oversize !== undefined) return err(oversize);
      if (!this.exists()) this.#createTables();
      const few = shards.length <= MAX_NAMED_SHARDS;
      // A step left out makes every copy doubtful, and each is read again: shorter than a long list in each permit's news.
      const inForceAt = few ? epoch : epoch + 1;
      this.#noticed(
        this.#store.commit({ epoch: inForceAt, time: context.time, caller, command, writes, kek }),
        context.time,
      );
      this.#outbox.add({ epoch: inForceAt, shards: few ? shards : [] }, nowMs);
      const configShards = shards.filter(isConfigShard);
      for (const key of configShards) this.#copies.changed(key, inForceAt, nowMs);
      if (!few) this.#copies.allChanged(inForceAt, nowMs);
      if (size === 'limited') this.#refuseLargeShards(configShards);
      const { alert } = wanted.value;
      alerts = [...(wanted.value.alerts ?? []), ...(alert === undefined ? [] : [alert])];
      return ok(answer);
    });
    if (saved.ok) this.#host.ctx.waitUntil(this.#setAlarm());
    if (saved.ok) for (const alert of alerts) this.#host.alert(alertLine(alert, caller, context.time));
    return saved;
  }

  /** Nested in a transaction or by itself: nothing stays of it. */
  #undone<T>(work: () => T): T {
    let done: { readonly value: T } | undefined;
    try {
      this.#host.ctx.storage.transactionSync(() => {
        done = { value: work() };
        throw TAKEN_BACK;
      });
    } catch (fault) {
      if (fault !== TAKEN_BACK) throw fault;
    }
    if (done === undefined) throw new Error('the work was not done');
    return done.value;
  }

  #undoable<T>(work: () => Result<T, AdminDenial>): Result<T, AdminDenial> {
    try {
      return this.#host.ctx.storage.transactionSync(work);
    } catch (fault) {
      if (fault instanceof Undone) return err(fault.denial);
      throw fault;
    }
  }

  /** What has grown too large for the edge shows only when it is put together, so after the rows are written. */
  #refuseLargeShards(keys: readonly string[]): void {
    // Nothing changes meanwhile, and a change of a role may name every target.
    let known: ReturnType<RoleReader> | undefined;
    const roles: RoleReader = () => (known ??= allRoles(this.#store));
    for (const key of keys) {
      const denial = tooLarge(`the record ${key}`, shardValue(this.#store, key, roles));
      if (denial !== undefined) throw new Undone(denial);
    }
  }

  #createTables(): void {
    for (const part of [this.#store, this.#outbox, this.#copies, this.#faults]) part.createTables();
  }

  /** The answer, once every isolate that asks for a permit hears of the change. */
  async #inForce<T>(answer: T): Promise<Result<T, AdminDenial>> {
    const delivered = await this.#delivery.deliver();
    this.#host.ctx.waitUntil(this.#afterwards());
    return delivered ? ok(answer) : err({ tag: 'not_in_force_yet', resource: this.#name() });
  }

  async #afterwards(): Promise<void> {
    await this.#puts.putDue();
    await this.#setAlarm();
  }

  /**
   * This object was restored from an older day, so the edge trusts epochs that are yet to come here. Two steps beyond the
   * newest of them: the gap makes every copy doubtful, and each is read again.
   */
  async #leap(inForce: number): Promise<void> {
    const kek = await writableKek(this.#host.env(), this.#storedKekCheck());
    if (!kek.ok) throw new Error('EDGE_STS_KEK is not the key of this state: it is not told that it was restored');
    const nowMs = this.#host.nowMs();
    const behind = this.#store.epoch();
    if (inForce <= behind) return;
    const epoch = inForce + 2;
    const time = new Date(nowMs).toISOString();
    const doubt = `the state was set back: changes between the epochs ${behind} and ${inForce} are not in it`;
    this.#host.ctx.storage.transactionSync(() => {
      const change = { epoch, time, caller: THE_BROKER, command: 'leap', writes: [], kek: kek.value, doubt };
      this.#noticed([{ description: doubt }, ...this.#store.commit(change)], time);
      this.#outbox.add({ epoch, shards: [] }, nowMs);
      this.#copies.allChanged(epoch, nowMs);
    });
  }

  /** Whoever watches is told; the answers of `GET` say so for as long as the entries are kept. */
  #noticed(faults: readonly HistoryFault[], time: string): void {
    if (faults.length > 0) this.#host.alert(historyAlertLine(this.#store.subject(), faults, time));
  }

  /** No copy may be put before the outbox is empty; an alarm for one would come back at once, again and again. */
  async #setAlarm(): Promise<void> {
    const changeDueAtMs = this.#outbox.dueAtMs() ?? this.#puts.dueAtMs() ?? Infinity;
    const timedDueAtMs = this.#timedWork.dueAtMs();
    const dueAtMs = this.#timedWork.isOver() ? timedDueAtMs : Math.min(changeDueAtMs, timedDueAtMs);
    if (dueAtMs < Infinity) await this.#host.ctx.storage.setAlarm(dueAtMs);
  }

  #storedKekCheck(): string | undefined {
    return this.exists() ? this.#store.kekCheck() : undefined;
  }

  #name(): string {
    return projectName(this.#store.project().projectNumber);
  }

  #noSuchProject(): AdminDenial {
    return { tag: 'not_found', resource: (this.#host.ctx.id.name ?? '').replace(/^project\//, 'projects/') };
  }
}
