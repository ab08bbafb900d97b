/** A provider's document, whole, checked and turned into a row. Create and patch both end here, so neither can leave anything half-written. */
import { checkFetchUrl } from '../issuer-url.ts';
import { compileCondition } from '../policy/condition.ts';
import { newWriteBudget, type PatternBudget } from '../policy/regex-cost.ts';
import { compileMapping } from '../policy/mapping.ts';
import type { Provider, SubjectAlgorithm } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import type { KubernetesInput, OidcInput, ProviderInput } from './commands.ts';
import { celViolation } from './cel.ts';
import type { AdminDenial } from './denial.ts';
import {
  checkDescription,
  checkDisplayName,
  checkAbsoluteUri,
  MAX_STALE,
  MAX_TOKEN_LIFETIME,
  NEW_KEY_HOLD,
  PUSHED_KEYS_MAX_AGE,
  readSeconds,
  wrong,
  type Violations,
} from './fields.ts';
import { checkAudiences, checkIssuerUri } from './issuers.ts';
import { idleKeys, isSubjectAlgorithm } from './jwks.ts';
import { readUploadedKeys, type UploadedKeys } from './key-sets.ts';
import { sharedIssuerOf, tenantProblem } from './lint/shared-issuers.ts';
import { checkJwksHosts, checkTokenReview, fetchRules, type ReviewStanding, tokenReviewOf } from './remote-hosts.ts';
import type { ApplyContext } from './state.ts';

/** The keys and where they come from. */
type ProviderKeys = Pick<Provider, 'keySource' | 'jwksJson' | 'keys' | 'keysUpdateTime' | 'keysExpireAtSeconds'>;

/** What a document decides; the rest of the row is names and times, and what only commands of their own can write. */
type ProviderFields = Omit<
  Provider,
  'poolId' | 'providerId' | 'uid' | 'createTime' | 'updateTime' | 'distrustedThumbprints'
>;

/** What a document is laid over, where there is anything yet. */
export interface Standing extends ReviewStanding {
  /** The document says where the keys come from; otherwise those of `current` stay. */
  readonly namesKeys: boolean;
}

export interface CheckedProvider {
  readonly fields: ProviderFields;
  readonly warnings: readonly string[];
}

const DEFAULT_ALGORITHMS: readonly SubjectAlgorithm[] = ['RS256', 'ES256'];

