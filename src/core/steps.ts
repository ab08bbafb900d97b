/**
 * The steps of an exchange, whatever door it came by: authenticate → authorize → spend → mint, and one event whatever happened. Decide first,
 * act second, charge last. A door says which provider is meant, what is granted and what is minted; the order, and what is asked again, is not its to say.
 */
import type { Authenticated } from './authenticate.ts';
import type { Denial } from './denial.ts';
import { causeOf } from './denial-check.ts';
import type { DryRun } from './dry-run.ts';
import type { ExchangeEvent } from './event.ts';
import { type ProviderName, providerName, targetName } from './names.ts';
import type { EpochNews } from './news.ts';
import { type ConfigView, ConfigUnavailable, type ExchangePorts, type Permit, type SpendAlone } from './ports.ts';
import { type Principal, principalIdentifier } from './principal.ts';
import { limitNamesOf } from './quota/own-limits.ts';
import { recentRetentionSeconds } from './recent.ts';
import { type Memory, rememberGrant, rememberRefusal } from './remember.ts';
import type { Shards } from './resources.ts';
import { err, ok, type Result } from './result.ts';
import { isLater, type Soon } from './soon.ts';

export interface Attempt {
  readonly requestId: string;
  /** Where the request came from; limits failed verifications. */
  readonly address: string;
  readonly subjectToken: string;
}

/** What was decided, as far as every door has it. */
export interface Decided {
  readonly principal: Principal;
  readonly roles: readonly string[];
  /** The first binding, or statement, that let the principal in. */
  readonly binding?: string;
}

export interface Minted {
  readonly expiresInSeconds: number;
}

export interface Door<G extends Decided, I extends Minted> {
  /** Under whose name an address's failures are counted. Its project's configuration is read. */
  readonly counted: ProviderName;
  /** It cannot be anything: nothing is read for it. */
  readonly hopeless?: Denial | undefined;
  provider(view: ConfigView): Soon<Result<ProviderName, Denial>>;
  /** Who it is, by what was shown: the only step that believes anything of it. */
  prove(name: ProviderName, view: ConfigView, dryRuns: DryRun[]): Promise<Result<Authenticated, Denial>>;
  /** The decision, whole, before anything is spent. `project`: undefined where there is none. */
  authorize(
    proven: Authenticated,
    project: Shards['project'] | undefined,
    view: ConfigView,
    trace: Trace,
  ): Soon<Result<G, Denial>>;
  mint(grant: G, permit: Permit, nowMs: number, trace: Trace): Promise<Result<I, Denial>>;
}

export interface Attempted<I> {
  readonly issued: Result<I, Denial>;
  /** The project's limit, for who has shown a token that holds: strangers learn nothing of a project. */
  readonly limitPerMinute: number | undefined;
  /** Who he is, for who has shown that. */
  readonly principal: string | undefined;
}

/** Filled along the way, for the event and the memory. */
export interface Trace extends Memory {
  provider: ProviderName | undefined;
  grant: Decided | undefined;
  tokenId: string | undefined;
  admittedAtMs: number | undefined;
  limitPerMinute: number | undefined;
  dryRuns: DryRun[];
  readonly durationsMs: { quota: number | undefined; sign: number | undefined; total: number | undefined };
}

/** With all of its members from the start: V8 forgets a shape that grew along the way when nothing has it for a moment, and all that was compiled for it. */
function newTrace(requestId: string, startMs: number): Trace {
  return {
    requestId,
    startMs,
    principal: undefined,
    claimsBytes: undefined,
    targetId: undefined,
    isKept: undefined,
    saidRoles: undefined,
    provider: undefined,
    grant: undefined,
    tokenId: undefined,
    admittedAtMs: undefined,
    limitPerMinute: undefined,
    dryRuns: [],
    durationsMs: { quota: undefined, sign: undefined, total: undefined },
  };
}

/** `open` reads what was shown and finds the door; nothing in what was shown is a fact yet. */
export async function attempt<G extends Decided, I extends Minted>(
  input: Attempt,
  open: (trace: Trace) => Soon<Result<Door<G, I>, Denial>>,
  ports: ExchangePorts,
): Promise<Attempted<I>> {
  const startMs = ports.nowMs();
  const trace = newTrace(input.requestId, startMs);
  let issued: Result<I, Denial>;
  try {
    const asked = open(trace);
    const door = isLater(asked) ? await asked : asked;
    issued = door.ok ? await issue(input, { door: door.value, ports, trace }) : door;
  } catch (fault) {
    issued = err(closedBy(fault));
  }
  trace.durationsMs.total = ports.nowMs() - startMs;
  if (issued.ok) rememberGrant(trace.grant?.roles ?? [], trace, ports);
  else rememberRefusal(issued.error, trace, ports);
  const recorded = ports.record(eventOf(input, issued, trace, startMs));
  if (isLater(recorded)) await recorded;
  return {
    issued,
    limitPerMinute: trace.limitPerMinute,
    principal: trace.principal && principalIdentifier(trace.principal),
  };
}

