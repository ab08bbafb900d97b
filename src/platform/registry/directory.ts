/**
 * The authority over which projects there are. A project is several objects; it is entered here first, as unfinished, so that
 * a crash half way is finished by the alarm or by whoever asks again, and nobody else can take its number meanwhile.
 */
import { type Above, NOTHING_ABOVE } from '../../core/admin/authority/above.ts';
import { accountKey, poolKey } from '../../core/admin/authority/administrative-pools.ts';
import { refusalOfOrganizationPolicy } from '../../core/admin/authority/escalation.ts';
import { SET_POLICY } from '../../core/admin/authority/needs.ts';
import { ESCALATE } from '../../core/admin/authority/rights.ts';
import type { RetiredToken } from '../../core/admin/authenticated.ts';
import type { Caller } from '../../core/admin/caller.ts';
import type { Page, PolicyInput } from '../../core/admin/commands.ts';
import type { HistoryAnswer, HistoryFault, HistoryQuery } from '../../core/admin/history/entry.ts';
import type { RestoredStep } from '../../core/admin/history/step.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import { TOKEN_EXCHANGES_PER_MINUTE } from '../../core/admin/fields.ts';
import { setOrganizationPolicy } from '../../core/admin/policies.ts';
import { validateNewProject } from '../../core/admin/projects.ts';
import { projectName } from '../../core/names.ts';
import { EMPTY_POLICY, type Policy, type Project } from '../../core/resources.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { projectRegistryName } from '../object-names.ts';
import { AdministratorRows } from './administrator-rows.ts';
import { AwsAccountRows } from './aws-account-rows.ts';
import {
  DIRECTORY_SUBJECT,
  DirectoryStore,
  ORGANIZATION_POLICY,
  type ProjectEntry,
  type ProjectIds,
} from './directory-store.ts';
import { FaultLog } from './faults.ts';
import { within } from '../within.ts';
import { applyContext, type Host, PATIENCE_MS } from './host.ts';
import { tooLarge } from './limits.ts';
import { doubtsSince, historyAlertLine, HistoryReader } from './history-reader.ts';
import { kekStanding, type KekStanding, type WritableKek, writableKek } from './kek.ts';
import { Owners } from './owners.ts';
import { type SessionRow, SessionRows } from './session-rows.ts';

export interface NewProject {
  readonly projectId: string;
  readonly projectNumber?: string;
  readonly displayName?: string;
}

const FINISHED_IN_ONE_GO = 10;
const SAFETY_ALARM_MS = 5_000;
/** Nothing else may ever write here, so the alarm looks whether the KEK was changed. */
const KEK_WATCH_MS = 12 * 3_600_000;

export class Directory {
  readonly #host: Host;
  readonly #store: DirectoryStore;
  readonly #administrators: AdministratorRows;
  readonly #awsAccounts: AwsAccountRows;
  readonly #reader: HistoryReader;
  readonly #owners: Owners;
  readonly #sessions: SessionRows;
  readonly #faults: FaultLog;
  /** Projects whose creator still waits for the answer: a second creator is too late, not a repetition. */
  readonly #beingCreated = new Set<string>();

  constructor(host: Host) {
    this.#host = host;
    this.#store = new DirectoryStore(host.ctx.storage.sql);
    this.#reader = new HistoryReader(this.#store.history, host);
    this.#administrators = new AdministratorRows(host.ctx.storage.sql);
    this.#awsAccounts = new AwsAccountRows(host.ctx.storage.sql);
    this.#owners = new Owners(host, this.#administrators, () => this.organizationPolicy());
    this.#sessions = new SessionRows(host.ctx.storage.sql);
    this.#faults = new FaultLog(host.ctx.storage.sql);
  }

  exists(): boolean {
    return this.#store.exists();
  }

