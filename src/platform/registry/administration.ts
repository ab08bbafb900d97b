/** What a project's Registry asks of others before it lets anybody in: what the organization says, and whether the caller still stands at home. */
import { type Caller, type HomedIdentity, homeOf } from '../../core/admin/caller.ts';
import {
  administratorsChanged,
  administratorsOf,
  isOfProject,
  policiesNaming,
} from '../../core/admin/authority/administrative-pools.ts';
import { type Above, NOTHING_ABOVE } from '../../core/admin/authority/above.ts';
import { isAdministrative, namedBy } from '../../core/admin/authority/escalation.ts';
import { accountStands, stands } from '../../core/admin/authority/standing.ts';
import type { Answer } from '../../core/admin/commands.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import type { ConfigState, Write } from '../../core/admin/state.ts';
import type { PolicyCompiler } from '../../core/policy/cache.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { DIRECTORY_NAME } from '../object-names.ts';
import { DIRECTORY_AWAY, isHomed, standsAtHome } from '../standing.ts';
import { within } from '../within.ts';
import type { Host } from './host.ts';
import type { RevokedTokens } from './revoked-tokens.ts';

const PATIENCE_MS = 5_000;

export class Administration {
  readonly #host: Host;
  readonly #state: ConfigState;
  readonly #compiler: PolicyCompiler;
  readonly #revoked: Pick<RevokedTokens, 'has'>;

  constructor(host: Host, state: ConfigState, compiler: PolicyCompiler, revoked: Pick<RevokedTokens, 'has'>) {
    this.#revoked = revoked;
    this.#host = host;
    this.#state = state;
    this.#compiler = compiler;
  }

  /** Nothing is asked for callers whom no policy could stop. */
  async above(caller: Caller): Promise<Result<Above, AdminDenial>> {
    const { identity } = caller;
    if (identity.kind === 'bootstrap' || identity.kind === 'broker' || identity.kind === 'pusher')
      return ok(NOTHING_ABOVE);
    try {
      const isStanding = isHomed(identity) ? await this.#standsAtHome(identity) : true;
      return isStanding ? ok(await this.#askAbove(caller)) : err({ tag: 'bad_credentials' });
    } catch {
      return err(DIRECTORY_AWAY);
    }
  }

  stands(identity: HomedIdentity): boolean {
    if (this.#revoked.has(identity)) return false;
    if (identity.kind === 'serviceAccount') return accountStands(this.#state, identity);
    return stands(this.#state, identity, Math.floor(this.#host.nowMs() / 1_000), this.#compiler);
  }

  /**
   * Whom a change will let administer is told to the directory before the change is saved: a pool of another project must not be anybody's
   * to write in the meantime. Answers whom it told of.
   */
  async announce(writes: readonly Write[]): Promise<Result<ReadonlySet<string>, AdminDenial>> {
    const gained = new Set(
      [...administratorsChanged(this.#state, writes).after].filter((subject) => !this.#isOwn(subject)),
    );
    if (gained.size === 0) return ok(gained);
    try {
      await within(PATIENCE_MS, this.#directory().nameAdministrators(this.#number(), [...gained]));
      return ok(gained);
    } catch {
      return err(DIRECTORY_AWAY);
    }
  }

  /** Looked at once more in the transaction. */
  isAnnounced(writes: readonly Write[], announced: ReadonlySet<string>): boolean {
    const { after } = administratorsChanged(this.#state, writes);
    return [...after].every((subject) => this.#isOwn(subject) || announced.has(subject));
  }

  /** After a change: whom nothing names any more is taken back. Never rejects; what stays behind only asks for an owner where none is needed. */
  async settle(writes: readonly Write[], before: ReadonlySet<string>): Promise<void> {
    if (writes.length === 0 || [...before].every((subject) => this.#isOwn(subject))) return;
    const all = administratorsOf(this.#state, policiesNaming(this.#state));
    const subjects = [...all].filter((subject) => !this.#isOwn(subject));
    try {
      await within(PATIENCE_MS, this.#directory().settleAdministrators(this.#number(), subjects));
    } catch {
      // The next change of a policy tries again.
    }
  }

  /** A pool with the mark that it is administrative, which is nobody's to write. */
  async marked(answer: Answer): Promise<Result<Answer, AdminDenial>> {
    if (answer.kind !== 'pool' && answer.kind !== 'pools') return ok(answer);
    try {
      const named = namedBy(await this.#askAbove());
      const isMarked = (poolId: string): boolean => isAdministrative(this.#state, poolId, named);
      if (answer.kind === 'pool')
        return ok(isMarked(answer.pool.poolId) ? { ...answer, administrative: true } : answer);
      const marked = answer.pools.map(({ poolId }) => poolId).filter(isMarked);
      return ok(marked.length > 0 ? { ...answer, administrative: marked } : answer);
    } catch {
      return err(DIRECTORY_AWAY);
    }
  }

  #askAbove(caller?: Caller): Promise<Above> {
    return within(PATIENCE_MS, this.#directory().above(this.#number(), caller));
  }

  async #standsAtHome(identity: HomedIdentity): Promise<boolean> {
    // What is shut out in these rows is looked at here, without a way out of the object.
    if (homeOf(identity) === this.#number()) return this.stands(identity);
    return standsAtHome(this.#host.env().REGISTRY, identity);
  }

  #isOwn(subject: string): boolean {
    return isOfProject(this.#state.project(), subject);
  }

  #directory() {
    return this.#host.env().REGISTRY.getByName(DIRECTORY_NAME);
  }

  #number(): string {
    return this.#state.project().projectNumber;
  }
}