export function checkProvider(
  input: ProviderInput,
  standing: Standing,
  context: ApplyContext,
): Result<CheckedProvider, AdminDenial> {
  const config = configOf(input);
  if (!config.ok) return refused(config.error);
  const { kind, source } = config.value;
  const issuerUri = source.issuerUri ?? '';
  const allowedAudiences = source.allowedAudiences ?? [];
  const keys = readKeys(`${kind}.jwksJson`, source.jwksJson, standing, context);
  const isDiscovery = keys.ok && keys.value.keySource === 'discovery';
  const algorithms = readAlgorithms(input.allowedAlgorithms ?? []);
  const lifetime = readSeconds('maxTokenLifetime', input.maxTokenLifetime, MAX_TOKEN_LIFETIME);
  const maxStale = readSeconds('maxStale', input.maxStale, MAX_STALE);
  const pushedKeysMaxAge = readSeconds('pushedKeysMaxAge', input.pushedKeysMaxAge, PUSHED_KEYS_MAX_AGE);
  const newKeyHold = readSeconds('newKeyHold', input.newKeyHold, NEW_KEY_HOLD);
  const durations = [lifetime, maxStale, pushedKeysMaxAge, newKeyHold];
  const singleUse = input.singleUse ?? false;
  const patterns = newWriteBudget();
  const violations = [
    ...checkIssuer(`${kind}.issuerUri`, source.issuerUri, isDiscovery, context),
    ...(kind === 'kubernetes' ? checkAbsoluteUri('kubernetes.clusterUri', source.clusterUri) : []),
    ...checkAudiences(`${kind}.allowedAudiences`, allowedAudiences, kind, issuerUri),
    ...(keys.ok ? [] : keys.error),
    ...(algorithms.ok ? [] : algorithms.error),
    ...durations.flatMap((duration) => (duration.ok ? [] : duration.error)),
    ...checkSingleUse(singleUse, lifetime.ok ? lifetime.value : 0),
    ...checkJwksHosts('allowedJwksHosts', input.allowedJwksHosts ?? []),
    ...checkTokenReview('tokenReview', input.tokenReview, kind, standing, context),
    ...(kind === 'kubernetes' ? checkNoMapping(input) : checkMapping(input.attributeMapping ?? {}, patterns)),
    ...checkCondition('attributeCondition', input.attributeCondition ?? '', patterns),
    ...checkCondition('dryRunCondition', input.dryRunCondition ?? '', patterns),
    ...(kind === 'oidc' ? checkTenant(issuerUri, input, patterns) : []),
    ...checkDisplayName('displayName', input.displayName ?? ''),
    ...checkDescription('description', input.description ?? ''),
  ];
  if (violations.length > 0 || !keys.ok || !algorithms.ok) return refused(violations);
  const tokenReview = tokenReviewOf(input.tokenReview, standing);
  const fields: ProviderFields = {
    kind,
    issuerUri,
    ...(kind === 'kubernetes' ? { clusterUri: source.clusterUri ?? '' } : {}),
    allowedAudiences,
    ...keys.value.fields,
    allowedJwksHosts: [...new Set(input.allowedJwksHosts)],
    maxStaleSeconds: secondsOf(maxStale),
    pushedKeysMaxAgeSeconds: secondsOf(pushedKeysMaxAge),
    newKeyHoldSeconds: secondsOf(newKeyHold),
    singleUse,
    ...(tokenReview === undefined ? {} : { tokenReview }),
    attributeMapping: input.attributeMapping ?? {},
    attributeCondition: input.attributeCondition ?? '',
    ...(input.dryRunCondition ? { dryRunCondition: input.dryRunCondition } : {}),
    allowedAlgorithms: algorithms.value,
    maxTokenLifetimeSeconds: secondsOf(lifetime),
    disabled: input.disabled ?? false,
    displayName: input.displayName ?? '',
    description: input.description ?? '',
  };
  return ok({ fields, warnings: [...keys.value.warnings, ...idleKeys(fields.keys, fields.allowedAlgorithms)] });
}

/** The document that makes this row again, but for its keys, which stay unless they are named: what a patch is laid over. */
export function documentOf(provider: Provider): ProviderInput {
  const { issuerUri, allowedAudiences, clusterUri, tokenReview } = provider;
  const config: KubernetesInput = {
    ...(clusterUri === undefined ? {} : { clusterUri }),
    issuerUri,
    allowedAudiences,
  };
  return {
    [provider.kind]: config,
    attributeMapping: provider.attributeMapping,
    attributeCondition: provider.attributeCondition,
    ...(provider.dryRunCondition === undefined ? {} : { dryRunCondition: provider.dryRunCondition }),
    allowedAlgorithms: provider.allowedAlgorithms,
    maxTokenLifetime: `${provider.maxTokenLifetimeSeconds}s`,
    allowedJwksHosts: provider.allowedJwksHosts,
    maxStale: `${provider.maxStaleSeconds}s`,
    pushedKeysMaxAge: `${provider.pushedKeysMaxAgeSeconds}s`,
    newKeyHold: `${provider.newKeyHoldSeconds}s`,
    singleUse: provider.singleUse,
    ...(tokenReview === undefined ? {} : { tokenReview: { url: tokenReview.url, target: tokenReview.targetId } }),
    disabled: provider.disabled,
    displayName: provider.displayName,
    description: provider.description,
  };
}

type Config = {
  readonly kind: 'kubernetes' | 'oidc';
  readonly source: OidcInput & Pick<KubernetesInput, 'clusterUri'>;
};

