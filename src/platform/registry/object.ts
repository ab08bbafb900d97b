/** Registry object: shell of the two roles, told apart by their names (`address.ts`): the directory, and one project's configuration. */
import { DurableObject } from 'cloudflare:workers';
import type { Above } from '../../core/admin/authority/above.ts';
import type { RetiredToken } from '../../core/admin/authenticated.ts';
import type { Impersonable, ImpersonationAsked } from '../../core/admin/authority/impersonation.ts';
import type { Caller, HomedIdentity, Identity } from '../../core/admin/caller.ts';
import type { StagedPart } from '../../core/admin/configuration/change.ts';
import type { Answer, Command, Page, PolicyInput, PolicyResource, Query } from '../../core/admin/commands.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import type { HistoryAnswer, HistoryQuery } from '../../core/admin/history/entry.ts';
import type { RestoredStep } from '../../core/admin/history/step.ts';
import type { KeyRotation, SigningKeyInfo } from '../../core/admin/port.ts';
import type { Proposal } from '../../core/admin/propose.ts';
import type { Asked, Explanation } from '../../core/explain/answer.ts';
import type { RegistryFigures } from '../../core/metrics.ts';
import type { Policy, Project, Shards } from '../../core/resources.ts';
import type { Result } from '../../core/result.ts';
import type { Revocation } from '../../core/token-care/revocation.ts';
import type { ProjectIds } from './directory-store.ts';
import { Directory, type NewProject } from './directory.ts';
import type { Host } from './host.ts';
import type { KekStanding } from './kek.ts';
import { ProjectRegistry } from './project.ts';
import type { SessionRow } from './session-rows.ts';
import type { ShardValue } from './shards.ts';

// oxlint-disable-next-line no-console -- stdout is where alerts belong: where the change is saved, so that none is without its line
const writeLine = (line: string): void => console.log(line);

const ALARM_AFTER_FAULT_MS = 30_000;

