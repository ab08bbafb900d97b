/** A provider's document, whole, checked and turned into a row. Create and patch both end here, so neither can leave anything half-written. */
import { compileCondition } from '../policy/condition.ts';
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
  MAX_TOKEN_LIFETIME,
  readSeconds,
  wrong,
  type Violations,
} from './fields.ts';
import { checkAudiences, checkIssuerUri, isSharedIssuer } from './issuers.ts';
import { idleKeys, isSubjectAlgorithm, jwksText, readJwks, type KeySet } from './jwks.ts';
import type { ApplyContext } from './state.ts';

/** What a document decides; the rest of the row is names and times. */
type ProviderFields = Omit<Provider, 'poolId' | 'providerId' | 'uid' | 'createTime' | 'updateTime'>;

interface CheckedProvider {
  readonly fields: ProviderFields;
  readonly warnings: readonly string[];
}

const DEFAULT_ALGORITHMS: readonly SubjectAlgorithm[] = ['RS256', 'ES256'];

export function checkProvider(input: ProviderInput, context: ApplyContext): Result<CheckedProvider, AdminDenial> {
  const config = configOf(input);
  if (!config.ok) return refused(config.error);
  const { kind, source } = config.value;
  const issuerUri = source.issuerUri ?? '';
  const allowedAudiences = source.allowedAudiences ?? [];
  const keySet = readKeys(`${kind}.jwksJson`, source.jwksJson);
  const algorithms = readAlgorithms(input.allowedAlgorithms ?? []);
  const lifetime = readSeconds('maxTokenLifetime', input.maxTokenLifetime, MAX_TOKEN_LIFETIME);
  const violations = [
    ...checkIssuerUri(`${kind}.issuerUri`, source.issuerUri, context.loopbackIssuersAllowed),
    ...(kind === 'kubernetes' ? checkAbsoluteUri('kubernetes.clusterUri', source.clusterUri) : []),
    ...checkAudiences(`${kind}.allowedAudiences`, allowedAudiences, kind, issuerUri),
    ...(keySet.ok ? [] : keySet.error),
    ...(algorithms.ok ? [] : algorithms.error),
    ...(lifetime.ok ? [] : lifetime.error),
    ...(kind === 'kubernetes' ? checkNoMapping(input) : checkMapping(input.attributeMapping ?? {})),
    ...checkCondition(input.attributeCondition ?? '', kind === 'oidc' && isSharedIssuer(issuerUri)),
    ...checkDisplayName('displayName', input.displayName ?? ''),
    ...checkDescription('description', input.description ?? ''),
  ];
  if (violations.length > 0 || !keySet.ok || !algorithms.ok || !lifetime.ok) return refused(violations);
  const fields: ProviderFields = {
    kind,
    issuerUri,
    ...(kind === 'kubernetes' ? { clusterUri: source.clusterUri ?? '' } : {}),
    allowedAudiences,
    jwksJson: jwksText(keySet.value.keys),
    keys: keySet.value.keys,
    attributeMapping: input.attributeMapping ?? {},
    attributeCondition: input.attributeCondition ?? '',
    allowedAlgorithms: algorithms.value,
    maxTokenLifetimeSeconds: lifetime.value,
    disabled: input.disabled ?? false,
    displayName: input.displayName ?? '',
    description: input.description ?? '',
  };
  return ok({ fields, warnings: [...keySet.value.warnings, ...idleKeys(fields.keys, fields.allowedAlgorithms)] });
}

/** The document that makes this row again: what a patch is laid over. */
export function documentOf(provider: Provider): ProviderInput {
  const { issuerUri, jwksJson, allowedAudiences, clusterUri } = provider;
  const config: KubernetesInput = {
    ...(clusterUri === undefined ? {} : { clusterUri }),
    issuerUri,
    jwksJson,
    allowedAudiences,
  };
  return {
    [provider.kind]: config,
    attributeMapping: provider.attributeMapping,
    attributeCondition: provider.attributeCondition,
    allowedAlgorithms: provider.allowedAlgorithms,
    maxTokenLifetime: `${provider.maxTokenLifetimeSeconds}s`,
    disabled: provider.disabled,
    displayName: provider.displayName,
    description: provider.description,
  };
}

type Config = { readonly kind: Provider['kind']; readonly source: OidcInput & Pick<KubernetesInput, 'clusterUri'> };

function configOf(input: ProviderInput): Result<Config, Violations> {
  const { kubernetes, oidc } = input;
  if (kubernetes !== undefined && oidc !== undefined) {
    return err(wrong('oidc', 'exactly one of kubernetes and oidc is wanted, not both'));
  }
  if (kubernetes !== undefined) return ok({ kind: 'kubernetes', source: kubernetes });
  if (oidc !== undefined) return ok({ kind: 'oidc', source: oidc });
  return err(wrong('kubernetes', 'exactly one of kubernetes and oidc is wanted, none is there'));
}

const MAX_UPLOADED_KEYS = 8;

function readKeys(field: string, jwksJson: string | undefined): Result<KeySet, Violations> {
  if (jwksJson === undefined || jwksJson === '') {
    return err(
      wrong(
        field,
        'is required: keys are not yet fetched from the issuer. kubectl get --raw /openid/v1/jwks shows them',
      ),
    );
  }
  const keySet = readJwks(jwksJson, MAX_UPLOADED_KEYS);
  return keySet.ok ? keySet : err(keySet.error.flatMap((sentence) => wrong(field, sentence)));
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

function checkMapping(mapping: Readonly<Record<string, string>>): Violations {
  const entries = Object.entries(mapping);
  const custom = entries.filter(([key]) => key.startsWith('attribute.'));
  return [
    ...(Object.hasOwn(mapping, 'google.subject') ? [] : wrong('attributeMapping', 'google.subject is required')),
    ...(custom.length > MAX_CUSTOM_ATTRIBUTES
      ? wrong('attributeMapping', `holds more than ${MAX_CUSTOM_ATTRIBUTES} custom attributes`)
      : []),
    ...entries.flatMap(([key, expression]) => checkMappingEntry(key, expression)),
  ];
}

function checkMappingEntry(key: string, expression: string): Violations {
  const field = `attributeMapping.${key}`;
  if (!MAPPING_KEY.test(key)) {
    return wrong(field, 'keys are google.subject, google.groups and attribute.NAME with NAME of [a-z0-9_]');
  }
  if (key.length > MAX_KEY) return wrong(field, `the key is longer than ${MAX_KEY} characters`);
  if (expression === '') return wrong(field, 'the expression is empty');
  if (expression.length > MAX_EXPRESSION) return wrong(field, `longer than ${MAX_EXPRESSION} characters`);
  const compiled = compileMapping(expression);
  return compiled.ok ? [] : celViolation(field, compiled.error);
}

const MAX_CONDITION = 4_096;
const CLAIM_ROOTS = ['assertion', 'google', 'attribute'];

function checkCondition(expression: string, claimRequired: boolean): Violations {
  const field = 'attributeCondition';
  const missing = wrong(field, "The attribute condition must reference one of the provider's claims.");
  if (expression === '') return claimRequired ? missing : [];
  if (expression.length > MAX_CONDITION) return wrong(field, `longer than ${MAX_CONDITION} characters`);
  const compiled = compileCondition(expression, 'attribute');
  if (!compiled.ok) return celViolation(field, compiled.error);
  return claimRequired && !CLAIM_ROOTS.some((root) => compiled.value.roots.has(root)) ? missing : [];
}

function refused(violations: Violations): Result<never, AdminDenial> {
  return err({ tag: 'invalid_argument', violations });
}
