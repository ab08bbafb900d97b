/** Bodies of the administration, as shapes: an unknown member refuses the whole document and is named by its path. */
import * as v from 'valibot';
import type { JsonObject } from '../../core/json.ts';
import { document, isJsonDocument, textMap } from '../body-shape.ts';

/** What only we write; who sends back what he read must not be refused for it, and must not decide it. */
const OUTPUT_ONLY = ['name', 'state', 'etag', 'uid', 'createTime', 'updateTime', 'expireTime', 'issuer'];

/** `more`: what this kind of resource has of the sort besides. */
export function withoutOutputOnly(resource: JsonObject, more: readonly string[] = []): JsonObject {
  const outputOnly = [...OUTPUT_ONLY, ...more];
  return Object.fromEntries(Object.entries(resource).filter(([member]) => !outputOnly.includes(member)));
}

/** A string whose form a number or a document in its place has to be told. */
const textAs = (form: string) => v.exactOptional(v.string(`must be ${form}`));
const JWKS_FORM = 'the JWKS as a JSON string, not as an object';
const jwksJson = textAs(JWKS_FORM);
const duration = textAs('a duration as a string, such as "86400s"');

const text = v.exactOptional(v.string());
const texts = v.exactOptional(v.array(v.string()));
const flag = v.exactOptional(v.boolean());
export const newProject = document({ projectId: v.string(), projectNumber: text, displayName: text });

const number = v.exactOptional(v.number());
const ownLimit = document({ provider: text, principal: text, tokenExchangesPerMinute: v.number() });

export const project = document({
  displayName: text,
  tokenExchangesPerMinute: number,
  credentialGenerationsPerMinute: number,
  ownLimits: v.exactOptional(v.array(ownLimit)),
  recentExchangesRetention: duration,
  maxServiceAccountTokenLifetime: duration,
  awsAccountId: text,
});

/** 64 bits: a text in JSON, and taken as a number too. */
const int64 = v.exactOptional(v.union([v.string(), v.number()], 'must be a whole number, as a string or a number'));
const time = textAs('a time as a string (RFC 3339)');

export const quotaWish = document({
  quotaId: text,
  service: text,
  quotaConfig: v.exactOptional(document({ preferredValue: int64, annotations: textMap })),
  dimensions: textMap,
  justification: text,
  contactEmail: text,
  expireTime: time,
});

export const quotaApproval = document({ grantedValue: int64, comment: text, expireTime: time, etag: text });

export const quotaRefusal = document({ comment: text, etag: text });

export const pool = document({ displayName: text, description: text, disabled: flag });

/** For verbs that say it all by themselves. */
export const nothing = document({});

export const denyUids = document({
  uids: v.array(v.string()),
  until: v.string('must be a time as a string (RFC 3339)'),
});

const oidc = { issuerUri: text, jwksJson, allowedAudiences: texts };

export const provider = document({
  kubernetes: v.exactOptional(document({ clusterUri: text, ...oidc })),
  oidc: v.exactOptional(document(oidc)),
  aws: v.exactOptional(document({ accountId: text })),
  attributeMapping: textMap,
  attributeCondition: text,
  dryRunCondition: text,
  allowedAlgorithms: texts,
  maxTokenLifetime: duration,
  allowedJwksHosts: texts,
  maxStale: duration,
  pushedKeysMaxAge: duration,
  newKeyHold: duration,
  singleUse: flag,
  tokenReview: v.exactOptional(document({ url: text, target: text })),
  disabled: flag,
  displayName: text,
  description: text,
});

export const pushKeys = document({ jwksJson: v.string(`must be ${JWKS_FORM}`) });

export const distrustKey = document({ thumbprint: v.string() });

export const target = document({
  uri: text,
  displayName: text,
  resource: v.exactOptional(document({ name: text, type: text, service: text })),
  tags: textMap,
  tagIds: textMap,
  tokenSigningAlg: v.exactOptional(v.picklist(['ES256', 'RS256'])),
  tokenType: v.exactOptional(v.picklist(['at+jwt', 'JWT'])),
  maxLifetime: textAs('a duration as a string, such as "3600s"'),
  allowedScopes: texts,
});

const awsRole = document({
  arn: text,
  /** AWS's own document, or its text. */
  trustPolicy: v.exactOptional(
    v.union(
      [v.string(), v.custom<JsonObject>(isJsonDocument)],
      'Invalid type: Expected a policy, as an object or as its text',
    ),
  ),
  maxSessionDuration: duration,
});

export const serviceAccount = document({
  displayName: text,
  description: text,
  maxTokenLifetime: duration,
  awsRole: v.exactOptional(awsRole),
});

/** The account itself is parsed by `serviceAccount` once its output-only members are gone. */
export const newServiceAccount = document({
  accountId: v.string(),
  serviceAccount: v.exactOptional(v.custom<JsonObject>(isJsonDocument, 'Invalid type: Expected an object')),
});

export const role = document({ title: text, description: text, includedPermissions: texts, stage: text });

/** The role itself is parsed by `role` once its output-only members are gone. */
export const newRole = document({
  roleId: v.string(),
  role: v.exactOptional(v.custom<JsonObject>(isJsonDocument, 'Invalid type: Expected an object')),
});

const conditionText = document({ expression: v.string(), title: text, description: text, location: text });

export const allowBinding = document({
  role: v.string(),
  members: v.optional(v.array(v.string()), []),
  condition: v.exactOptional(conditionText),
  dryRunCondition: v.exactOptional(conditionText),
});

export const policy = document({
  version: v.exactOptional(v.number()),
  etag: text,
  bindings: v.exactOptional(v.array(allowBinding)),
});

const deniedBy = document({
  deniedPrincipals: texts,
  exceptionPrincipals: texts,
  deniedPermissions: texts,
  exceptionPermissions: texts,
  denialCondition: v.exactOptional(
    document({ expression: v.string(), title: text, description: text, location: text }),
  ),
});

export const denyRules = document({ description: text, denyRule: v.exactOptional(deniedBy) });

export const denyPolicy = document({
  displayName: text,
  annotations: textMap,
  etag: text,
  rules: v.exactOptional(v.array(denyRules)),
});

export const getPolicy = document({
  options: v.exactOptional(document({ requestedPolicyVersion: v.exactOptional(v.number()) })),
});

export const setPolicy = document({ policy, updateMask: text });

export const simulate = document({ policy });

export const testPermissions = document({ permissions: v.array(v.string()) });

export const troubleshoot = document({
  principal: text,
  token: text,
  audience: text,
  permission: text,
  target: text,
  time,
});

export const restore = document({ resource: text, validateOnly: flag });

export const rotateKeys = document({ alg: v.exactOptional(v.picklist(['ES256', 'RS256'])), emergency: flag });