function configOf(input: ProviderInput): Result<Config, Violations> {
  const { kubernetes, oidc } = input;
  if (kubernetes !== undefined && oidc !== undefined) {
    return err(wrong('oidc', 'exactly one of kubernetes, oidc and aws is wanted'));
  }
  if (kubernetes !== undefined) return ok({ kind: 'kubernetes', source: kubernetes });
  if (oidc !== undefined) return ok({ kind: 'oidc', source: oidc });
  return err(wrong('kubernetes', 'exactly one of kubernetes, oidc and aws is wanted, none is there'));
}

interface ReadKeys {
  readonly keySource: Provider['keySource'];
  readonly fields: ProviderKeys;
  readonly warnings: readonly string[];
}

/** Keys in the document are uploaded keys; a document that names them and has none means discovery; otherwise nothing changes. */
function readKeys(
  field: string,
  jwksJson: string | undefined,
  { current, namesKeys }: Standing,
  context: ApplyContext,
): Result<ReadKeys, Violations> {
  if (current !== undefined && !namesKeys) {
    const { keySource, jwksJson: kept, keys, keysUpdateTime, keysExpireAtSeconds } = current;
    const expiry = keysExpireAtSeconds === undefined ? {} : { keysExpireAtSeconds };
    return ok({ keySource, fields: { keySource, jwksJson: kept, keys, keysUpdateTime, ...expiry }, warnings: [] });
  }
  // An empty text is a script whose kubectl failed, and no wish for discovery.
  if (jwksJson === '') return err(wrong(field, 'is empty: leave it out to have the issuer asked for its keys'));
  const found = jwksJson === undefined ? ok(NO_KEYS) : readGiven(field, jwksJson, current, context);
  if (!found.ok) return found;
  const keySource = jwksJson === undefined ? 'discovery' : 'uploaded';
  const { keys, jwksJson: text, warnings } = found.value;
  const isSame = current?.keySource === keySource && current.jwksJson === text;
  const keysUpdateTime = isSame ? current.keysUpdateTime : context.time;
  return ok({ keySource, fields: { keySource, jwksJson: text, keys, keysUpdateTime }, warnings });
}

const NO_KEYS: UploadedKeys = { keys: [], jwksJson: '', warnings: [] };

function readGiven(field: string, jwksJson: string, current: Provider | undefined, context: ApplyContext) {
  return readUploadedKeys(field, jwksJson, current?.distrustedThumbprints ?? [], context.thumbprintOf);
}

/** Keys that are uploaded may be those of an issuer which nobody can reach; keys that are fetched need one which may be asked. */
function checkIssuer(field: string, uri: string | undefined, isDiscovery: boolean, context: ApplyContext): Violations {
  const violations = checkIssuerUri(field, uri, context.loopbackIssuersAllowed);
  if (violations.length > 0 || !isDiscovery || uri === undefined) return violations;
  const fetchable = checkFetchUrl(uri, fetchRules(context));
  if (fetchable.ok) return [];
  return wrong(
    field,
    `${fetchable.error}; without jwksJson the issuer is asked for its keys. If it cannot be, upload them: kubectl get --raw /openid/v1/jwks shows them`,
  );
}

const MAX_SINGLE_USE_LIFETIME = 3_600;

/** Each token that was taken is remembered until it expires. */
function checkSingleUse(singleUse: boolean, lifetimeSeconds: number): Violations {
  if (!singleUse || lifetimeSeconds <= MAX_SINGLE_USE_LIFETIME) return [];
  return wrong('singleUse', `needs a maxTokenLifetime of at most ${MAX_SINGLE_USE_LIFETIME}s`);
}

/** Of a duration that was checked. */
function secondsOf(duration: Result<number, Violations>): number {
  return duration.ok ? duration.value : 0;
}

