/** What the administration answers, as shapes: for the document of its API, which is made of them, and for no request. `render.ts` and its neighbours make the answers. */
import * as v from 'valibot';

const text = v.string();
const maybe = v.exactOptional(v.string());
const texts = v.array(v.string());
const textMap = v.record(v.string(), v.string());
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const time = v.pipe(v.string(), v.isoTimestamp());
const duration = v.pipe(v.string(), v.regex(/^[0-9]+s$/));
const warnings = v.exactOptional(texts);
const nextPageToken = maybe;
const algorithm = v.picklist(['ES256', 'RS256']);
const byReason = v.record(v.string(), count);

export const empty = v.strictObject({});

const violation = v.object({ field: text, description: text });

/** google.rpc.Status, in Google's envelope. */
export const status = v.object({
  error: v.object({
    code: count,
    message: text,
    status: text,
    details: v.exactOptional(
      v.array(
        v.object({
          '@type': text,
          fieldViolations: v.exactOptional(v.array(violation)),
          reason: maybe,
          domain: maybe,
          metadata: v.exactOptional(textMap),
        }),
      ),
    ),
  }),
});

const raise = v.object({ quotaId: text, value: count, baseValue: count, expireTime: time, quotaPreference: text });

export const project = v.object({
  name: text,
  projectNumber: text,
  projectId: text,
  displayName: text,
  tokenExchangesPerMinute: count,
  credentialGenerationsPerMinute: count,
  temporaryRaises: v.exactOptional(v.array(raise)),
  ownLimits: v.exactOptional(v.array(v.object({ provider: maybe, principal: maybe, tokenExchangesPerMinute: count }))),
  recentExchangesRetention: duration,
  maxServiceAccountTokenLifetime: duration,
  awsAccountId: maybe,
  createTime: time,
  state: v.picklist(['ACTIVE', 'DELETE_REQUESTED']),
  expireTime: v.exactOptional(time),
  etag: text,
});

export const projects = v.object({ projects: v.array(project), nextPageToken });

/** Of what can be disabled, and is deleted for thirty days before it is gone. */
const lifeMembers = {
  name: text,
  uid: text,
  displayName: maybe,
  description: maybe,
  state: v.picklist(['ACTIVE', 'DELETED']),
  expireTime: v.exactOptional(time),
  disabled: v.boolean(),
};

const poolMembers = {
  ...lifeMembers,
  administrative: v.exactOptional(v.literal(true)),
  deniedUids: v.exactOptional(v.array(v.object({ uid: text, until: time }))),
  issuer: text,
  createTime: time,
  updateTime: time,
};

export const pool = v.object(poolMembers);

export const pools = v.object({ workloadIdentityPools: v.array(pool), nextPageToken });

const oidc = { issuerUri: text, jwksJson: maybe, allowedAudiences: v.exactOptional(texts) };
const keySource = v.picklist(['uploaded', 'discovery', 'pushed']);

const keySet = v.object({
  source: keySource,
  kids: v.exactOptional(texts),
  thumbprints: v.exactOptional(texts),
  updateTime: v.exactOptional(time),
  expireTime: v.exactOptional(time),
  lastError: maybe,
  nextRefreshTime: v.exactOptional(time),
  warnings,
});

const providerMembers = {
  ...lifeMembers,
  kubernetes: v.exactOptional(v.object({ clusterUri: text, ...oidc })),
  oidc: v.exactOptional(v.object(oidc)),
  aws: v.exactOptional(v.object({ accountId: text })),
  attributeMapping: v.exactOptional(textMap),
  attributeCondition: maybe,
  dryRunCondition: maybe,
  allowedAlgorithms: v.exactOptional(texts),
  maxTokenLifetime: v.exactOptional(duration),
  allowedJwksHosts: v.exactOptional(texts),
  maxStale: v.exactOptional(duration),
  pushedKeysMaxAge: v.exactOptional(duration),
  newKeyHold: v.exactOptional(duration),
  singleUse: v.exactOptional(v.boolean()),
  tokenReview: v.exactOptional(v.object({ url: text, target: text })),
  keySource: v.exactOptional(keySource),
  keys: v.exactOptional(keySet),
  distrustedThumbprints: v.exactOptional(texts),
  createTime: time,
  updateTime: time,
};

