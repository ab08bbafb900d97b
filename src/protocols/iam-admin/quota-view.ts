/** Quotas and the wishes for others as Google's Cloud Quotas shows them; what Google has not (usage, state, end, events) stands beside it. */
import { etagOf } from '../../core/admin/etag.ts';
import type { QuotaUse } from '../../core/admin/port.ts';
import { limitInForce, raiseOf, type QuotaKind } from '../../core/admin/quotas.ts';
import { QUOTA_SERVICE } from '../../core/admin/quota-wish.ts';
import type { JsonObject } from '../../core/json.ts';
import { projectName, quotaPreferenceName } from '../../core/names.ts';
import type { OwnLimit, Project, QuotaPreference, QuotaPreferenceState, TemporaryRaise } from '../../core/resources.ts';

export function quotaInfoName(projectNumber: string, quotaId: string): string {
  return `${projectName(projectNumber)}/locations/global/services/${QUOTA_SERVICE}/quotaInfos/${quotaId}`;
}

const WORDS: Readonly<Record<QuotaKind['member'], { readonly metric: string; readonly shown: string }>> = {
  tokenExchangesPerMinute: { metric: 'sts/token_exchange_requests', shown: 'Token exchange requests' },
  credentialGenerationsPerMinute: {
    metric: 'sts/credential_generation_requests',
    shown: 'Credential generation requests',
  },
};

/** `counted` is the quota object's own word. Absent: nothing counts this quota yet. */
export function renderQuotaInfo(project: Project, quota: QuotaKind, counted: QuotaUse | undefined): JsonObject {
  const { projectNumber, ownLimits = [] } = project;
  const { metric, shown } = WORDS[quota.member];
  const limit = counted?.limitPerMinute ?? limitInForce(project, quota);
  const used = counted?.countedPermits ?? 0;
  const own = quota.member === 'tokenExchangesPerMinute' ? ownLimits : [];
  return {
    name: quotaInfoName(projectNumber, quota.quotaId),
    quotaId: quota.quotaId,
    metric,
    service: QUOTA_SERVICE,
    isPrecise: true,
    refreshInterval: 'minute',
    containerType: 'PROJECT',
    ...(own.length > 0 ? { dimensions: ['provider', 'principal'] } : {}),
    metricDisplayName: shown,
    quotaDisplayName: `${shown} per minute per project`,
    metricUnit: '1',
    quotaIncreaseEligibility:
      limit < quota.bounds.max ? { isEligible: true } : { isEligible: false, ineligibilityReason: 'OTHER' },
    isFixed: false,
    // From the most specific to what holds for everybody else.
    dimensionsInfos: [
      ...own.filter(({ principal }) => principal !== undefined).map(renderOwnLimit),
      ...own.filter(({ provider }) => provider !== undefined).map(renderOwnLimit),
      { details: renderDetails(limit, raiseOf(project, quota), projectNumber), applicableLocations: ['global'] },
    ],
    isConcurrent: false,
    usage: { used, remaining: Math.max(0, limit - used) },
    // At the rate of the last 10 s; empty: not at all.
    ...(counted === undefined ? {} : { forecast: forecastOf(counted) }),
  };
}

function forecastOf({ refusalsStartInMs }: QuotaUse): JsonObject {
  return refusalsStartInMs === undefined ? {} : { refusalsStartInSeconds: Math.ceil(refusalsStartInMs / 1_000) };
}

function renderOwnLimit({ provider, principal, tokenExchangesPerMinute }: OwnLimit): JsonObject {
  return {
    dimensions: { ...(provider === undefined ? {} : { provider }), ...(principal === undefined ? {} : { principal }) },
    details: { value: String(tokenExchangesPerMinute) },
    applicableLocations: ['global'],
  };
}

function renderDetails(limit: number, raise: TemporaryRaise | undefined, projectNumber: string): JsonObject {
  return {
    value: String(limit),
    ...(raise === undefined
      ? {}
      : {
          baseValue: String(raise.baseValue),
          expireTime: raise.expireTime,
          quotaPreference: quotaPreferenceName(projectNumber, raise.preferenceId),
        }),
  };
}

export function renderRaise(projectNumber: string): (raise: TemporaryRaise) => JsonObject {
  return ({ quotaId, preferenceId, value, baseValue, expireTime }) => ({
    quotaId,
    value,
    baseValue,
    expireTime,
    quotaPreference: quotaPreferenceName(projectNumber, preferenceId),
  });
}

/** In Google's words or ours, where the one who decided gave none. */
const STATE_DETAIL: Readonly<Record<QuotaPreferenceState, string>> = {
  PENDING: 'Waits for an administrator of the organization.',
  GRANTED: 'Granted.',
  GRANTED_PARTIALLY: 'Granted, but less than was asked for.',
  REFUSED: 'Refused.',
  EXPIRED: 'The raise has ended.',
  WITHDRAWN: 'Withdrawn.',
  SUPERSEDED: 'Another limit has taken its place.',
};

export function renderQuotaPreference(
  preference: QuotaPreference,
  projectNumber: string,
  isFull: boolean = false,
): JsonObject {
  const { preferenceId, quotaId, state, grantedValue, annotations, contactEmail, expireTime, events } = preference;
  const comment = events.at(-1)?.comment ?? '';
  // Google's clients drop `state`: what they still show must be in force. What was granted once stands in `events`.
  const isInForce = state === 'GRANTED' || state === 'GRANTED_PARTIALLY';
  return {
    name: quotaPreferenceName(projectNumber, preferenceId),
    service: QUOTA_SERVICE,
    quotaId,
    quotaConfig: {
      preferredValue: String(preference.preferredValue),
      stateDetail: comment === '' ? STATE_DETAIL[state] : comment,
      ...(isInForce && grantedValue !== undefined ? { grantedValue: String(grantedValue) } : {}),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    },
    state,
    reconciling: state === 'PENDING',
    justification: preference.justification,
    ...(contactEmail === '' ? {} : { contactEmail }),
    ...(expireTime === undefined ? {} : { expireTime }),
    etag: etagOf(preference.version),
    createTime: preference.createTime,
    updateTime: preference.updateTime,
    ...(isFull ? { events: events.map((event) => ({ ...event, value: String(event.value) })) } : {}),
  };
}