/** What one attempt has with it at every step. */
interface With<G extends Decided, I extends Minted> {
  readonly door: Door<G, I>;
  readonly ports: ExchangePorts;
  readonly trace: Trace;
}

async function issue<G extends Decided, I extends Minted>(input: Attempt, by: With<G, I>): Promise<Result<I, Denial>> {
  const { counted, hopeless } = by.door;
  if (hopeless !== undefined) return refusal(hopeless, input.address, by);
  const again = (): Promise<Result<Decision<G>, Denial>> =>
    decide(by.ports.openConfig(counted.projectNumber), again, by);
  const view = by.ports.openConfig(counted.projectNumber);
  const first = await decide(view, again, by);
  const decision = first.ok ? first : await decideOnNewest(first, view, again, input.address, by);
  if (decision.ok) return await spendAndMint(decision.value, by);
  return refusal(decision.error, input.address, by);
}

function refusal<G extends Decided, I extends Minted>(
  denial: Denial,
  address: string,
  { door, ports }: With<G, I>,
): Soon<Result<never, Denial>> {
  return isStrangers(denial) ? failure(denial, address, door.counted, ports) : err(denial);
}

/**
 * Whoever keeps failing is told to slow down, and learns nothing more. Only failures are: behind one address there may be a whole
 * cluster, and one pod's garbage must not switch the others off.
 */
async function failure(
  denial: Denial,
  address: string,
  name: ProviderName,
  ports: ExchangePorts,
): Promise<Result<never, Denial>> {
  const waitSeconds = ports.failures.blockedForSeconds(address, name);
  if (waitSeconds !== undefined) return err({ tag: 'too_many_failures', retryAfterSeconds: waitSeconds });
  await ports.failures.recordFailure(address, name);
  return err(denial);
}

/** What anybody can provoke, without a token that holds. */
function isStrangers(denial: Denial): boolean {
  return denial.tag === 'unverified' || denial.tag === 'unknown_provider' || denial.tag === 'disabled';
}

/** What a decision was made of; `again` makes it anew from configuration that is at least as new as the last news. */
interface Decision<G> {
  readonly grant: G;
  /** For tokens that are taken once, and for who has a limit of his own. */
  readonly alone: SpendAlone | undefined;
  readonly view: ConfigView;
  readonly again: () => Promise<Result<Decision<G>, Denial>>;
}

/** A refusal may come from a copy that is behind: before it is said, the epoch is asked for, and if it moved we decide again. */
async function decideOnNewest<G extends Decided, I extends Minted>(
  first: { readonly ok: false; readonly error: Denial },
  view: ConfigView,
  again: Decision<G>['again'],
  address: string,
  { door, ports, trace }: With<G, I>,
): Promise<Result<Decision<G>, Denial>> {
  // Pushed keys that are too old in this copy may have been renewed since; everything else that is away stays away.
  const tooOld = first.error.tag === 'unavailable' && first.error.dependency === 'issuer_keys';
  if (first.error.tag === 'unavailable' && !tooOld) return first;
  // An address that is slowed down does not make us ask, unless it showed a token that holds.
  const strangers = tooOld || isStrangers(first.error);
  if (strangers && ports.failures.blockedForSeconds(address, door.counted) !== undefined) return first;
  const principal = strangers || trace.principal === undefined ? undefined : principalIdentifier(trace.principal);
  const news = await ports.newsBeforeRefusal(
    door.counted.projectNumber,
    strangers ? 'stranger' : 'verified',
    principal,
  );
  if (!news.ok) return news;
  return news.value === undefined || view.currentAt(news.value) ? first : again();
}

/** Who it is, and what he may have: the decision, whole, before anything is spent. */
async function decide<G extends Decided, I extends Minted>(
  view: ConfigView,
  again: Decision<G>['again'],
  { door, trace }: With<G, I>,
): Promise<Result<Decision<G>, Denial>> {
  trace.dryRuns = [];
  const askedName = door.provider(view);
  const name = isLater(askedName) ? await askedName : askedName;
  if (!name.ok) return name;
  trace.provider = name.value;
  const proven = await door.prove(name.value, view, trace.dryRuns);
  if (!proven.ok) return proven;
  const { principal, once } = proven.value;
  trace.principal = principal;
  const askedProject = view.project();
  const project = isLater(askedProject) ? await askedProject : askedProject;
  trace.isKept = project !== undefined && recentRetentionSeconds(project.project) > 0;
  if (project !== undefined) trace.limitPerMinute = project.project.tokenExchangesPerMinute;
  trace.targetId = undefined;
  const askedGrant = door.authorize(proven.value, project, view, trace);
  const grant = isLater(askedGrant) ? await askedGrant : askedGrant;
  if (!grant.ok) return grant;
  const alone = aloneFor(principal, once, project?.ownLimitKeys ?? []);
  return ok({ grant: grant.value, alone, view, again });
}