export class Registry extends DurableObject<Env> {
  /** A property of the instance, which RPC does not reach: no caller can tell this object the time. */
  clock: () => number = () => Date.now();
  readonly #directory: Directory;
  readonly #project: ProjectRegistry;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const host: Host = { ctx, env: () => this.env, nowMs: () => this.clock(), alert: writeLine };
    this.#directory = new Directory(host);
    this.#project = new ProjectRegistry(host);
  }

  async createProject(input: NewProject, caller: Caller): Promise<Result<Project, AdminDenial>> {
    return this.#directory.createProject(input, caller);
  }

  async findProject(idOrNumber: string): Promise<ProjectIds | undefined> {
    return this.#directory.findProject(idOrNumber);
  }

  async listProjects(page: Page): Promise<{ projects: readonly ProjectIds[]; next: string }> {
    return this.#directory.listProjects(page);
  }

  async organizationPolicy(): Promise<Policy> {
    return this.#directory.organizationPolicy();
  }

  async setOrganizationPolicy(input: PolicyInput, caller: Caller): Promise<Result<Policy, AdminDenial>> {
    return this.#directory.setOrganizationPolicy(input, caller);
  }

  async above(projectNumber: string, caller?: Caller): Promise<Above> {
    return this.#directory.above(projectNumber, caller);
  }

  async heldOnOrganization(caller: Caller, permissions: readonly string[]): Promise<readonly string[]> {
    return this.#directory.held(caller, permissions);
  }

  async nameAdministrators(projectNumber: string, subjects: readonly string[]): Promise<void> {
    this.#directory.nameAdministrators(projectNumber, subjects);
  }

  async settleAdministrators(projectNumber: string, subjects: readonly string[]): Promise<void> {
    this.#directory.settleAdministrators(projectNumber, subjects);
  }

  async projectOfAwsAccount(accountId: string): Promise<string | undefined> {
    return this.#directory.projectOfAwsAccount(accountId);
  }

  async claimAwsAccount(projectNumber: string, accountId: string): Promise<boolean> {
    return this.#directory.claimAwsAccount(projectNumber, accountId);
  }

  async releaseAwsAccounts(projectNumber: string, kept: string | undefined): Promise<void> {
    this.#directory.releaseAwsAccounts(projectNumber, kept);
  }

  async projectsOf(caller: Caller): Promise<readonly ProjectIds[]> {
    return this.#directory.projectsOf(caller);
  }

  async history(query: HistoryQuery): Promise<Result<HistoryAnswer, AdminDenial>> {
    return this.#directory.exists() ? this.#directory.history(query) : this.#project.history(query);
  }

  async restoreOrganizationPolicy(
    sequence: number,
    validateOnly: boolean,
    caller: Caller,
  ): Promise<Result<readonly RestoredStep[], AdminDenial>> {
    return this.#directory.restoreOrganizationPolicy(sequence, validateOnly, caller);
  }

  async endProject(projectNumber: string): Promise<void> {
    return this.#directory.endProject(projectNumber);
  }

  async retiredTokens(): Promise<readonly RetiredToken[]> {
    return this.#directory.retiredTokens();
  }

  async retireBootstrapToken(token: RetiredToken, caller: Caller): Promise<Result<null, AdminDenial>> {
    return this.#directory.retireBootstrapToken(token, caller);
  }

  async openSession(row: SessionRow): Promise<Result<null, AdminDenial>> {
    return this.#directory.openSession(row);
  }

  async session(id: string, isActive: boolean): Promise<string | undefined> {
    return this.#directory.session(id, isActive);
  }

  async endSession(id: string): Promise<void> {
    this.#directory.endSession(id);
  }

  async held(
    caller: Caller,
    permissions: readonly string[],
    resource: PolicyResource,
  ): Promise<Result<readonly string[], AdminDenial>> {
    return this.#project.held(caller, permissions, resource);
  }

  async stands(identity: HomedIdentity): Promise<boolean> {
    return this.#project.stands(identity);
  }

  async revoke(revocation: Revocation): Promise<Result<null, AdminDenial>> {
    return this.#project.revoke(revocation);
  }

  async isSessionRevoked(principal: string, issuedAtSeconds: number): Promise<boolean> {
    return this.#project.isSessionRevoked(principal, issuedAtSeconds);
  }

  async impersonation(identity: Identity, asked: ImpersonationAsked): Promise<Result<Impersonable, AdminDenial>> {
    return this.#project.impersonation(identity, asked);
  }

  async provision(project: Project, caller: Caller): Promise<Result<Project, AdminDenial>> {
    return this.#project.provision(project, caller);
  }

  async apply(command: Command, caller: Caller): Promise<Result<Answer, AdminDenial>> {
    return this.#project.apply(command, caller);
  }

  async stage(staged: StagedPart, caller: Caller): Promise<Result<null, AdminDenial>> {
    return this.#project.stage(staged, caller);
  }

  async read(query: Query): Promise<Result<Answer, AdminDenial>> {
    return this.#project.read(query);
  }

  async explain(asked: Asked): Promise<Result<Explanation, AdminDenial>> {
    return this.#project.explain(asked);
  }

  async propose(resource: PolicyResource, input: PolicyInput): Promise<Result<Proposal, AdminDenial>> {
    return this.#project.propose(resource, input);
  }

  async targetShards(targetIds: readonly string[]): Promise<Result<readonly (Shards['target'] | null)[], AdminDenial>> {
    return this.#project.targetShards(targetIds);
  }

  async shard(key: string): Promise<{ epoch: number; value: ShardValue | null }> {
    return this.#project.shard(key);
  }

  async rotateSigningKeys(
    ring: string,
    input: KeyRotation,
    caller: Caller,
  ): Promise<Result<readonly SigningKeyInfo[], AdminDenial>> {
    return this.#project.rotateSigningKeys(ring, input, caller);
  }

  /** For whoever watches; undefined where there is no project. */
  async figures(): Promise<RegistryFigures | undefined> {
    return this.#project.figures();
  }

  async announce(shards: readonly string[], caller?: Caller, command?: string): Promise<void> {
    return this.#project.announce(shards, caller, command);
  }

  async ping(): Promise<{ kek: KekStanding }> {
    return { kek: await (this.#directory.exists() ? this.#directory : this.#project).kekStanding() };
  }

  /** Never throws: after six throws the runtime would give up, and what is undelivered would stay so. */
  override async alarm(): Promise<void> {
    const role = this.#directory.exists() ? this.#directory : this.#project;
    if (!role.exists()) return;
    try {
      await role.alarm();
    } catch (fault) {
      await this.#surviveFault(role, fault);
    }
  }

  async #surviveFault(role: Directory | ProjectRegistry, fault: unknown): Promise<void> {
    try {
      role.recordFault('alarm', fault);
      await this.ctx.storage.setAlarm(Date.now() + ALARM_AFTER_FAULT_MS);
    } catch {
      // The storage itself is away; the alarm that was set first stands.
    }
  }
}
