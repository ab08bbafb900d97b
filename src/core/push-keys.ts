/** Keys pushed from inside a cluster: authenticate by a token that is good for nothing else and only once, then one command to the Registry; and one event. */
import { mayNotPush, PUSH_PERMISSION } from './admin/push-keys.ts';
import type { Caller } from './admin/caller.ts';
import type { AdminDenial } from './admin/denial.ts';
import type { AdminPort } from './admin/port.ts';
import { parseAssertion, type UnverifiedAssertion } from './assertion.ts';
import { authenticate, type Authenticated } from './authenticate.ts';
import { type Denial, unverified } from './denial.ts';
import { type Cause, causeOf } from './denial-check.ts';
import type { PushEvent } from './event.ts';
import { mayExist, type ProviderName, providerName } from './names.ts';
import { ConfigUnavailable, type ConfigView, type ExchangePorts } from './ports.ts';
import { memberTexts, type Principal, principalIdentifier } from './principal.ts';
import type { Provider } from './resources.ts';
import { err, ok, type Result } from './result.ts';

export interface PushInput {
  readonly requestId: string;
  readonly name: ProviderName;
  /** Where the request came from; limits failed verifications. */
  readonly address: string;
  readonly token: string;
  readonly jwksJson: string;
}

export interface Pushed {
  readonly provider: Provider;
  readonly warnings: readonly string[];
}

export type PushDenial = AdminDenial | { readonly tag: 'too_many_failures'; readonly retryAfterSeconds: number };

export type PushKeys = (input: PushInput) => Promise<Result<Pushed, PushDenial>>;

export type PushPorts = Pick<
  ExchangePorts,
  | 'nowMs'
  | 'compiler'
  | 'openConfig'
  | 'newsBeforeRefusal'
  | 'discoveredKeys'
  | 'verifySignature'
  | 'reviewToken'
  | 'failures'
  | 'recordPush'
>;

/** What the caller hears is one thing, why is the operator's affair. */
interface Refusal {
  readonly told: PushDenial;
  readonly cause: Cause;
}

/** Filled along the way, for the event. */
interface Trace {
  principal?: Principal;
}

export function createPushKeys(ports: PushPorts, admin: Pick<AdminPort, 'apply'>): PushKeys {
  return async (input) => {
    const startMs = ports.nowMs();
    const trace: Trace = {};
    const record = (outcome: Outcome): void => ports.recordPush(eventOf(input, outcome, trace, startMs, ports.nowMs()));
    try {
      const pushed = await closed(() => push(input, ports, admin, trace));
      record(pushed);
      return pushed.ok ? pushed : err(pushed.error.told);
    } catch (fault) {
      // A push that leaves no trace would be a thief's best one: the line first, then the 500.
      record(err({ cause: causeOf({ tag: 'internal', fault: fault instanceof Error ? fault.name : 'unknown' }) }));
      throw fault;
    }
  };
}

async function closed(attempted: () => Promise<Result<Pushed, Refusal>>): Promise<Result<Pushed, Refusal>> {
  try {
    return await attempted();
  } catch (fault) {
    if (fault instanceof ConfigUnavailable) return err(away({ tag: 'unavailable', dependency: 'configuration' }));
    throw fault;
  }
}

type Outcome = Result<Pushed, Pick<Refusal, 'cause'>>;

function eventOf(input: PushInput, outcome: Outcome, trace: Trace, startMs: number, endMs: number): PushEvent {
  const { requestId, name, token } = input;
  return {
    timeMs: startMs,
    requestId,
    outcome: outcome.ok ? 'granted' : 'refused',
    ...(outcome.ok ? { reason: 'granted' } : outcome.error.cause),
    ...(mayExist(name) ? { project: name.projectNumber, pool: name.poolId, provider: providerName(name) } : {}),
    ...(trace.principal === undefined ? {} : { principal: principalIdentifier(trace.principal) }),
    ...(outcome.ok ? namesOf(outcome.value.provider) : {}),
    // An administrator who shows his own credential here by mistake must not find its digest in a log.
    ...(TOKEN_FORM.test(token) ? { rawSubjectToken: token } : {}),
    durationsMs: { total: endMs - startMs },
  };
}

function namesOf({ keys }: Provider): Pick<PushEvent, 'kids' | 'thumbprints'> {
  return { kids: keys.map(({ kid }) => kid), thumbprints: keys.map(({ thumbprint }) => thumbprint) };
}

const TOKEN_FORM = /^[^.]*\.[^.]*\.[^.]*$/;
const MAX_TOKEN_CHARACTERS = 16_384;

async function push(
  input: PushInput,
  ports: PushPorts,
  admin: Pick<AdminPort, 'apply'>,
  trace: Trace,
): Promise<Result<Pushed, Refusal>> {
  const { name, address, token } = input;
  const assertion = token.length <= MAX_TOKEN_CHARACTERS ? parseAssertion(token) : err(tooLong);
  if (!assertion.ok) return stranger(causeOf(assertion.error), address, name, ports);
  if (!mayExist(name)) return stranger(causeOf(noSuchName), address, name, ports);
  const first = await attempt(input, assertion.value, ports, admin, trace);
  if (first.ok || isFinal(first.error.told)) return first;
  // What refuses may be a copy that is behind; and rows that changed in between are what the pusher is verified by anew.
  const { told, cause } = first.error;
  const strangers = told.tag === 'bad_credentials' || told.tag === 'unavailable';
  if (strangers && ports.failures.blockedForSeconds(address, name) !== undefined)
    return stranger(cause, address, name, ports);
  const news = await ports.newsBeforeRefusal(name.projectNumber, strangers ? 'stranger' : 'verified');
  if (!news.ok) return err(away(news.error));
  const isNewest = news.value === undefined || first.view.currentAt(news.value);
  const last = isNewest ? first : await attempt(input, assertion.value, ports, admin, trace);
  const isStrangers = !last.ok && last.error.told.tag === 'bad_credentials';
  return isStrangers ? stranger(last.error.cause, address, name, ports) : last;
}