/** Undefined where any permit of the project's will do. */
function aloneFor(
  principal: Principal,
  once: SpendAlone['once'],
  ownLimits: readonly string[],
): SpendAlone | undefined {
  if (once === undefined && ownLimits.length === 0) return undefined;
  const limits = limitNamesOf(principal);
  if (once !== undefined) return { limits, once };
  return limits.some((limit) => ownLimits.includes(limit)) ? { limits } : undefined;
}

/** Quota is charged last and by the project that was proven, so a stranger cannot burn a tenant's; no token is minted without a permit. */
async function spendAndMint<G extends Decided, I extends Minted>(
  decided: Decision<G>,
  by: With<G, I>,
): Promise<Result<I, Denial>> {
  const { door, ports, trace } = by;
  trace.grant = decided.grant;
  const { projectNumber } = decided.grant.principal.provider;
  // Before the permit's question, which takes it along: to be remembered costs no call.
  rememberGrant(decided.grant.roles, trace, ports);
  const askedAtMs = ports.nowMs();
  const asked = ports.spend(projectNumber, decided.alone, trace.requestId);
  const permit = isLater(asked) ? await asked : asked;
  trace.durationsMs.quota = ports.nowMs() - askedAtMs;
  const { news } = permit.ok ? permit.value : permit.error;
  const current = news === undefined || decided.view.currentAt(news) ? ok(decided) : await decidedAt(decided, news);
  if (!current.ok) return current;
  if (!permit.ok) return err(withLimit(permit.error.denial, trace.limitPerMinute));
  if (isWanting(decided.alone, current.value.alone)) return spendAndMint(current.value, by);
  trace.grant = current.value.grant;
  const nowMs = ports.nowMs();
  if (nowMs >= permit.value.usableUntilMs) return err({ tag: 'unavailable', dependency: 'quota' });
  const minted = await door.mint(current.value.grant, permit.value, nowMs, trace);
  if (minted.ok) trace.admittedAtMs = nowMs;
  return minted;
}

/** The isolate that refuses from what it remembers knows no numbers; the decision that was made just now does. */
function withLimit(denial: Denial, limitPerMinute: number | undefined): Denial {
  return denial.tag === 'over_quota' && denial.limit === 'project' && limitPerMinute !== undefined
    ? { ...denial, limitPerMinute }
    : denial;
}

/**
 * Single use, or a limit of its own, was switched on while we decided without it, or the same token has another name by now: this permit came
 * without a mark, or was not counted there. It is left unused, and one is asked for now; where there is a mark, never: it would be a replay.
 */
function isWanting(asked: SpendAlone | undefined, wanted: SpendAlone | undefined): boolean {
  if (wanted === undefined) return false;
  if (asked === undefined) return true;
  return (
    asked.once === undefined &&
    (wanted.once !== undefined || wanted.limits.some((name) => !asked.limits.includes(name)))
  );
}

/** The quota's answer carries the epoch: where the decision is older than that, it is made again before anything is minted. */
async function decidedAt<G>(decided: Decision<G>, news: EpochNews): Promise<Result<Decision<G>, Denial>> {
  const second = await decided.again();
  if (!second.ok || second.value.view.currentAt(news)) return second;
  return err({ tag: 'unavailable', dependency: 'configuration' });
}

/** Whatever is thrown ends as a refusal with its event: an exchange that leaves no trace would be the attacker's best one. */
function closedBy(fault: unknown): Denial {
  if (fault instanceof ConfigUnavailable) return { tag: 'unavailable', dependency: 'configuration' };
  return { tag: 'internal', fault: fault instanceof Error ? fault.name : 'unknown' };
}

function eventOf(input: Attempt, issued: Result<Minted, Denial>, trace: Trace, startMs: number): ExchangeEvent {
  const { provider, principal, grant, targetId } = trace;
  const { reason, check } = issued.ok ? GRANTED : causeOf(issued.error);
  const granted = issued.ok ? grant : undefined;
  return {
    timeMs: startMs,
    requestId: input.requestId,
    outcome: issued.ok ? 'granted' : 'refused',
    reason,
    check,
    project: provider?.projectNumber,
    pool: provider?.poolId,
    provider: provider && providerName(provider),
    principal: principal && principalIdentifier(principal),
    target: targetId !== undefined && provider ? targetName(provider.projectNumber, targetId) : undefined,
    roles: granted?.roles,
    binding: granted?.binding,
    tokenId: trace.tokenId,
    rawSubjectToken: input.subjectToken,
    admittedAtMs: trace.admittedAtMs,
    expiresInSeconds: issued.ok ? issued.value.expiresInSeconds : undefined,
    dryRuns: trace.dryRuns.length > 0 ? trace.dryRuns : undefined,
    durationsMs: trace.durationsMs,
  };
}

const GRANTED: { readonly reason: string; readonly check?: string } = { reason: 'granted' };
