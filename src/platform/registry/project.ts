/**
 * The authority over one project's configuration: save, put in force, then copy to the edge, in that order.
 * Each step leaves a row behind before it starts, so that a crash anywhere is finished by the alarm.
 */
import { apply, type IssuerKeysChanged } from '../../core/admin/apply.ts';
import type { Above } from '../../core/admin/authority/above.ts';
import { administratorsChanged } from '../../core/admin/authority/administrative-pools.ts';
import { applyAs } from '../../core/admin/authority/apply-as.ts';
import { rightsOf } from '../../core/admin/authority/rights.ts';
import { type Caller, THE_BROKER, type WorkloadIdentity } from '../../core/admin/caller.ts';
import type { StagedPart } from '../../core/admin/configuration/change.ts';
import type { Answer, Command, PolicyInput, PolicyResource, Query } from '../../core/admin/commands.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import { allRoles, type RoleReader } from '../../core/admin/deny-resolution.ts';
import type { HistoryAnswer, HistoryFault, HistoryQuery } from '../../core/admin/history/entry.ts';
import { ownLimitsByKey } from '../../core/admin/own-limits.ts';
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
import { recentRetentionSeconds } from '../../core/recent.ts';
import type { Project, Shards } from '../../core/resources.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { DIRECTORY_AWAY } from '../standing.ts';
import { Administration } from './administration.ts';
import { alertLine } from './alert.ts';
import { Copies } from './copies.ts';
import { endProject } from './end-of-project.ts';
import { FaultLog } from './faults.ts';
import { macKeys, type MacKeys } from '../sealed-record.ts';
import { within } from '../within.ts';
import { applyContext, DELIVERY_PATIENCE_MS, type Host, PATIENCE_MS, Turns } from './host.ts';
import { doubtsSince, historyAlertLine, HistoryReader } from './history-reader.ts';
import { kekStanding, type KekStanding, type WritableKek, writableKek } from './kek.ts';
import { MAX_NAMED_SHARDS, tooLarge } from './limits.ts';
import { Outbox } from './outbox.ts';
import { ProjectStore } from './project-store.ts';
import { sealRecord } from './record.ts';
import { propose, targetShards } from './rehearsal.ts';
import { registryFigures } from './figures.ts';
import { isConfigShard, projectShard, shardValue, targetShard, type ShardValue } from './shards.ts';

