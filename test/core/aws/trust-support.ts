/** A trust policy and a question to it, small. */
import type { JsonObject } from '../../../src/core/json.ts';
import { oidcProviderArn } from '../../../src/core/aws/arn.ts';
import { NO_TAGS, type SessionTags } from '../../../src/core/aws/session-tags.ts';
import { parseTrustPolicy } from '../../../src/core/aws/trust-policy/document.ts';
import { evaluateTrust, type TrustAction, type TrustVerdict } from '../../../src/core/aws/trust-policy/evaluate.ts';
import { conditionKeys } from '../../../src/core/aws/trust-policy/keys.ts';

export const ACCOUNT = '111122223333';
export const ISSUER = 'https://oidc.eks.us-west-2.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE';
export const PREFIX = ISSUER.slice('https://'.length);
export const FEDERATED = oidcProviderArn(ACCOUNT, ISSUER);
export const NOW = Date.parse('2026-11-26T12:00:00Z') / 1_000;

export const CLAIMS = { aud: ['sts.amazonaws.com'], sub: 'system:serviceaccount:shop:checkout' };

export interface Question {
  readonly claims?: JsonObject;
  readonly actions?: readonly TrustAction[];
  readonly federated?: string;
  readonly issuerUri?: string;
  readonly tags?: SessionTags;
}

export function verdict(policy: unknown, question: Question = {}): TrustVerdict {
  const parsed = parseTrustPolicy(JSON.stringify(policy));
  if (!parsed.ok) throw new Error(parsed.error);
  const keys = conditionKeys({
    accountId: ACCOUNT,
    issuerUri: question.issuerUri ?? ISSUER,
    claims: question.claims ?? CLAIMS,
    sessionName: 'one-session',
    durationSeconds: 3_600,
    tags: question.tags ?? NO_TAGS,
    nowSeconds: NOW,
  });
  const actions = question.actions ?? ['sts:AssumeRoleWithWebIdentity'];
  return evaluateTrust(parsed.value, { federated: question.federated ?? FEDERATED, actions, keys });
}

export const statement = (condition?: object, change: object = {}): object => ({
  Effect: 'Allow',
  Principal: { Federated: FEDERATED },
  Action: 'sts:AssumeRoleWithWebIdentity',
  ...(condition === undefined ? {} : { Condition: condition }),
  ...change,
});

export const policyOf = (...statements: readonly object[]): object => ({
  Version: '2012-10-17',
  Statement: statements,
});
