/** Deny rules about a right over the broker itself, for a pusher of keys of whom only name and provider are known. Closed where that is too little. */
import { IAM_PREFIX, poolName } from '../names.ts';
import { compileCondition, evaluateCondition } from '../policy/condition.ts';
import { memberTexts, type Principal } from '../principal.ts';
import { EVERYBODY, type ConditionText, type Provider } from '../resources.ts';
import type { Pusher } from './commands.ts';
import { rulesDenying } from './deny-resolution.ts';
import type { ConfigState } from './state.ts';

export function isPusherDenied(
  state: ConfigState,
  provider: Provider,
  pusher: Pusher,
  permission: string,
  nowSeconds: number,
): boolean {
  const rules = rulesDenying(state, { kind: 'project' }, permission);
  if (rules.length === 0) return false;
  const { projectNumber } = state.project();
  const texts = textsOf(pusher, provider, projectNumber);
  // What a token of an OIDC provider says of groups and attributes is not at hand: whoever may be meant is.
  const onlyByToken = provider.kind === 'oidc' ? setsByToken(projectNumber, provider.poolId) : [];
  const mayBe = (member: string): boolean =>
    member === EVERYBODY || texts.has(member) || onlyByToken.some((prefix) => member.startsWith(prefix));
  return rules.some(
    ({ deniedPrincipals, exceptionPrincipals, condition }) =>
      deniedPrincipals.some(mayBe) &&
      !exceptionPrincipals.some((member) => texts.has(member)) &&
      !isOff(condition, nowSeconds),
  );
}

const KUBERNETES_SUBJECT = /\/subject\/ns\/([^/]+)\/sa\/([^/]+)$/;

/** All that the names tell: for a cluster, whose mapping is fixed, that is everything. */
function textsOf(pusher: Pusher, { kind, poolId, providerId, clusterUri = '' }: Provider, projectNumber: string) {
  const [, namespace = '', name = ''] = KUBERNETES_SUBJECT.exec(pusher.identifier) ?? [];
  const principal: Principal = {
    provider: { projectNumber, poolId, providerId },
    subject: '',
    groups: [],
    attributes: {},
    ...(kind === 'kubernetes'
      ? { kubernetes: { namespace, serviceAccount: { name, uid: '' }, cluster: clusterUri } }
      : {}),
    claims: {},
  };
  return new Set([...pusher.memberTexts, ...memberTexts(principal)]);
}

function setsByToken(projectNumber: string, poolId: string): readonly string[] {
  const pool = `principalSet:${IAM_PREFIX}${poolName(projectNumber, poolId)}`;
  return [`${pool}/group/`, `${pool}/attribute.`];
}

/** A pool has no name, type or tags that a condition could ask for, and nothing of the token is here: that errs, and what errs applies. */
function isOff(condition: ConditionText | undefined, nowSeconds: number): boolean {
  if (condition === undefined) return false;
  const compiled = compileCondition(condition.expression, 'binding');
  if (!compiled.ok) return false;
  const resource = { tags: {}, tagIds: {} };
  const value = evaluateCondition(compiled.value, { requestTimeSeconds: nowSeconds, resource });
  return value.ok && !value.value;
}