/** Half of this is left when a record is put again: the object may be away for twelve hours before the edge forgets. */
const RECORD_LIFE_MS = 24 * 3_600_000;
/** KV lets go of a record a while after nobody may believe it any more. */
const RECORD_EXPIRATION_TTL_SECONDS = RECORD_LIFE_MS / 1_000 + 3_600;
/** Puts in one go: below the 50 calls to other services that the smallest plan grants to one invocation. */
const PUTS_IN_ONE_GO = 30;
const SAFETY_ALARM_MS = 5_000;
const WRONG_KEK_RETRY_MS = 300_000;
const FAULTY_PUTS_RETRY_MS = 5_000;
const FAULTY_CLOCK_RETRY_MS = 5_000;
const FAULTY_END_RETRY_MS = 60_000;
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
  /** The attempt in flight: all who wait for the quota object wait for the same answer. */
  #attempt: Promise<boolean> | undefined;
  readonly #reader: HistoryReader;
  readonly #administration: Administration;
  readonly #compiler = createPolicyCompiler(MAX_COMPILED_CONDITIONS);
  readonly #changes = new Turns();
  readonly #puts = new Turns();
  #isLevel = false;
  #putsNotBeforeMs = 0;
  #clockNotBeforeMs = 0;

  constructor(host: Host) {
    const { sql } = host.ctx.storage;
    this.#host = host;
    this.#store = new ProjectStore(sql, (work) => this.#undone(work));
    this.#reader = new HistoryReader(this.#store.history, host);
    this.#administration = new Administration(host, this.#store, this.#compiler);
    this.#outbox = new Outbox(sql);
    this.#copies = new Copies(sql);
    this.#faults = new FaultLog(sql);
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
    await this.#purgeIfDue();
    if (command.type === 'history.restore') {
      const doubtful = await this.#doubts(command.sequence);
      if (doubtful !== undefined) return err(doubtful);
    }
    await this.#level();
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
    await this.#purgeIfDue();
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

  async history(query: HistoryQuery, isForRestore = false): Promise<Result<HistoryAnswer, AdminDenial>> {
    if (!this.exists()) return err(this.#noSuchProject());
    const world = {
      subject: this.#store.subject(),
      epoch: this.#store.epoch(),
      hasBegun: true,
      kek: await writableKek(this.#host.env(), this.#storedKekCheck()),
      epochInForce: () => this.#epochInForce(),
    };
    return this.#reader.answer(query, world, isForRestore);
  }

  async #doubts(sequence: number): Promise<AdminDenial | undefined> {
    const shown = await this.history({ type: 'list', pageSize: 1 }, true);
    return shown.ok ? doubtsSince(shown.value.faults, sequence) : shown.error;
  }

  async #epochInForce(): Promise<number> {
    const { projectNumber } = this.#store.project();
    return (await within(PATIENCE_MS, this.#host.env().QUOTA.getByName(projectNumber).news())).epoch;
  }

  /** Of a workload whose provider is this project's: is it, and everything that let it in, still wanted here? */
  stands(identity: WorkloadIdentity): boolean {
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
    if (await this.#endIfDue()) return;
    if (this.exists()) this.#store.staging.sweep(this.#host.nowMs());
    await this.#endRaises();
    await this.#purgeIfDue();
    await this.#deliver();
    await this.#putCopies();
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
    const announced = await this.#administration.announce(tried.value.writes);
    if (!announced.ok) return announced;
    const { before } = administratorsChanged(this.#store, tried.value.writes);
    const saved = this.#save(kek, caller, labelOf(command), this.#store.epoch() + 1, (context) => {
      const wanted = applied(context);
      const isAnnounced = !wanted.ok || this.#administration.isAnnounced(wanted.value.writes, announced.value);
      return isAnnounced ? wanted : err(DIRECTORY_AWAY);
    });
    if (saved.ok) await this.#administration.settle(tried.value.writes, before);
    return saved;
  }

  recordFault(step: string, fault: unknown): void {
    this.#faults.record(this.#host.nowMs(), step, fault);
  }

  /**
   * One transaction: rows, history, epoch and outbox, or none of them. The alarm is part of it, for nothing is awaited in between.
   * `any size`: a purge lengthens members by a prefix once, and must not be stopped by the few bytes.
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
    const delivered = await this.#deliver();
    this.#host.ctx.waitUntil(this.#afterwards());
    return delivered ? ok(answer) : err({ tag: 'not_in_force_yet', resource: this.#name() });
  }

  async #afterwards(): Promise<void> {
    await this.#putCopies();
    await this.#setAlarm();
  }

  /**
   * True when nothing is left undelivered of what was there when it was asked. Who comes while an attempt is in flight waits for
   * that one, and fails with it: a quota object that hangs costs each writer one patience, not one for each before him. Never rejects.
   */
  async #deliver(): Promise<boolean> {
    if (!this.exists()) return true;
    const wantedEpoch = this.#store.epoch();
    while (this.#outbox.holds(wantedEpoch)) if (!(await this.#sharedAttempt())) return false;
    return true;
  }

  #sharedAttempt(): Promise<boolean> {
    if (this.#attempt !== undefined) return this.#attempt;
    const attempt = this.#tryToDeliver();
    this.#attempt = attempt;
    // Before anybody who waits goes on, so that his next question is a new attempt.
    void attempt.then(() => (this.#attempt = undefined));
    return attempt;
  }

  async #tryToDeliver(): Promise<boolean> {
    try {
      const leapt = await this.#deliverOnce();
      // What it has just become is not in force before the leap is.
      if (leapt) await this.#deliverOnce();
      return true;
    } catch (fault) {
      this.#outbox.failed(this.#host.nowMs());
      this.recordFault('deliver', fault);
      return false;
    }
  }

  async #deliverOnce(): Promise<boolean> {
    const project = this.#store.project();
    const { projectNumber, tokenExchangesPerMinute } = project;
    const changes = this.#outbox.undelivered();
    const quota = this.#host.env().QUOTA.getByName(projectNumber);
    const delivery = quota.advance({
      changes,
      limitPerMinute: tokenExchangesPerMinute,
      ownLimits: ownLimitsByKey(project),
      recentRetentionSeconds: recentRetentionSeconds(project),
    });
    const inForce = await within(DELIVERY_PATIENCE_MS, delivery);
    const newest = changes.at(-1)?.epoch ?? 0;
    if (inForce < newest) throw new Error(`the quota object stays at epoch ${inForce}`);
    this.#outbox.delivered(newest);
    const isBehind = inForce > this.#store.epoch();
    if (isBehind) await this.#leap(inForce);
    return isBehind;
  }

  /**
   * Set back by as many steps as are then written, an object would give epochs out again that stand for something else at the edge. It was
   * started anew to be set back, so one look is enough. Where nobody answers, the change that comes next is not in force either.
   */
  async #level(): Promise<void> {
    if (this.#isLevel) return;
    try {
      const inForce = await this.#epochInForce();
      if (inForce > this.#store.epoch()) await this.#leap(inForce);
      this.#isLevel = true;
    } catch {
      // The delivery of the change meets the same, and writes it down.
    }
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

  /** Raises, and wishes for one, whose time is over: a change like any other, so where the quota object is away the outbox keeps it. */
  #endRaises(): Promise<void> {
    return this.#byTheClock('end raises', this.#raisesEndAtMs(), (kek) => {
      const ended = this.#save(kek, THE_BROKER, 'quota.endRaises', this.#store.epoch() + 1, (context) =>
        apply(this.#store, { type: 'quota.endRaises' }, context),
      );
      if (!ended.ok) throw new Error(`the change is refused: ${ended.error.tag}`);
    });
  }

  /** Nobody uses what is purged, so nobody has to wait until the news of it are delivered. */
  #purgeIfDue(): Promise<void> {
    return this.#byTheClock('purge', this.#purgeDueAtMs(), (kek) => this.#purge(kek));
  }

  /** Step by step, until nothing is due: each is a change of its own, so that a large pool is no large one. */
  #purge(kek: WritableKek): void {
    while ((this.#store.purgeDueAtMs() ?? Infinity) <= this.#host.nowMs()) {
      const before = this.#store.epoch();
      const want = (context: ApplyContext) => apply(this.#store, { type: 'purge' }, context);
      const purged = this.#save(kek, THE_BROKER, 'purge', before + 1, want, 'any size');
      if (!purged.ok) throw new Error(`the purge is refused: ${purged.error.tag}`);
      if (this.#store.epoch() === before) throw new Error('the purge does nothing although something is due');
    }
  }

  /** What no caller asked for, once it is due. Never rejects. */
  async #byTheClock(step: string, dueAtMs: number | undefined, work: (kek: WritableKek) => void): Promise<void> {
    try {
      if ((dueAtMs ?? Infinity) > this.#host.nowMs()) return;
      const kek = await writableKek(this.#host.env(), this.#storedKekCheck());
      if (!kek.ok) {
        this.#clockNotBeforeMs = this.#host.nowMs() + WRONG_KEK_RETRY_MS;
        throw new Error('EDGE_STS_KEK is not the key of this state: nothing was done');
      }
      work(kek.value);
    } catch (fault) {
      this.#clockNotBeforeMs = Math.max(this.#clockNotBeforeMs, this.#host.nowMs() + FAULTY_CLOCK_RETRY_MS);
      this.recordFault(step, fault);
    }
  }

  /** True: nothing is left. */
  async #endIfDue(): Promise<boolean> {
    const dueAtMs = this.#endDueAtMs();
    if (dueAtMs === undefined || dueAtMs > this.#host.nowMs()) return false;
    try {
      return await endProject(this.#host, {
        projectNumber: this.#store.project().projectNumber,
        kekCheck: this.#storedKekCheck(),
        copies: this.#copies,
        puts: this.#puts,
        putsInOneGo: PUTS_IN_ONE_GO,
      });
    } catch (fault) {
      this.#clockNotBeforeMs = Math.max(this.#clockNotBeforeMs, this.#host.nowMs() + FAULTY_END_RETRY_MS);
      this.recordFault('end of the project', fault);
      return false;
    }
  }

  #endDueAtMs(): number | undefined {
    const { expireTime } = this.exists() ? this.#store.project() : {};
    return expireTime === undefined ? undefined : Math.max(Date.parse(expireTime), this.#clockNotBeforeMs);
  }

  #purgeDueAtMs(): number | undefined {
    const dueAtMs = this.exists() ? this.#store.purgeDueAtMs() : undefined;
    return dueAtMs === undefined ? undefined : Math.max(dueAtMs, this.#clockNotBeforeMs);
  }

  #raisesEndAtMs(): number | undefined {
    if (!this.exists()) return undefined;
    const waiting = this.#store.openQuotaPreferences().filter(({ state }) => state === 'PENDING');
    const ends = [...(this.#store.project().temporaryRaises ?? []), ...waiting].flatMap(({ expireTime }) =>
      expireTime === undefined ? [] : [Date.parse(expireTime)],
    );
    return ends.length === 0 ? undefined : Math.max(Math.min(...ends), this.#clockNotBeforeMs);
  }

  /** Puts what is due, unless something is not in force yet: the edge must not learn from KV what was not announced. Never rejects. */
  #putCopies(): Promise<void> {
    return this.#puts.take(async () => {
      try {
        const nowMs = this.#host.nowMs();
        if (!this.exists() || !this.#outbox.isEmpty() || nowMs < this.#putsNotBeforeMs) return;
        const due = this.#copies.due(nowMs, PUTS_IN_ONE_GO);
        if (due.length === 0) return;
        const kek = await writableKek(this.#host.env(), this.#store.kekCheck());
        if (!kek.ok) {
          this.#putsNotBeforeMs = nowMs + WRONG_KEK_RETRY_MS;
          throw new Error('EDGE_STS_KEK is not the key of this state: no record was put');
        }
        this.#store.setKekCheck(kek.value.check);
        this.#store.history.reseal(kek.value.history, this.#store.subject());
        const keys = await macKeys(kek.value.keks);
        await Promise.all(due.map((key) => this.#put(keys, key)));
      } catch (fault) {
        // Not by each put for itself, so nothing else keeps the alarm from coming back at once.
        this.#putsNotBeforeMs = Math.max(this.#putsNotBeforeMs, this.#host.nowMs() + FAULTY_PUTS_RETRY_MS);
        this.recordFault('put', fault);
      }
    });
  }

  async #put(keys: MacKeys, key: string): Promise<void> {
    try {
      const epoch = this.#store.epoch();
      const value = shardValue(this.#store, key);
      const notAfterMs = this.#host.nowMs() + RECORD_LIFE_MS;
      const text = await sealRecord(keys, { key, epoch, notAfterMs, body: JSON.stringify(value) });
      const options = { expirationTtl: RECORD_EXPIRATION_TTL_SECONDS };
      await within(PATIENCE_MS, this.#host.env().CACHE.put(key, text, options));
      this.#copies.put(key, epoch, this.#host.nowMs());
      // KV lets a tombstone go by itself, and nobody is led to that key any more.
      if (value === null) this.#copies.forget(key, epoch);
    } catch (fault) {
      this.#copies.failed(key, this.#host.nowMs());
      this.recordFault(`put ${key}`, fault);
    }
  }

  /** No copy may be put before the outbox is empty; an alarm for one would come back at once, again and again. */
  async #setAlarm(): Promise<void> {
    const changeDueAtMs = this.#outbox.dueAtMs() ?? this.#putsDueAtMs() ?? Infinity;
    const dueAtMs = Math.min(
      changeDueAtMs,
      this.#raisesEndAtMs() ?? Infinity,
      this.#purgeDueAtMs() ?? Infinity,
      this.#endDueAtMs() ?? Infinity,
    );
    if (dueAtMs < Infinity) await this.#host.ctx.storage.setAlarm(dueAtMs);
  }

  #putsDueAtMs(): number | undefined {
    const copiesDueAtMs = this.#copies.dueAtMs();
    return copiesDueAtMs === undefined ? undefined : Math.max(copiesDueAtMs, this.#putsNotBeforeMs);
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
