/** What an exchange leaves behind for rehearsals: said before its permit comes, so that the permit's question can carry it, and anew where it ended otherwise. */
import type { Denial } from './denial.ts';
import { checkOf } from './denial-check.ts';
import type { ExchangePorts } from './ports.ts';
import type { Principal } from './principal.ts';
import { recentExchange, type Seen } from './recent.ts';

/** Filled along the way. */
export interface Memory {
  readonly requestId: string;
  readonly startMs: number;
  principal?: Principal | undefined;
  /** Of the claims, as the token spelt them. */
  claimsBytes?: number | undefined;
  /** The target that was asked for, if there is one. */
  targetId?: string | undefined;
  /** The project keeps what was asked of it. */
  isKept?: boolean | undefined;
  /** The roles that were said last, as granted. */
  saidRoles?: readonly string[] | undefined;
}

type Ports = Pick<ExchangePorts, 'remember'>;

export function rememberGrant(roles: readonly string[], memory: Memory, ports: Ports): void {
  if (memory.isKept !== true || memory.saidRoles === roles) return;
  remember({ outcome: 'granted', reason: 'granted', check: undefined, roles }, memory, ports);
  memory.saidRoles = roles;
}

/** Only who has shown a token that holds is remembered: the ring is no place for strangers to write to. */
export function rememberRefusal(denial: Denial, memory: Memory, ports: Ports): void {
  if (memory.saidRoles === undefined && WITHOUT_PROOF.includes(denial.tag)) return;
  remember({ outcome: 'refused', reason: denial.tag, check: checkOf(denial), roles: undefined }, memory, ports);
}

const WITHOUT_PROOF: readonly Denial['tag'][] = ['unverified', 'unknown_provider', 'disabled', 'too_many_failures'];

type Ending = Pick<Seen, 'outcome' | 'reason' | 'check' | 'roles'>;

function remember(ending: Ending, memory: Memory, ports: Ports): void {
  const { principal, claimsBytes, targetId, requestId: id, startMs: timeMs, isKept, saidRoles } = memory;
  if (principal === undefined || isKept !== true) return;
  const again = saidRoles === undefined ? undefined : true;
  ports.remember(principal.provider.projectNumber, again === true ? 'again' : ending.outcome, () => {
    const { outcome, reason, check, roles } = ending;
    return recentExchange(principal, { id, timeMs, outcome, reason, check, targetId, roles, again }, claimsBytes);
  });
}
