/** Own limits: hard caps on single providers and principals of a project, written as one list. */
import { isServiceAccountSubject } from '../kubernetes.ts';
import { poolMemberOf, parseMember } from '../members.ts';
import { parseProviderName, providerName } from '../names.ts';
import { principalLimitName, providerLimitName } from '../quota/own-limits.ts';
import type { OwnLimit, Project } from '../resources.ts';
import { checkWithin, TOKEN_EXCHANGES_PER_MINUTE, wrong, type Violations } from './fields.ts';
import type { ConfigState } from './state.ts';

/** They travel to the quota object with every change, and their keys to the edge. */
const MAX_OWN_LIMITS = 1_000;
const SUBJECT_FORM =
  'principal://iam.googleapis.com/projects/PROJECT_NUMBER/locations/global/workloadIdentityPools/POOL/subject/SUBJECT';

export function checkOwnLimits(state: ConfigState, ownLimits: readonly OwnLimit[]): Violations {
  if (ownLimits.length > MAX_OWN_LIMITS) return wrong('ownLimits', `holds more than ${MAX_OWN_LIMITS} limits`);
  const seen = new Set<string>();
  return ownLimits.flatMap((limit, index) => {
    const field = `ownLimits[${index}]`;
    const { provider, principal, tokenExchangesPerMinute } = limit;
    if ((provider === undefined) === (principal === undefined)) {
      return wrong(field, 'must name exactly one: a provider or a principal');
    }
    const key = keyOf(limit);
    const again = seen.has(key);
    seen.add(key);
    return [
      ...(again ? wrong(field, 'names what an entry before it names') : []),
      ...(provider === undefined ? [] : checkProvider(state, `${field}.provider`, provider)),
      ...(principal === undefined ? [] : checkPrincipal(state, `${field}.principal`, principal)),
      ...checkWithin(`${field}.tokenExchangesPerMinute`, tokenExchangesPerMinute, TOKEN_EXCHANGES_PER_MINUTE),
    ];
  });
}

/** For the quota object, which counts by these keys. */
export function ownLimitsByKey({ ownLimits = [] }: Project): Readonly<Record<string, number>> {
  return Object.fromEntries(ownLimits.map((limit) => [keyOf(limit), limit.tokenExchangesPerMinute]));
}

/** For the edge, which has to know whom to ask about apart. */
export function ownLimitKeys({ ownLimits = [] }: Project): readonly string[] {
  return ownLimits.map(keyOf);
}

function keyOf({ provider, principal }: OwnLimit): string {
  return provider === undefined ? principalLimitName(principal ?? '') : providerLimitName(provider);
}

function checkProvider(state: ConfigState, field: string, name: string): Violations {
  const parsed = parseProviderName(name);
  const { projectNumber } = state.project();
  if (parsed === undefined || parsed.projectNumber !== projectNumber) {
    const form = providerName({ projectNumber, poolId: 'POOL', providerId: 'PROVIDER' });
    return wrong(field, `must be a provider of this project by its number, not its id: ${form}`);
  }
  return state.provider(parsed.poolId, parsed.providerId) === undefined ? wrong(field, 'does not exist') : [];
}

/** One spelling only, the one a token's `principal` claim has: what is counted by another would be no limit. */
function checkPrincipal(state: ConfigState, field: string, text: string): Violations {
  const member = parseMember(text);
  if (!member.ok || member.value.kind !== 'subject') return wrong(field, `must be a single subject, ${SUBJECT_FORM}`);
  const named = poolMemberOf(text);
  if (named?.projectNumber !== state.project().projectNumber) return wrong(field, 'must be of a pool of this project');
  const pool = state.pool(named.poolId);
  if (pool === undefined) return wrong(field, 'is of a pool that does not exist');
  const subject = named.selector.slice('subject/'.length);
  return pool.builtIn && !isServiceAccountSubject(subject)
    ? wrong(field, 'must be …/subject/ns/NAMESPACE/sa/NAME: in this pool there are clusters only')
    : [];
}