/** What no newer configuration would change: the Registry itself said it, of what it has now, or is away. Keys that are too old may be a copy's. */
function isFinal(denial: PushDenial): boolean {
  if (denial.tag === 'unavailable') return denial.dependency !== 'issuer_keys';
  return FINAL.includes(denial.tag);
}

const FINAL: readonly PushDenial['tag'][] = ['not_in_force_yet', 'invalid_argument', 'failed_precondition'];

const tooLong: Denial = { tag: 'malformed', parameter: 'token', problem: 'is too long' };
const noSuchName: Denial = { tag: 'unknown_provider', why: 'malformed name' };

/** A refusal says of which view it is, for a newer one may think otherwise. */
type Attempt = Result<Pushed, Refusal> & { readonly view: ConfigView };

async function attempt(
  input: PushInput,
  assertion: UnverifiedAssertion,
  ports: PushPorts,
  admin: Pick<AdminPort, 'apply'>,
  trace: Trace,
): Promise<Attempt> {
  const { name, jwksJson } = input;
  const view = ports.openConfig(name.projectNumber);
  const authenticated = await authenticate(assertion, name, 'pushKeys', view, ports);
  if (!authenticated.ok) {
    const { error } = authenticated;
    return {
      ...err(error.tag === 'unavailable' ? away(error) : { told: toldOf(error, name), cause: causeOf(error) }),
      view,
    };
  }
  trace.principal = authenticated.value.principal;
  const { poolId, providerId } = name;
  const [pool, provider] = await Promise.all([view.pool(poolId), view.provider(poolId, providerId)]);
  const { once } = authenticated.value;
  // A view does not change, and a push token has its marker: what is missing here is our own fault.
  if (pool === undefined || provider === undefined || once === undefined) throw new Error('verified by nothing');
  const verifiedBy = { poolUpdateTime: pool.pool.updateTime, providerUpdateTime: provider.provider.updateTime };
  const pusher = pusherOf(authenticated.value);
  const command = { type: 'provider.pushKeys', poolId, providerId, jwksJson, pusher, once, verifiedBy } as const;
  const answer = await admin.apply(name.projectNumber, command, callerOf(input, pusher.identifier));
  if (!answer.ok) return { ...err({ told: answer.error, cause: causeOfRegistrys(answer.error) }), view };
  if (answer.value.kind !== 'provider') throw new Error(`a push was answered with a ${answer.value.kind}`);
  return { ...ok({ provider: answer.value.provider, warnings: answer.value.warnings }), view };
}

function callerOf({ requestId, address }: PushInput, name: string): Caller {
  return { name, requestId, ...(address === 'unknown' ? {} : { address }), identity: { kind: 'pusher' } };
}

function pusherOf({ principal }: Authenticated) {
  const exact = [...memberTexts(principal)].filter((text) => text.startsWith('principal://'));
  return { identifier: principalIdentifier(principal), memberTexts: exact };
}

/** One text for a token that does not hold, one for a principal that may not. */
function toldOf(denial: Denial, name: ProviderName): AdminDenial {
  switch (denial.tag) {
    case 'denied_uid':
    case 'condition_false':
    case 'condition_error':
    case 'subject_too_long':
      return mayNotPush(name);
    default:
      return { tag: 'bad_credentials' };
  }
}

/** The Registry looked at a token that holds: in its mouth bad credentials are a token's second use. */
function causeOfRegistrys(denial: AdminDenial): Cause {
  const { tag: reason } = denial;
  switch (denial.tag) {
    case 'bad_credentials':
      return causeOf(unverified('replay'));
    case 'permission_denied':
      return denial.byDenyRule === true
        ? { reason: 'denied_by_policy', check: `a deny rule of the project on ${PUSH_PERMISSION}` }
        : { reason: 'not_granted', check: `no binding gives exactly this principal ${PUSH_PERMISSION}` };
    case 'not_found':
      return causeOf({ tag: 'unknown_provider', why: 'provider' });
    case 'invalid_argument': {
      // Of the sentences only the first: it refuses the set and quotes a kid at most; those behind it quote what else is pushed.
      const [first] = denial.violations;
      return { reason, ...(first === undefined ? {} : { check: `${first.field}: ${first.description}` }) };
    }
    case 'failed_precondition':
      return { reason, check: denial.description };
    case 'unavailable':
      return { reason, check: denial.dependency };
    default:
      return { reason };
  }
}

/** Whoever keeps failing is told to slow down; a token that holds never comes here. */
async function stranger(
  cause: Cause,
  address: string,
  name: ProviderName,
  { failures }: PushPorts,
): Promise<Result<never, Refusal>> {
  const retryAfterSeconds = failures.blockedForSeconds(address, name);
  if (retryAfterSeconds !== undefined) {
    const slowDown = { tag: 'too_many_failures', retryAfterSeconds } as const;
    return err({ told: slowDown, cause: causeOf(slowDown) });
  }
  await failures.recordFailure(address, name);
  return err({ told: { tag: 'bad_credentials' }, cause });
}

/** What is away is said to everybody, for it is nobody's secret. */
function away(denial: Denial): Refusal {
  const dependency = denial.tag === 'unavailable' ? denial.dependency : 'configuration';
  const description = 'The service is currently unavailable. Try again with a token that was not used yet.';
  return {
    told: { tag: 'unavailable', dependency, description },
    cause: causeOf({ tag: 'unavailable', dependency }),
  };
}
