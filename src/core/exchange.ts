/** The exchange: authenticate → authorize → spend → mint, and one event whatever happened. Decide first, act second, charge last. */
import { authenticate } from './authenticate.ts';
import { parseAssertion, type UnverifiedAssertion } from './assertion.ts';
import { authenticateAws } from './aws/authenticate.ts';
import { type AwsRequest, parseAwsRequest } from './aws/request.ts';
import type { Denial } from './denial.ts';
import { causeOf } from './denial-check.ts';
import { type DryRun, dryRunsOnTarget } from './dry-run.ts';
import type { ExchangeEvent } from './event.ts';
import { claimsOf, type Grant, grantForBroker, grantForTarget } from './grant.ts';
import { mayExist, type ProviderName, providerName, targetName } from './names.ts';
import { providerInAudience, providerNamedBy } from './provider-in-audience.ts';
import type { EpochNews } from './news.ts';
import { type ConfigView, ConfigUnavailable, type ExchangePorts, type Permit, type SpendAlone } from './ports.ts';
import { type Principal, principalIdentifier } from './principal.ts';
import { limitNamesOf } from './quota/own-limits.ts';
import { recentRetentionSeconds } from './recent.ts';
import { type Memory, rememberGrant, rememberRefusal } from './remember.ts';
import { err, ok, type Result } from './result.ts';
import { MAX_MINTED_BYTES, sizeDenial } from './token-size.ts';

export interface ExchangeInput {
  readonly requestId: string;
  /** Where the request came from; limits failed verifications. */
  readonly address: string;
  readonly subjectToken: string;
  /** A signed question to AWS; else a JWT. */
  readonly isAws?: true;
  /** The provider that `audience` names; undefined: the token's own `aud` must name one. */
  readonly provider: ProviderName | undefined;
  /** A target's uri; undefined: the token is for the broker itself. */
  readonly resource: string | undefined;
  readonly scopes: readonly string[];
}

export interface Issued {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  readonly scopes: readonly string[];
}

export interface Exchanged {
  readonly issued: Result<Issued, Denial>;
  /** The project's limit, for who has shown a token that holds: strangers learn nothing of a project. */
  readonly limitPerMinute?: number;
}

/** Filled along the way, for the event and the memory. */
interface Trace extends Memory {
  provider?: ProviderName;
  grant?: Grant;
  tokenId?: string;
  admittedAtMs?: number;
  limitPerMinute?: number;
  dryRuns: DryRun[];
  readonly durationsMs: Record<string, number>;
}

export async function exchange(input: ExchangeInput, ports: ExchangePorts): Promise<Exchanged> {
  const startMs = ports.nowMs();
  const trace: Trace = { requestId: input.requestId, startMs, dryRuns: [], durationsMs: {} };
  const issued = await closed(() => issue(input, ports, trace));
  trace.durationsMs['total'] = ports.nowMs() - startMs;
  if (issued.ok) rememberGrant(trace.grant?.roles ?? [], trace, ports);
  else rememberRefusal(issued.error, trace, ports);
  ports.record(eventOf(input, issued, trace, startMs));
  return { issued, ...(trace.limitPerMinute === undefined ? {} : { limitPerMinute: trace.limitPerMinute }) };
}

async function issue(input: ExchangeInput, ports: ExchangePorts, trace: Trace): Promise<Result<Issued, Denial>> {
  const assertion = parseSubject(input);
  const name = input.provider ?? (assertion.ok ? providerOf(assertion.value) : undefined);
  if (name === undefined) return assertion.ok ? err(missingAudience) : assertion;
  trace.provider = name;
  const decision = assertion.ok ? await decideOnNewest(input, assertion.value, name, ports, trace) : assertion;
  if (decision.ok) return spendAndMint(decision.value, ports, trace);
  return isStrangers(decision.error) ? failure(decision.error, input.address, name, ports) : decision;
}

/** What is shown, by its shape: nothing in it is a fact yet. */
type Subject =
  | { readonly kind: 'jws'; readonly assertion: UnverifiedAssertion }
  | { readonly kind: 'aws'; readonly request: AwsRequest };

function parseSubject({ subjectToken, isAws }: ExchangeInput): Result<Subject, Denial> {
  if (isAws === true) {
    const request = parseAwsRequest(subjectToken);
    return request.ok ? ok({ kind: 'aws', request: request.value }) : request;
  }
  const assertion = parseAssertion(subjectToken);
  return assertion.ok ? ok({ kind: 'jws', assertion: assertion.value }) : assertion;
}

