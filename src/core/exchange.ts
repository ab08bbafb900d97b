/** The token endpoint's exchange: the provider that `audience` names, a token for a target or for the broker itself. The steps are `steps.ts`. */
import { claimsBytes, parseAssertion, type UnverifiedAssertion } from './assertion.ts';
import { authenticate, type Authenticated } from './authenticate.ts';
import { authenticateAws } from './aws/authenticate.ts';
import { type AwsRequest, parseAwsRequest } from './aws/request.ts';
import type { Denial } from './denial.ts';
import { type DryRun, dryRunsOnTarget } from './dry-run.ts';
import { claimsOf, type Grant, grantForBroker, grantForTarget } from './grant.ts';
import { mayExist, type ProviderName } from './names.ts';
import { type ConfigView, type ExchangePorts, type Permit } from './ports.ts';
import { providerInAudience, providerNamedBy } from './provider-in-audience.ts';
import type { Shards } from './resources.ts';
import { err, ok, type Result } from './result.ts';
import { isLater, type Soon } from './soon.ts';
import { attempt, type Attempt, type Attempted, type Door, type Minted, type Trace } from './steps.ts';
import { MAX_MINTED_BYTES, sizeDenial } from './token-size.ts';

export interface ExchangeInput extends Attempt {
  /** A signed question to AWS; else a JWT. */
  readonly isAws?: true;
  /** The provider that `audience` names; undefined: the token's own `aud` must name one. */
  readonly provider: ProviderName | undefined;
  /** A target's uri; undefined: the token is for the broker itself. */
  readonly resource: string | undefined;
  readonly scopes: readonly string[];
}

export interface Issued extends Minted {
  readonly accessToken: string;
  readonly scopes: readonly string[];
}

export type Exchanged = Attempted<Issued>;

export function exchange(input: ExchangeInput, ports: ExchangePorts): Promise<Exchanged> {
  return attempt(
    input,
    (trace) => {
      const subject = parseSubject(input);
      const name = input.provider ?? (subject.ok ? providerOf(subject.value) : undefined);
      if (name === undefined) return subject.ok ? err(missingAudience) : subject;
      trace.provider = name;
      if (subject.ok && subject.value.kind === 'jws') trace.claimsBytes = claimsBytes(subject.value.assertion);
      return ok(new TokenDoor(input, subject, name, ports));
    },
    ports,
  );
}

/** What is shown, by its shape. */
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

/** One for each exchange, so a class: its steps are made once, and stay what V8 has compiled. */
class TokenDoor implements Door<Grant, Issued> {
  readonly counted: ProviderName;
  readonly hopeless: Denial | undefined;
  readonly #input: ExchangeInput;
  readonly #subject: Result<Subject, Denial>;
  readonly #ports: ExchangePorts;

  constructor(input: ExchangeInput, subject: Result<Subject, Denial>, name: ProviderName, ports: ExchangePorts) {
    this.counted = name;
    this.hopeless = hopelessOf(subject, name);
    this.#input = input;
    this.#subject = subject;
    this.#ports = ports;
  }

  provider(): Result<ProviderName, Denial> {
    return ok(this.counted);
  }

  prove(name: ProviderName, view: ConfigView, dryRuns: DryRun[]): Promise<Result<Authenticated, Denial>> {
    const subject = this.#subject;
    if (!subject.ok) return Promise.resolve(subject);
    return subject.value.kind === 'aws'
      ? authenticateAws(subject.value.request, name, view, this.#ports, dryRuns)
      : authenticate(subject.value.assertion, name, 'exchange', view, this.#ports, dryRuns);
  }

  authorize(
    proven: Authenticated,
    project: Shards['project'] | undefined,
    view: ConfigView,
    trace: Trace,
  ): Soon<Result<Grant, Denial>> {
    return authorizeWith(this.#input, proven, project, view, this.#ports, trace);
  }

  mint(grant: Grant, permit: Permit, nowMs: number, trace: Trace): Promise<Result<Issued, Denial>> {
    return mint(grant, permit, this.#ports, trace, nowMs);
  }
}

function hopelessOf(subject: Result<Subject, Denial>, name: ProviderName): Denial | undefined {
  if (!subject.ok) return subject.error;
  return mayExist(name) ? undefined : { tag: 'unknown_provider', why: 'malformed name' };
}

function authorizeWith(
  input: ExchangeInput,
  proven: Authenticated,
  project: Shards['project'] | undefined,
  view: ConfigView,
  ports: ExchangePorts,
  trace: Trace,
): Soon<Result<Grant, Denial>> {
  const targetId = project === undefined ? undefined : targetIdOf(input.resource, project);
  const asked = targetId === undefined ? undefined : view.target(targetId);
  return isLater(asked) ? asked.then(fitting) : fitting(asked);

  /** Who asks for too much is refused before he has cost a unit. */
  function fitting(target: Shards['target'] | undefined): Result<Grant, Denial> {
    const nowSeconds = Math.floor(ports.nowMs() / 1_000);
    const grant = authorize(input, proven, project, target, nowSeconds, ports, trace);
    if (!grant.ok) return grant;
    const tooLarge = sizeDenial(grant.value, ports.publicOrigin, nowSeconds);
    return tooLarge === undefined ? grant : err(tooLarge);
  }
}

function targetIdOf(resource: string | undefined, { targetIdByUri }: Shards['project']): string | undefined {
  return resource !== undefined && Object.hasOwn(targetIdByUri, resource) ? targetIdByUri[resource] : undefined;
}

function authorize(
  input: ExchangeInput,
  { principal, expiresAtSeconds }: Authenticated,
  project: Shards['project'] | undefined,
  target: Shards['target'] | undefined,
  nowSeconds: number,
  ports: ExchangePorts,
  trace: Trace,
): Result<Grant, Denial> {
  if (input.resource === undefined) {
    // A provider was found, so its project is there: a view without it is one that cannot be read.
    if (project === undefined) return err({ tag: 'unavailable', dependency: 'configuration' });
    return grantForBroker(principal, project, ports.publicOrigin, ports.compiler, expiresAtSeconds, nowSeconds);
  }
  if (project === undefined || target === undefined)
    return err(unknownTarget(input.resource, project?.targetIdByUri ?? {}));
  trace.targetId = target.target.targetId;
  trace.dryRuns.push(...dryRunsOnTarget(principal, project, target, ports.compiler, nowSeconds));
  return grantForTarget(principal, project, target, input.scopes, ports.compiler, expiresAtSeconds, nowSeconds);
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
  trace.durationsMs.sign = ports.nowMs() - nowMs;
  trace.tokenId = tokenId;
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