export const provider = v.object(providerMembers);

export const providers = v.object({ workloadIdentityPoolProviders: v.array(provider), nextPageToken });

export const pushed = v.object({ name: text, keys: keySet, warnings });

/** What is done when it is answered. */
function operation<Entries extends v.ObjectEntries>(members: Entries) {
  return v.object({
    name: text,
    metadata: v.object({ '@type': text, createTime: v.exactOptional(time), warnings }),
    done: v.literal(true),
    response: v.object({ '@type': text, ...members }),
  });
}

export const poolOperation = operation(poolMembers);

export const providerOperation = operation(providerMembers);

export const target = v.object({
  name: text,
  uid: text,
  displayName: maybe,
  uri: text,
  resource: v.exactOptional(v.object({ name: maybe, type: maybe, service: maybe })),
  tags: v.exactOptional(textMap),
  tagIds: v.exactOptional(textMap),
  tokenSigningAlg: algorithm,
  tokenType: v.picklist(['at+jwt', 'JWT']),
  maxLifetime: duration,
  allowedScopes: texts,
  etag: text,
  createTime: time,
  updateTime: time,
});

export const targets = v.object({ targets: v.array(target), nextPageToken });

export const serviceAccount = v.object({
  name: text,
  projectId: text,
  uniqueId: text,
  email: text,
  displayName: maybe,
  description: maybe,
  oauth2ClientId: text,
  disabled: v.boolean(),
  maxTokenLifetime: duration,
  awsRole: v.exactOptional(
    v.object({
      arn: text,
      trustPolicy: v.exactOptional(v.record(v.string(), v.unknown())),
      maxSessionDuration: duration,
    }),
  ),
  state: v.exactOptional(v.literal('DELETED')),
  expireTime: v.exactOptional(time),
  etag: text,
  createTime: time,
  updateTime: time,
});

export const serviceAccounts = v.object({ accounts: v.array(serviceAccount), nextPageToken });

export const restoredAccount = v.object({ restoredAccount: serviceAccount });

export const serviceAccountKeys = v.object({ keys: v.array(v.object({ name: text })) });

export const role = v.object({
  name: text,
  title: maybe,
  description: maybe,
  includedPermissions: texts,
  stage: text,
  etag: text,
  createTime: time,
  updateTime: time,
});

export const roles = v.object({ roles: v.array(role), nextPageToken });

const condition = v.object({ expression: text, title: maybe, description: maybe, location: maybe });

export const policy = v.object({
  version: v.exactOptional(v.picklist([1, 3])),
  etag: text,
  bindings: v.exactOptional(
    v.array(
      v.object({
        role: text,
        members: texts,
        condition: v.exactOptional(condition),
        dryRunCondition: v.exactOptional(condition),
      }),
    ),
  ),
  warnings,
});

export const permissions = v.object({ permissions: texts });

const denyHead = {
  name: text,
  uid: text,
  kind: v.literal('DenyPolicy'),
  displayName: maybe,
  annotations: v.exactOptional(textMap),
  etag: text,
  createTime: time,
  updateTime: time,
};

const denyRule = v.object({
  deniedPrincipals: texts,
  exceptionPrincipals: v.exactOptional(texts),
  deniedPermissions: texts,
  exceptionPermissions: v.exactOptional(texts),
  denialCondition: v.exactOptional(condition),
});

const denyMembers = { ...denyHead, rules: v.array(v.object({ description: maybe, denyRule })) };

export const denyPolicy = v.object(denyMembers);

export const denyPolicies = v.object({ policies: v.array(v.object(denyHead)), nextPageToken });

export const denyPolicyOperation = operation({ ...denyMembers, deleteTime: v.exactOptional(time) });

export const signingKeys = v.object({
  keys: v.array(
    v.object({
      kid: text,
      alg: algorithm,
      state: v.picklist(['NEXT', 'ACTIVE', 'RETIRING', 'DISTRUSTED']),
      publishTime: time,
      signFrom: time,
      signUntil: time,
    }),
  ),
});