function providerOf(subject: Subject): ProviderName | undefined {
  return subject.kind === 'jws'
    ? providerInAudience(subject.assertion)
    : providerNamedBy(subject.request.targetResource);
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
): Promise<Result<Issued, Denial>> {
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
interface Decision {
  readonly grant: Grant;
  /** For tokens that are taken once, and for who has a limit of his own. */
  readonly alone?: SpendAlone;
  readonly view: ConfigView;
  readonly again: () => Promise<Result<Decision, Denial>>;
}

/** A refusal may come from a copy that is behind: before it is said, the epoch is asked for, and if it moved we decide again. */
async function decideOnNewest(
  input: ExchangeInput,
  assertion: Subject,
  name: ProviderName,
  ports: ExchangePorts,
  trace: Trace,
): Promise<Result<Decision, Denial>> {
  if (!mayExist(name)) return err({ tag: 'unknown_provider', why: 'malformed name' });
  const view = ports.openConfig(name.projectNumber);
  const first = await decideWith(view);
  // Pushed keys that are too old in this copy may have been renewed since; everything else that is away stays away.
  const tooOld = !first.ok && first.error.tag === 'unavailable' && first.error.dependency === 'issuer_keys';
  if (first.ok || (first.error.tag === 'unavailable' && !tooOld)) return first;
  // An address that is slowed down does not make us ask, unless it showed a token that holds.
  const strangers = tooOld || isStrangers(first.error);
  if (strangers && ports.failures.blockedForSeconds(input.address, name) !== undefined) return first;
  const principal = strangers || trace.principal === undefined ? undefined : principalIdentifier(trace.principal);
  const news = await ports.newsBeforeRefusal(name.projectNumber, strangers ? 'stranger' : 'verified', principal);
  if (!news.ok) return news;
  return news.value === undefined || view.currentAt(news.value) ? first : again();

  async function again(): Promise<Result<Decision, Denial>> {
    return decideWith(ports.openConfig(name.projectNumber));
  }

  async function decideWith(used: ConfigView): Promise<Result<Decision, Denial>> {
    const decided = await decide(input, assertion, name, used, ports, trace);
    return decided.ok ? ok({ ...decided.value, view: used, again }) : decided;
  }
}

/** Who it is, and what he may have: the decision, whole, before anything is spent. */
async function decide(
  input: ExchangeInput,
  assertion: Subject,
  name: ProviderName,
  view: ConfigView,
  ports: ExchangePorts,
  trace: Trace,
): Promise<Result<Pick<Decision, 'grant' | 'alone'>, Denial>> {
  trace.dryRuns = [];
  const authenticated =
    assertion.kind === 'aws'
      ? await authenticateAws(assertion.request, name, view, ports, trace.dryRuns)
      : await authenticate(assertion.assertion, name, 'exchange', view, ports, trace.dryRuns);
  if (!authenticated.ok) return authenticated;
  const { principal, expiresAtSeconds, once } = authenticated.value;
  trace.principal = principal;
  const grant = await authorize(input, principal, expiresAtSeconds, view, ports, trace);
  if (!grant.ok) return grant;
  const tooLarge = sizeDenial(grant.value, ports.publicOrigin, Math.floor(ports.nowMs() / 1_000));
  if (tooLarge !== undefined) return err(tooLarge);
  const limits = limitNamesOf(principal);
  const ownLimits = (await view.project())?.ownLimitKeys ?? [];
  if (once === undefined && !limits.some((limit) => ownLimits.includes(limit))) return ok({ grant: grant.value });
  return ok({ grant: grant.value, alone: { limits, ...(once === undefined ? {} : { once }) } });
}

async function authorize(
  input: ExchangeInput,
  principal: Principal,
  expiresAtSeconds: number,
  view: ConfigView,
  ports: ExchangePorts,
  trace: Trace,
): Promise<Result<Grant, Denial>> {
  const project = await view.project();
  trace.isKept = project !== undefined && recentRetentionSeconds(project.project) > 0;
  if (project !== undefined) trace.limitPerMinute = project.project.tokenExchangesPerMinute;
  trace.targetId = undefined;
  const nowSeconds = Math.floor(ports.nowMs() / 1_000);
  if (input.resource === undefined) {
    // A provider was found, so its project is there: a view without it is one that cannot be read.
    if (project === undefined) return err({ tag: 'unavailable', dependency: 'configuration' });
    return grantForBroker(principal, project, ports.publicOrigin, ports.compiler, expiresAtSeconds, nowSeconds);
  }
  const targetId =
    project && Object.hasOwn(project.targetIdByUri, input.resource) ? project.targetIdByUri[input.resource] : undefined;
  const target = targetId === undefined ? undefined : await view.target(targetId);
  if (project === undefined || target === undefined)
    return err(unknownTarget(input.resource, project?.targetIdByUri ?? {}));
  trace.targetId = target.target.targetId;
  trace.dryRuns.push(...dryRunsOnTarget(principal, project, target, ports.compiler, nowSeconds));
  return grantForTarget(principal, project, target, input.scopes, ports.compiler, expiresAtSeconds, nowSeconds);
}

/** Quota is charged last and by the project that was proven, so a stranger cannot burn a tenant's; no token is minted without a permit. */
async function spendAndMint(decided: Decision, ports: ExchangePorts, trace: Trace): Promise<Result<Issued, Denial>> {
  trace.grant = decided.grant;
  const { projectNumber } = decided.grant.principal.provider;
  // Before the permit's question, which takes it along: to be remembered costs no call.
  rememberGrant(decided.grant.roles, trace, ports);
  const askedAtMs = ports.nowMs();
  const permit = await ports.spend(projectNumber, decided.alone, trace.requestId);
  trace.durationsMs['quota'] = ports.nowMs() - askedAtMs;
  const { news } = permit.ok ? permit.value : permit.error;
  const current = news === undefined ? ok(decided) : await decidedAt(decided, news);
  if (!current.ok) return current;
  if (!permit.ok) return err(withLimit(permit.error.denial, trace.limitPerMinute));
  if (isWanting(decided.alone, current.value.alone)) return spendAndMint(current.value, ports, trace);
  trace.grant = current.value.grant;
  const nowMs = ports.nowMs();
  if (nowMs >= permit.value.usableUntilMs) return err({ tag: 'unavailable', dependency: 'quota' });
  return mint(current.value.grant, permit.value, ports, trace, nowMs);
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
async function decidedAt(decided: Decision, news: EpochNews): Promise<Result<Decision, Denial>> {
  if (decided.view.currentAt(news)) return ok(decided);
  const second = await decided.again();
  if (!second.ok || second.value.view.currentAt(news)) return second;
  return err({ tag: 'unavailable', dependency: 'configuration' });
}

async function mint(
  grant: Grant,
  permit: Permit,
  ports: ExchangePorts,
  trace: Trace,
  nowMs: number,
): Promise<Result<Issued, Denial>> {
  const nowSeconds = Math.floor(nowMs / 1_000);
  const tokenId = ports.newTokenId();
  const claims = claimsOf(grant, ports.publicOrigin, tokenId, nowSeconds);
  if (claims === undefined) return err({ tag: 'unverified', check: 'expired' });
  const { projectNumber } = grant.principal.provider;
  const signed = await ports.sign({ projectNumber, alg: grant.alg, typ: grant.typ, claims, news: permit.news });
  if (!signed.ok) return signed;
  const bytes = signed.value.jwt.length;
  if (bytes > MAX_MINTED_BYTES) return err({ tag: 'token_too_large', bytes });
  trace.durationsMs['sign'] = ports.nowMs() - nowMs;
  trace.tokenId = tokenId;
  trace.admittedAtMs = nowMs;
  return ok({ accessToken: signed.value.jwt, expiresInSeconds: claims.exp - nowSeconds, scopes: grant.scopes });
}

/** The commonest slip is a slash; it is told without repeating what was sent. */
function unknownTarget(uri: string, targetIdByUri: Readonly<Record<string, string>>): Denial {
  const near = [`${uri}/`, uri.replace(/\/$/, '')].find((other) => Object.hasOwn(targetIdByUri, other));
  if (near === undefined) return { tag: 'unknown_target' };
  return { tag: 'unknown_target', hint: `the uri of ${targetIdByUri[near]} differs by a slash at the end` };
}

const missingAudience: Denial = {
  tag: 'malformed',
  parameter: 'audience',
  problem: "is missing, and the token's own audience names no provider",
};

/** Whatever is thrown ends as a refusal with its event: an exchange that leaves no trace would be the attacker's best one. */
async function closed(attempt: () => Promise<Result<Issued, Denial>>): Promise<Result<Issued, Denial>> {
  try {
    return await attempt();
  } catch (fault) {
    if (fault instanceof ConfigUnavailable) return err({ tag: 'unavailable', dependency: 'configuration' });
    return err({ tag: 'internal', fault: fault instanceof Error ? fault.name : 'unknown' });
  }
}

function eventOf(input: ExchangeInput, issued: Result<Issued, Denial>, trace: Trace, startMs: number): ExchangeEvent {
  const { provider, principal, grant, targetId } = trace;
  return {
    timeMs: startMs,
    requestId: input.requestId,
    outcome: issued.ok ? 'granted' : 'refused',
    ...(issued.ok ? { reason: 'granted' } : causeOf(issued.error)),
    ...(provider ? { project: provider.projectNumber, pool: provider.poolId, provider: providerName(provider) } : {}),
    ...(principal ? { principal: principalIdentifier(principal) } : {}),
    ...(targetId !== undefined && provider ? { target: targetName(provider.projectNumber, targetId) } : {}),
    ...(issued.ok && grant ? { roles: grant.roles } : {}),
    ...(issued.ok && grant?.binding !== undefined ? { binding: grant.binding } : {}),
    ...(trace.tokenId === undefined ? {} : { tokenId: trace.tokenId }),
    rawSubjectToken: input.subjectToken,
    ...(trace.admittedAtMs === undefined ? {} : { admittedAtMs: trace.admittedAtMs }),
    ...(issued.ok ? { expiresInSeconds: issued.value.expiresInSeconds } : {}),
    ...(trace.dryRuns.length > 0 ? { dryRuns: trace.dryRuns } : {}),
    durationsMs: trace.durationsMs,
  };
}