  async createProject(input: NewProject, caller: Caller): Promise<Result<Project, AdminDenial>> {
    const valid = validateNewProject(input);
    if (!valid.ok) return valid;
    const kek = await writableKek(this.#host.env(), this.#storedKekCheck());
    if (!kek.ok) return kek;
    const standing = await this.#owners.standing(caller);
    if (!standing.ok) return standing;
    const entered = this.#enter(input, caller, kek.value);
    if (!entered.ok) return entered;
    const { projectNumber } = entered.value.project;
    this.#beingCreated.add(projectNumber);
    try {
      return await this.#finish(entered.value);
    } finally {
      this.#beingCreated.delete(projectNumber);
      await this.#setAlarm();
    }
  }

  findProject(idOrNumber: string): ProjectIds | undefined {
    if (!this.exists()) return undefined;
    const entry = this.#store.byNumber(idOrNumber) ?? this.#store.byId(idOrNumber);
    if (entry === undefined || !entry.finished || this.#store.isEnded(entry.project.projectNumber)) return undefined;
    return { projectNumber: entry.project.projectNumber, projectId: entry.project.projectId };
  }

  /** One row more than the page holds is asked for: it tells whether there is a next page. */
  listProjects(page: Page): { projects: readonly ProjectIds[]; next: string } {
    if (!this.exists()) return { projects: [], next: '' };
    const found = this.#store.list({ ...page, pageSize: page.pageSize + 1 });
    const projects = found.slice(0, page.pageSize);
    return { projects, next: found.length > projects.length ? (projects.at(-1)?.projectId ?? '') : '' };
  }

  organizationPolicy(): Policy {
    return this.exists() ? this.#store.organizationPolicy() : EMPTY_POLICY;
  }

  async setOrganizationPolicy(
    input: PolicyInput,
    caller: Caller,
    command = 'organization.policy.set',
    validateOnly = false,
  ): Promise<Result<Policy, AdminDenial>> {
    const kek = await writableKek(this.#host.env(), this.#storedKekCheck());
    if (!kek.ok) return kek;
    const standing = await this.#owners.standing(caller);
    if (!standing.ok) return standing;
    return this.#host.ctx.storage.transactionSync(() => {
      const current = this.organizationPolicy();
      const context = applyContext(this.#host, current.revision + 1, caller);
      const permission = SET_POLICY.organization;
      if (!this.#owners.may(caller, permission)) return err(mayNot(permission));
      const policy = setOrganizationPolicy(current, input, context);
      if (!policy.ok) return policy;
      const refusal = refusalOfOrganizationPolicy(current.bindings, policy.value.bindings, this.#owners.rights(caller));
      if (refusal !== undefined) return err(refusal);
      const oversize = tooLarge("the organization's policy", policy.value);
      if (oversize !== undefined) return err(oversize);
      if (validateOnly) return policy;
      this.#openForWriting(kek.value.check);
      const change = { time: context.time, caller, command };
      this.#noticed(this.#store.setOrganizationPolicy(policy.value, change, kek.value.history));
      return policy;
    });
  }

  /** By the project's own object, before it destroys anything: nobody may be led there any more. */
  async endProject(projectNumber: string): Promise<void> {
    const kek = await writableKek(this.#host.env(), this.#storedKekCheck());
    if (!kek.ok) throw new Error('EDGE_STS_KEK is not the key of this state: no project is ended');
    this.#host.ctx.storage.transactionSync(() => {
      this.#openForWriting(kek.value.check);
      const time = new Date(this.#host.nowMs()).toISOString();
      this.#noticed(this.#store.end(projectNumber, time, kek.value.history));
      this.#administrators.settle(projectNumber, []);
      this.#awsAccounts.release(projectNumber, undefined);
    });
  }

  /** What a project has to know of what is above and beside it. An owner of the organization who asks for something has been here. */
  above(projectNumber: string, caller?: Caller): Above {
    if (!this.exists()) return NOTHING_ABOVE;
    if (caller !== undefined) this.#owners.note(caller);
    const project = this.#store.byNumber(projectNumber)?.project;
    return {
      organizationPolicy: this.organizationPolicy(),
      namedByProjects: project === undefined ? [] : this.#administrators.namedByOthers(project),
    };
  }

  /** Which of these rights the caller has on the organization now. */
  held(caller: Caller, permissions: readonly string[]): readonly string[] {
    if (this.exists()) this.#owners.note(caller);
    return permissions.filter((permission) => this.#owners.may(caller, permission));
  }

  nameAdministrators(projectNumber: string, subjects: readonly string[]): void {
    // Then there is no project either whose pool could be named.
    if (!this.exists()) return;
    this.#host.ctx.storage.transactionSync(() => {
      this.#administrators.createTables();
      this.#administrators.name(projectNumber, subjects);
    });
  }

  settleAdministrators(projectNumber: string, subjects: readonly string[]): void {
    if (!this.exists()) return;
    this.#host.ctx.storage.transactionSync(() => {
      this.#administrators.createTables();
      this.#administrators.settle(projectNumber, subjects);
    });
  }

  projectOfAwsAccount(accountId: string): string | undefined {
    const projectNumber = this.exists() ? this.#awsAccounts.projectOf(accountId) : undefined;
    return projectNumber === undefined ? undefined : this.findProject(projectNumber)?.projectNumber;
  }

  claimAwsAccount(projectNumber: string, accountId: string): boolean {
    if (!this.exists()) return false;
    this.#awsAccounts.createTable();
    return this.#awsAccounts.claim(accountId, projectNumber);
  }

  releaseAwsAccounts(projectNumber: string, kept: string | undefined): void {
    if (this.exists()) this.#awsAccounts.release(projectNumber, kept);
  }

  /** The projects that may let this caller administer, ascending by id: his own, and those that name him or his pool. */
  projectsOf({ identity }: Caller): readonly ProjectIds[] {
    if (!this.exists()) return [];
    const numbers = new Set<string>();
    if (identity.kind === 'workload') {
      const { projectNumber, poolId } = identity.principal.provider;
      numbers.add(projectNumber);
      for (const number of this.#administrators.projectsNaming(poolKey(projectNumber, poolId))) numbers.add(number);
    }
    if (identity.kind === 'serviceAccount') {
      numbers.add(identity.projectNumber);
      for (const number of this.#administrators.projectsNaming(accountKey(identity.email))) numbers.add(number);
    }
    if (identity.kind === 'user') {
      for (const number of this.#administrators.projectsNaming(`user:${identity.email}`)) numbers.add(number);
    }
    return [...numbers]
      .flatMap((number) => this.findProject(number) ?? [])
      .toSorted((one, other) => (one.projectId < other.projectId ? -1 : 1));
  }

  retiredTokens(): readonly RetiredToken[] {
    return this.exists() ? this.#administrators.retiredTokens() : [];
  }

  /** Of somebody who is known; before there is any project it is the first thing that is written here. */
  async openSession(row: SessionRow): Promise<Result<null, AdminDenial>> {
    const kek = await writableKek(this.#host.env(), this.#storedKekCheck());
    if (!kek.ok) return kek;
    this.#host.ctx.storage.transactionSync(() => {
      this.#openForWriting(kek.value.check);
      this.#sessions.open(row, this.#host.nowMs());
    });
    await this.#setAlarm();
    return ok(null);
  }

  session(id: string, isActive: boolean): string | undefined {
    return this.#sessions.find(id, isActive, this.#host.nowMs());
  }

  endSession(id: string): void {
    this.#sessions.end(id);
  }

  /** Nobody may lock himself out: an owner who is no bootstrap token must have been here within the hour, and still be one. */
  async retireBootstrapToken(token: RetiredToken, caller: Caller): Promise<Result<null, AdminDenial>> {
    const kek = await writableKek(this.#host.env(), this.#storedKekCheck());
    if (!kek.ok) return kek;
    const standing = await this.#owners.standing(caller);
    if (!standing.ok) return standing;
    const anotherOwner = await this.#owners.whoWasHere();
    return this.#host.ctx.storage.transactionSync((): Result<null, AdminDenial> => {
      if (!this.#owners.may(caller, ESCALATE)) return err(mayNot(ESCALATE));
      if (!this.#owners.isOne(caller) && (anotherOwner === undefined || !this.#owners.isOne(anotherOwner))) {
        return err({ tag: 'failed_precondition', description: NO_OTHER_OWNER });
      }
      this.#openForWriting(kek.value.check);
      const time = new Date(this.#host.nowMs()).toISOString();
      this.#administrators.retire(token, time, caller);
      const change = { time, caller, command: 'bootstrapToken.retire' };
      this.#noticed(this.#store.remember(kek.value.history, change, '', null, null));
      return ok(null);
    });
  }

  async history(query: HistoryQuery, isForRestore = false): Promise<Result<HistoryAnswer, AdminDenial>> {
    const kek = await writableKek(this.#host.env(), this.#storedKekCheck());
    return this.#reader.answer(query, { subject: DIRECTORY_SUBJECT, kek, hasBegun: this.#hasBegun() }, isForRestore);
  }

  /** The policy as it was after an entry; everything else that the directory keeps is not taken back. */
  async restoreOrganizationPolicy(
    sequence: number,
    validateOnly: boolean,
    caller: Caller,
  ): Promise<Result<readonly RestoredStep[], AdminDenial>> {
    const shown = await this.history({ type: 'compare', from: sequence, pageSize: 1_000, skip: 0 }, true);
    if (!shown.ok) return shown;
    if (!this.#owners.may(caller, 'sts.history.restore')) return err(mayNot('sts.history.restore'));
    const doubtful = doubtsSince(shown.value.faults, sequence);
    if (doubtful !== undefined) return err(doubtful);
    const differing = shown.value.kind === 'differences' ? shown.value.differences : [];
    const then = differing.find(({ resource }) => resource === ORGANIZATION_POLICY);
    if (then === undefined) return ok([]);
    const policy: Policy = JSON.parse(then.before ?? JSON.stringify(EMPTY_POLICY));
    const input = { version: 3, bindings: policy.bindings };
    const set = await this.setOrganizationPolicy(input, caller, `history.restore ${sequence}`, validateOnly);
    return set.ok ? ok([{ resource: ORGANIZATION_POLICY, action: 'CHANGED' }]) : set;
  }

  #hasBegun(): boolean {
    return this.exists() && this.#store.changes() > 0;
  }

  #noticed(faults: readonly HistoryFault[]): void {
    if (faults.length === 0) return;
    this.#host.alert(historyAlertLine(DIRECTORY_SUBJECT, faults, new Date(this.#host.nowMs()).toISOString()));
  }

  async kekStanding(): Promise<KekStanding> {
    return kekStanding(this.#host.env(), this.#storedKekCheck());
  }

  async alarm(): Promise<void> {
    // Set before anything can go wrong: whatever happens below, there is a next time.
    await this.#host.ctx.storage.setAlarm(this.#host.nowMs() + SAFETY_ALARM_MS);
    const kek = await writableKek(this.#host.env(), this.#storedKekCheck());
    if (kek.ok) {
      this.#store.setKekCheck(kek.value.check);
      this.#store.history.reseal(kek.value.history, DIRECTORY_SUBJECT);
      for (const entry of this.#store.unfinished(FINISHED_IN_ONE_GO)) await this.#finish(entry);
    } else {
      this.#store.failed(this.#host.nowMs());
      this.recordFault('finish projects', new Error('EDGE_STS_KEK is not the key of this state'));
    }
    await this.#setAlarm();
  }

  recordFault(step: string, fault: unknown): void {
    this.#faults.record(this.#host.nowMs(), step, fault);
  }

  /** The entry to finish: a new one, or the one that the same request left unfinished before. */
  #enter(input: NewProject, caller: Caller, kek: WritableKek): Result<ProjectEntry, AdminDenial> {
    const nowMs = this.#host.nowMs();
    const entered = this.#host.ctx.storage.transactionSync((): Result<ProjectEntry, AdminDenial> => {
      if (!this.#owners.may(caller, 'resourcemanager.projects.create'))
        return err(mayNot('resourcemanager.projects.create'));
      this.#openForWriting(kek.check);
      const known = this.#store.byId(input.projectId);
      if (known !== undefined) return this.#isSameRequest(known, input) ? ok(known) : alreadyExists(input.projectId);
      const { projectNumber = this.#freeNumber() } = input;
      if (this.#store.byNumber(projectNumber) !== undefined) return alreadyExists(projectNumber);
      const project: Project = {
        projectNumber,
        projectId: input.projectId,
        displayName: input.displayName ?? '',
        tokenExchangesPerMinute: TOKEN_EXCHANGES_PER_MINUTE.unset,
        createTime: new Date(nowMs).toISOString(),
      };
      this.#noticed(this.#store.add(project, caller, kek.history, nowMs));
      return ok({ project, caller, finished: false });
    });
    // Nothing is awaited since the rows were written, so the alarm is stored with them or not at all.
    if (entered.ok) this.#host.ctx.waitUntil(this.#setAlarm());
    return entered;
  }

  #isSameRequest(known: ProjectEntry, input: NewProject): boolean {
    const { projectNumber, displayName } = known.project;
    if (known.finished || this.#beingCreated.has(projectNumber)) return false;
    return (input.projectNumber ?? projectNumber) === projectNumber && (input.displayName ?? '') === displayName;
  }

  /** Every step may have been done before. Never rejects. */
  async #finish(entry: ProjectEntry): Promise<Result<Project, AdminDenial>> {
    const { project, caller } = entry;
    const { projectNumber } = project;
    try {
      const env = this.#host.env();
      const registry = env.REGISTRY.getByName(projectRegistryName(projectNumber));
      const provisioned = await within(PATIENCE_MS, registry.provision(project, caller));
      if (!provisioned.ok) return this.#unfinished(provisioned.error);
      const ring = await within(PATIENCE_MS, env.KEY_RING.getByName(projectNumber).create(projectNumber));
      if (!ring.ok) return this.#unfinished(ring.error);
      this.#store.finished(projectNumber);
      return ok(provisioned.value);
    } catch (fault) {
      this.recordFault(`finish ${projectName(projectNumber)}`, fault);
      return this.#unfinished({ tag: 'not_in_force_yet', resource: projectName(projectNumber) });
    }
  }

  #unfinished(why: AdminDenial): Result<never, AdminDenial> {
    this.#store.failed(this.#host.nowMs());
    return err(why);
  }

  #openForWriting(kekCheck: string): void {
    this.#store.createTables(kekCheck);
    this.#faults.createTables();
    this.#administrators.createTables();
    this.#store.setKekCheck(kekCheck);
  }

  /** Twelve digits; unguessable it need not be, only unused. */
  #freeNumber(): string {
    for (;;) {
      const [random = 0n] = crypto.getRandomValues(new BigUint64Array(1));
      const projectNumber = String(100_000_000_000n + (random % 900_000_000_000n));
      if (this.#store.byNumber(projectNumber) === undefined) return projectNumber;
    }
  }

  async #setAlarm(): Promise<void> {
    const dueAtMs = this.#store.dueAtMs() ?? this.#host.nowMs() + KEK_WATCH_MS;
    await this.#host.ctx.storage.setAlarm(dueAtMs);
  }

  #storedKekCheck(): string | undefined {
    return this.exists() ? this.#store.kekCheck() : undefined;
  }
}

const NO_OTHER_OWNER =
  'No other owner of organizations/1 signed in within the last hour: without one, nobody could administer this broker any more.';

function mayNot(permission: string): AdminDenial {
  return { tag: 'permission_denied', permission, resource: 'organizations/1' };
}

function alreadyExists(idOrNumber: string): Result<never, AdminDenial> {
  return err({ tag: 'already_exists', resource: projectName(idOrNumber) });
}