/** As texts: they are 64 bits wide at Google. */
const int64 = v.pipe(v.string(), v.regex(/^[0-9]+$/));

export const quotaInfo = v.object({
  name: text,
  quotaId: text,
  metric: text,
  service: text,
  isPrecise: v.boolean(),
  refreshInterval: text,
  containerType: text,
  dimensions: v.exactOptional(texts),
  metricDisplayName: text,
  quotaDisplayName: text,
  metricUnit: text,
  quotaIncreaseEligibility: v.object({ isEligible: v.boolean(), ineligibilityReason: maybe }),
  isFixed: v.boolean(),
  dimensionsInfos: v.array(
    v.object({
      dimensions: v.exactOptional(v.object({ provider: maybe, principal: maybe })),
      details: v.object({
        value: int64,
        baseValue: v.exactOptional(int64),
        expireTime: v.exactOptional(time),
        quotaPreference: maybe,
      }),
      applicableLocations: texts,
    }),
  ),
  isConcurrent: v.boolean(),
  usage: v.object({ used: count, remaining: count }),
  forecast: v.exactOptional(v.object({ refusalsStartInSeconds: v.exactOptional(count) })),
});

export const quotaInfos = v.object({ quotaInfos: v.array(quotaInfo), nextPageToken });

const preferenceState = v.picklist([
  'PENDING',
  'GRANTED',
  'GRANTED_PARTIALLY',
  'REFUSED',
  'EXPIRED',
  'WITHDRAWN',
  'SUPERSEDED',
]);

export const quotaPreference = v.object({
  name: text,
  service: text,
  quotaId: text,
  quotaConfig: v.object({
    preferredValue: int64,
    stateDetail: text,
    grantedValue: v.exactOptional(int64),
    annotations: v.exactOptional(textMap),
  }),
  state: preferenceState,
  reconciling: v.boolean(),
  justification: text,
  contactEmail: maybe,
  expireTime: v.exactOptional(time),
  etag: text,
  createTime: time,
  updateTime: time,
  events: v.exactOptional(
    v.array(v.object({ time, actor: text, state: preferenceState, value: int64, comment: text })),
  ),
});

export const quotaPreferences = v.object({ quotaPreferences: v.array(quotaPreference), nextPageToken });

const outcome = v.picklist(['granted', 'refused']);
const uidOf = v.object({ name: text, uid: maybe });

export const recentExchanges = v.object({
  recentExchanges: v.array(
    v.object({
      requestId: text,
      time,
      outcome,
      reason: text,
      check: maybe,
      provider: text,
      principal: text,
      target: maybe,
      roles: v.exactOptional(texts),
      groups: v.exactOptional(texts),
      attributes: v.exactOptional(v.record(v.string(), v.unknown())),
      kubernetes: v.exactOptional(
        v.object({
          namespace: text,
          serviceaccount: uidOf,
          pod: v.exactOptional(uidOf),
          node: v.exactOptional(uidOf),
          cluster: text,
        }),
      ),
      claims: v.exactOptional(v.record(v.string(), v.unknown())),
    }),
  ),
  droppedCount: v.exactOptional(count),
  nextPageToken,
});

export const simulation = v.object({
  resultsSummary: v.object({
    logCount: count,
    unchangedCount: count,
    differenceCount: count,
    errorCount: count,
    droppedCount: v.exactOptional(count),
    oldestTime: v.exactOptional(time),
    newestTime: v.exactOptional(time),
  }),
  results: v.array(
    v.object({
      accessTuple: v.object({ principal: text, fullResourceName: text }),
      accessChange: text,
      rolesGained: texts,
      rolesLost: texts,
      exchanges: count,
      firstSeenTime: time,
      lastSeenTime: time,
    }),
  ),
  truncated: v.exactOptional(v.literal(true)),
  warnings,
});

const counts = { granted: count, refused: count, byReason };
const group = v.object({ name: text, ...counts });

export const usage = v.object({
  resolution: v.picklist(['MINUTE', 'HOUR']),
  points: v.array(v.object({ startTime: time, ...counts, groups: v.exactOptional(v.array(group)) })),
  top: v.exactOptional(v.array(group)),
  lostExchanges: v.exactOptional(count),
  completeUntil: time,
  nextPageToken,
});

