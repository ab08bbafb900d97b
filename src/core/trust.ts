/** VerifiedAssertion → Principal: mapping and attribute condition of one provider. An error in CEL is a refusal, never a skip. */
import { utf8Length } from './base64url.ts';
import type { Denial } from './denial.ts';
import type { JsonObject } from './json.ts';
import { type DryRun, dryRun } from './dry-run.ts';
import { inOnePiece } from './in-one-piece.ts';
import { type ProviderName, providerName } from './names.ts';
import type { PolicyCompiler } from './policy/cache.ts';
import { evaluateCondition } from './policy/condition.ts';
import { evaluateMapping } from './policy/mapping.ts';
import type { Principal } from './principal.ts';
import type { Provider } from './resources.ts';
import { err, ok, type Result } from './result.ts';
import type { VerifiedAssertion } from './verify.ts';

const MAX_SUBJECT_BYTES = 127;
const MAX_MAPPED_BYTES = 8_192;
// oxlint-disable-next-line no-control-regex -- a control character in a name forges log lines and member texts
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** What an admission looks at: verified by us, or vouched for by AWS, which has no key of its own to name. */
type Vouched = Pick<VerifiedAssertion, 'claims'> & Partial<Pick<VerifiedAssertion, 'kubernetes' | 'keyThumbprint'>>;

/** `dryRuns` takes up what the provider's condition on trial says; it decides nothing. */
export function admit(
  assertion: Vouched,
  name: ProviderName,
  provider: Provider,
  compiler: PolicyCompiler,
  dryRuns: DryRun[] = [],
): Result<Principal, Denial> {
  const principal =
    provider.kind === 'kubernetes'
      ? fromCluster(assertion, name, provider)
      : fromMapping(assertion, name, provider, compiler);
  if (!principal.ok) return principal;
  const subjectBytes = utf8Length(principal.value.subject);
  if (subjectBytes > MAX_SUBJECT_BYTES) return err({ tag: 'subject_too_long', bytes: subjectBytes });
  const inForce = evaluated(provider.attributeCondition, assertion.claims, principal.value, compiler);
  if (provider.dryRunCondition !== undefined && provider.dryRunCondition !== '') {
    const trial = evaluated(provider.dryRunCondition, assertion.claims, principal.value, compiler);
    dryRuns.push(dryRun(providerName(name), trial, inForce));
  }
  if (!inForce.ok) return err({ tag: 'condition_error', problem: inForce.error });
  if (!inForce.value) return err({ tag: 'condition_false' });
  return principal;
}

/** Fixed mapping, so that nobody can spell somebody else's subject; the cluster is the provider's, never the token's, to name. */
function fromCluster(assertion: Vouched, name: ProviderName, provider: Provider): Result<Principal, Denial> {
  const { kubernetes } = assertion;
  if (kubernetes === undefined || provider.clusterUri === undefined) {
    return err({ tag: 'unverified', check: 'kubernetes_claims' });
  }
  return ok({
    provider: name,
    subject: inOnePiece('ns/', kubernetes.namespace, '/sa/', kubernetes.serviceAccount.name),
    groups: [],
    attributes: {},
    kubernetes: { ...kubernetes, cluster: provider.clusterUri },
    claims: assertion.claims,
    keyThumbprint: assertion.keyThumbprint,
  });
}

function fromMapping(
  assertion: Vouched,
  name: ProviderName,
  provider: Provider,
  compiler: PolicyCompiler,
): Result<Principal, Denial> {
  const attributes: [string, string][] = [];
  let subject = '';
  let groups: readonly string[] = [];
  let mappedBytes = 0;
  for (const [key, expression] of Object.entries(provider.attributeMapping)) {
    const mapped = mapOne(expression, assertion.claims, compiler);
    if (!mapped.ok) return err({ tag: 'condition_error', problem: `mapping ${key}: ${mapped.error}` });
    const values = typeof mapped.value === 'string' ? [mapped.value] : mapped.value;
    mappedBytes += values.reduce((bytes, value) => bytes + utf8Length(value), 0);
    if (values.some((value) => CONTROL.test(value))) return err(mappingProblem(key, 'holds a control character'));
    if (key === 'google.groups') groups = values;
    else if (typeof mapped.value !== 'string') return err(mappingProblem(key, 'is a list, must be a string'));
    else if (key === 'google.subject') subject = mapped.value;
    else attributes.push([key.slice('attribute.'.length), mapped.value]);
  }
  // An empty subject would make everybody the same nobody (CVE-2026-23990).
  if (subject === '') return err(mappingProblem('google.subject', 'is empty'));
  if (mappedBytes > MAX_MAPPED_BYTES) return err(mappingProblem('the attributes', `have ${mappedBytes} bytes in all`));
  const { claims, keyThumbprint } = assertion;
  return ok({ provider: name, subject, groups, attributes: Object.fromEntries(attributes), claims, keyThumbprint });
}

function mapOne(
  expression: string,
  claims: JsonObject,
  compiler: PolicyCompiler,
): Result<string | readonly string[], string> {
  const mapping = compiler.mapping(expression);
  return mapping.ok ? evaluateMapping(mapping.value, claims) : err(mapping.error.message);
}

function mappingProblem(key: string, problem: string): Denial {
  return { tag: 'condition_error', problem: `mapping ${key}: ${problem}` };
}

/** True where there is no condition. */
function evaluated(
  expression: string,
  claims: JsonObject,
  principal: Principal,
  compiler: PolicyCompiler,
): Result<boolean, string> {
  if (expression === '') return ok(true);
  const condition = compiler.condition(expression, 'attribute');
  if (!condition.ok) return err(condition.error.message);
  return evaluateCondition(condition.value, {
    assertion: claims,
    google: { subject: principal.subject, groups: principal.groups },
    attribute: principal.attributes,
  });
}
