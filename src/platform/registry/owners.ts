/** Who may do what on the organization itself, and which of its owners were here lately: before the bootstrap token goes, somebody else must be in. */
import { ESCALATE, type Rights, rightsOf } from '../../core/admin/authority/rights.ts';
import type { Caller } from '../../core/admin/caller.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import { createPolicyCompiler } from '../../core/policy/cache.ts';
import type { Policy } from '../../core/resources.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { DIRECTORY_AWAY, isHomed, standsAtHome } from '../standing.ts';
import type { AdministratorRows } from './administrator-rows.ts';
import type { Host } from './host.ts';

const MAX_COMPILED_CONDITIONS = 200;
const SIGN_IN_COUNTS_MS = 3_600_000;
/** A row for each request would be a write for each request. */
const SIGN_IN_NOTED_EVERY_MS = 60_000;

export class Owners {
  readonly #host: Host;
  readonly #rows: AdministratorRows;
  readonly #policy: () => Policy;
  readonly #compiler = createPolicyCompiler(MAX_COMPILED_CONDITIONS);

  constructor(host: Host, rows: AdministratorRows, policy: () => Policy) {
    this.#host = host;
    this.#rows = rows;
    this.#policy = policy;
  }

  rights({ identity }: Caller): Rights {
    const nowSeconds = Math.floor(this.#host.nowMs() / 1_000);
    return rightsOf(identity, undefined, { organizationPolicy: this.#policy(), nowSeconds, compiler: this.#compiler });
  }

  may(caller: Caller, permission: string): boolean {
    return this.rights(caller).may(permission, { kind: 'organization' });
  }

  /** Whom a policy makes one: not the bootstrap token, which needs none. */
  isOne(caller: Caller): boolean {
    const { kind } = caller.identity;
    return (kind === 'workload' || kind === 'serviceAccount' || kind === 'user') && this.may(caller, ESCALATE);
  }

  note(caller: Caller): void {
    const nowMs = this.#host.nowMs();
    const knownAtMs = this.#rows.signIn(caller.name) ?? -Infinity;
    if (nowMs - knownAtMs < SIGN_IN_NOTED_EVERY_MS || !this.isOne(caller)) return;
    this.#host.ctx.storage.transactionSync(() => {
      this.#rows.createTables();
      this.#rows.signedIn(caller, nowMs, nowMs - SIGN_IN_COUNTS_MS);
    });
  }

  /** Within the hour, an owner still, and not shut out at home. */
  async whoWasHere(): Promise<Caller | undefined> {
    for (const { caller } of this.#rows.signInsSince(this.#host.nowMs() - SIGN_IN_COUNTS_MS)) {
      if (this.isOne(caller) && (await this.standing(caller)).ok) return caller;
    }
    return undefined;
  }

  async standing({ identity }: Caller): Promise<Result<null, AdminDenial>> {
    if (!isHomed(identity)) return ok(null);
    try {
      return (await standsAtHome(this.#host.env().REGISTRY, identity)) ? ok(null) : err({ tag: 'bad_credentials' });
    } catch {
      return err(DIRECTORY_AWAY);
    }
  }
}