const membership = v.object({ membership: text });
const explainedCondition = {
  condition: v.exactOptional(v.object({ expression: text, title: maybe })),
  conditionExplanation: v.exactOptional(
    v.object({
      value: v.exactOptional(v.unknown()),
      errors: v.exactOptional(v.array(v.object({ message: text }))),
      evaluationStates: v.array(
        v.object({
          expression: text,
          value: v.exactOptional(v.unknown()),
          errors: v.exactOptional(v.array(v.object({ message: text }))),
        }),
      ),
    }),
  ),
};

export const troubleshot = v.object({
  overallAccessState: v.picklist(['CAN_ACCESS', 'CANNOT_ACCESS', 'UNKNOWN_INFO']),
  accessTuple: v.object({
    principal: maybe,
    fullResourceName: text,
    permission: maybe,
    target: maybe,
    conditionContext: v.object({ request: v.object({ receiveTime: time }) }),
  }),
  tokenExplanation: v.exactOptional(
    v.object({
      provider: text,
      verified: v.boolean(),
      reason: maybe,
      check: maybe,
      takenOnce: v.exactOptional(v.literal(true)),
    }),
  ),
  exchange: v.exactOptional(
    v.object({
      outcome,
      reason: maybe,
      check: maybe,
      roles: v.exactOptional(texts),
      binding: maybe,
      expiresIn: v.exactOptional(v.number()),
    }),
  ),
  allowPolicyExplanation: v.exactOptional(
    v.object({
      explainedPolicies: v.array(
        v.object({
          fullResourceName: text,
          bindingExplanations: v.array(
            v.object({
              allowAccessState: text,
              binding: text,
              role: text,
              rolePermission: text,
              combinedMembership: membership,
              memberships: v.record(v.string(), membership),
              membershipsLeftOut: v.exactOptional(count),
              ...explainedCondition,
            }),
          ),
        }),
      ),
    }),
  ),
  denyPolicyExplanation: v.exactOptional(
    v.object({
      ruleExplanations: v.array(
        v.object({
          denyAccessState: text,
          fullResourceName: text,
          rule: text,
          deniedRoles: texts,
          combinedDeniedPrincipal: membership,
          combinedExceptionPrincipal: membership,
          ...explainedCondition,
        }),
      ),
    }),
  ),
});

const historyHead = {
  name: text,
  sequence: text,
  epoch: text,
  time,
  actor: text,
  address: maybe,
  requestId: maybe,
  command: text,
  resource: maybe,
};
const integrity = {
  integrity: v.picklist(['INTACT', 'DOUBTFUL']),
  faults: v.exactOptional(v.array(v.object({ sequence: maybe, description: text }))),
};
/** As `GET` on the resource would show it. */
const shown = v.exactOptional(v.record(v.string(), v.unknown()));

export const historyEntries = v.object({ entries: v.array(v.object(historyHead)), ...integrity, nextPageToken });
export const historyEntry = v.object({ ...historyHead, before: shown, after: shown, ...integrity });
export const historyDifferences = v.object({
  differences: v.array(v.object({ resource: text, before: shown, after: shown })),
  ...integrity,
  nextPageToken,
});
const configuredDocument = v.exactOptional(v.record(v.string(), v.unknown()));

export const configured = v.object({
  changeSet: text,
  steps: v.array(
    v.object({
      resource: text,
      action: v.picklist(['CREATED', 'CHANGED', 'DELETED', 'UNDELETED', 'ADOPTED', 'RELEASED']),
      before: configuredDocument,
      after: configuredDocument,
    }),
  ),
  left: v.array(v.object({ resource: text, reason: text })),
  warnings: v.array(v.object({ resource: text, warning: text })),
  etag: text,
});

export const configuration = v.object({
  resources: v.array(
    v.object({ resource: text, document: v.record(v.string(), v.unknown()), etag: text, owner: maybe }),
  ),
  nextPageToken,
});

export const restored = v.object({
  steps: v.array(v.object({ resource: text, action: text })),
  left: v.array(v.object({ resource: text, reason: text })),
});
