/** What an exchange leaves behind for rehearsals: said before its permit comes, so that the permit's question can carry it, and anew where it ended otherwise. */
import type { Denial } from './denial.ts';
import { checkOf } from './denial-check.ts';
import type { ExchangePorts } from './ports.ts';
import type { Principal } from './principal.ts';
import { recentExchange } from './recent.ts';

/** Filled along the way. */
export interface Memory {
  readonly requestId: string;
  readonly startMs: number;
  principal?: Principal;
  /** Of the claims, as the token spelt them. */
  claimsBytes?: number;
  /** The target that was asked for, if there is one. */
  targetId?: string | undefined;
  /** The project keeps what was asked of it. */
  isKept?: boolean;
  /** The roles that were said last, as granted. */
  saidRoles?: readonly string[];
}

type Ports = Pick<ExchangePorts, 'remember'>;

export function rememberGrant(roles: readonly string[], memory: Memory, ports: Ports): void {
  if (memory.isKept !== true || memory.saidRoles === roles) return;
  remember({ outcome: 'granted', reason: 'granted', roles }, memory, ports);
  memory.saidRoles = roles;
}

/** Only who has shown a token that holds is remembered: the ring is no place for strangers to write to. */
export function rememberRefusal(denial: Denial, memory: Memory, ports: Ports): void {
  if (memory.saidRoles === undefined && WITHOUT_PROOF.includes(denial.tag)) return;
  const check = checkOf(denial);
  remember({ outcome: 'refused', reason: denial.tag, ...(check === undefined ? {} : { check }) }, memory, ports);
}

const WITHOUT_PROOF: readonly Denial['tag'][] = ['unverified', 'unknown_provider', 'disabled', 'too_many_failures'];

type Ending = Pick<Parameters<typeof recentExchange>[1], 'outcome' | 'reason' | 'check' | 'roles'>;

function remember(ending: Ending, memory: Memory, ports: Ports): void {
  const { principal, claimsBytes, targetId, requestId: id, startMs: timeMs, isKept, saidRoles } = memory;
  if (principal === undefined || isKept !== true) return;
  const seen = {
    id,
    timeMs,
    ...ending,
    ...(targetId === undefined ? {} : { targetId }),
    ...(saidRoles === undefined ? {} : { again: true as const }),
  };
  ports.remember(principal.provider.projectNumber, recentExchange(principal, seen, claimsBytes));
}