function readAlgorithms(names: readonly string[]): Result<readonly SubjectAlgorithm[], Violations> {
  if (names.length === 0) return ok(DEFAULT_ALGORITHMS);
  const unknown = names.flatMap((name, index) => {
    if (isSubjectAlgorithm(name)) return [];
    return wrong(`allowedAlgorithms[${index}]`, 'must be one of RS256, RS384, RS512, ES256, ES384, ES512');
  });
  return unknown.length > 0 ? err(unknown) : ok([...new Set(names.filter((name) => isSubjectAlgorithm(name)))]);
}

/** A cluster's subjects are spelled by us, so that no mapping can spell somebody else's. */
function checkNoMapping(input: ProviderInput): Violations {
  const given = Object.keys(input.attributeMapping ?? {}).length > 0;
  return given ? wrong('attributeMapping', 'is fixed for kubernetes providers and cannot be given') : [];
}

const MAX_CUSTOM_ATTRIBUTES = 50;
const MAX_KEY = 100;
const MAX_EXPRESSION = 2_048;
/** `__proto__` is a legal name to the pattern and no name at all to a JavaScript object: the attribute would vanish. */
const MAPPING_KEY = /^(google\.subject|google\.groups|attribute\.(?!__proto__$)[a-z0-9_]+)$/;

export function checkMapping(mapping: Readonly<Record<string, string>>, patterns: PatternBudget): Violations {
  const entries = Object.entries(mapping);
  const custom = entries.filter(([key]) => key.startsWith('attribute.'));
  return [
    ...(Object.hasOwn(mapping, 'google.subject') ? [] : wrong('attributeMapping', 'google.subject is required')),
    ...(custom.length > MAX_CUSTOM_ATTRIBUTES
      ? wrong('attributeMapping', `holds more than ${MAX_CUSTOM_ATTRIBUTES} custom attributes`)
      : []),
    ...entries.flatMap(([key, expression]) => checkMappingEntry(key, expression, patterns)),
  ];
}

function checkMappingEntry(key: string, expression: string, patterns: PatternBudget): Violations {
  const field = `attributeMapping.${key}`;
  if (!MAPPING_KEY.test(key)) {
    return wrong(field, 'keys are google.subject, google.groups and attribute.NAME with NAME of [a-z0-9_]');
  }
  if (key.length > MAX_KEY) return wrong(field, `the key is longer than ${MAX_KEY} characters`);
  if (expression === '') return wrong(field, 'the expression is empty');
  if (expression.length > MAX_EXPRESSION) return wrong(field, `longer than ${MAX_EXPRESSION} characters`);
  const compiled = compileMapping(expression, patterns);
  return compiled.ok ? [] : celViolation(field, compiled.error);
}

const MAX_CONDITION = 4_096;

export function checkCondition(
  field: 'attributeCondition' | 'dryRunCondition',
  expression: string,
  patterns: PatternBudget,
): Violations {
  if (expression === '') return [];
  if (expression.length > MAX_CONDITION) return wrong(field, `longer than ${MAX_CONDITION} characters`);
  const compiled = compileCondition(expression, 'attribute', patterns);
  return compiled.ok ? [] : celViolation(field, compiled.error);
}

/** An issuer that strangers share needs a condition on the tenant; what does not compile is refused for that alone. */
function checkTenant(
  issuerUri: string,
  { attributeCondition = '', attributeMapping = {} }: ProviderInput,
  patterns: PatternBudget,
): Violations {
  const issuer = sharedIssuerOf(issuerUri);
  const unreadable = [
    ...checkCondition('attributeCondition', attributeCondition, patterns),
    ...checkMapping(attributeMapping, patterns),
  ];
  if (issuer === undefined || unreadable.length > 0) return [];
  const problem = tenantProblem(issuer, attributeCondition, attributeMapping);
  return problem === undefined ? [] : wrong('attributeCondition', problem);
}

function refused(violations: Violations): Result<never, AdminDenial> {
  return err({ tag: 'invalid_argument', violations });
}
