/** Providers of kind `aws`: one account, whose roles and users come by a signed question to AWS itself (WIRE.md A.4.1). No keys, no audiences: AWS verifies. */
import { newWriteBudget } from '../policy/regex-cost.ts';
import type { Provider } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import type { ProviderInput } from './commands.ts';
import type { AdminDenial } from './denial.ts';
import {
  checkDescription,
  checkDisplayName,
  MAX_STALE,
  MAX_TOKEN_LIFETIME,
  NEW_KEY_HOLD,
  PUSHED_KEYS_MAX_AGE,
  wrong,
  type Violations,
} from './fields.ts';
import { type CheckedProvider, checkCondition, checkMapping } from './provider-rules.ts';

/** Google's own, where none is given: who asked, and the role without the name of its session. */
const DEFAULT_MAPPING: Readonly<Record<string, string>> = {
  'google.subject': 'assertion.arn',
  'attribute.aws_role':
    "assertion.arn.contains('assumed-role') ? assertion.arn.extract('{account_arn}assumed-role/') + 'assumed-role/' + assertion.arn.extract('assumed-role/{role_name}/') : assertion.arn",
};

const ACCOUNT_ID = /^[0-9]{12}$/;

/** What says something of tokens with keys, and nothing of these. */
const OTHERS = [
  'allowedAlgorithms',
  'maxTokenLifetime',
  'allowedJwksHosts',
  'maxStale',
  'pushedKeysMaxAge',
  'newKeyHold',
  'singleUse',
  'tokenReview',
] as const;

export const AWS_PATHS: ReadonlySet<string> = new Set([
  'aws',
  'aws.accountId',
  'attributeMapping',
  'attributeCondition',
  'dryRunCondition',
  'disabled',
  'displayName',
  'description',
]);

export function checkAwsProvider(
  input: ProviderInput,
  current: Provider | undefined,
  time: string,
): Result<CheckedProvider, AdminDenial> {
  const accountId = input.aws?.accountId ?? '';
  const given = input.attributeMapping ?? {};
  const attributeMapping = Object.keys(given).length > 0 ? given : DEFAULT_MAPPING;
  const { attributeCondition = '', dryRunCondition = '', displayName = '', description = '' } = input;
  const patterns = newWriteBudget();
  const violations: Violations = [
    ...(ACCOUNT_ID.test(accountId) ? [] : wrong('aws.accountId', 'must be 12 digits, as a string')),
    ...(current !== undefined && current.awsAccountId !== accountId
      ? wrong('aws.accountId', 'is whose principals these are and cannot change')
      : []),
    ...OTHERS.flatMap((field) => (input[field] === undefined ? [] : wrong(field, 'means nothing to aws providers'))),
    ...checkMapping(attributeMapping, patterns),
    ...checkCondition('attributeCondition', attributeCondition, patterns),
    ...checkCondition('dryRunCondition', dryRunCondition, patterns),
    ...checkDisplayName('displayName', displayName),
    ...checkDescription('description', description),
  ];
  if (violations.length > 0) return err({ tag: 'invalid_argument', violations });
  return ok({
    fields: {
      kind: 'aws',
      awsAccountId: accountId,
      issuerUri: '',
      allowedAudiences: [],
      keySource: 'uploaded',
      jwksJson: '',
      keys: [],
      keysUpdateTime: current?.keysUpdateTime ?? time,
      allowedJwksHosts: [],
      maxStaleSeconds: MAX_STALE.unset,
      pushedKeysMaxAgeSeconds: PUSHED_KEYS_MAX_AGE.unset,
      newKeyHoldSeconds: NEW_KEY_HOLD.unset,
      singleUse: false,
      attributeMapping,
      attributeCondition,
      ...(dryRunCondition === '' ? {} : { dryRunCondition }),
      allowedAlgorithms: [],
      maxTokenLifetimeSeconds: MAX_TOKEN_LIFETIME.unset,
      disabled: input.disabled ?? false,
      displayName,
      description,
    },
    warnings: [],
  });
}

export function awsDocumentOf(provider: Provider): ProviderInput {
  return {
    aws: { accountId: provider.awsAccountId ?? '' },
    attributeMapping: provider.attributeMapping,
    attributeCondition: provider.attributeCondition,
    ...(provider.dryRunCondition === undefined ? {} : { dryRunCondition: provider.dryRunCondition }),
    disabled: provider.disabled,
    displayName: provider.displayName,
    description: provider.description,
  };
}
