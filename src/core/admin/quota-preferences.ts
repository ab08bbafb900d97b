/** The tenant's side of a review: ask for another limit, change the wish while it is pending, withdraw it. */
import { quotaPreferenceName } from '../names.ts';
import { shardKey, type QuotaPreference } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import type { Applied } from './applied.ts';
import type { QuotaWish } from './commands.ts';
import { invalid, type AdminDenial, type FieldViolation } from './denial.ts';
import { checkEtag } from './etag.ts';
import { overlay, replacesEverything } from './mask.ts';
import { asOfNow, expiredWishes, preferenceAt, stepped } from './quota-grants.ts';
import { checkWish, QUOTA_SERVICE, wishOf } from './quota-wish.ts';
import { quotaKind, raiseOf, withLimit } from './quotas.ts';
import type { ApplyContext, ConfigState, Write } from './state.ts';

const PREFERENCE_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
/** The oldest that is over makes room; the history keeps it. */
const MAX_PREFERENCES = 100;

export function askForQuota(
  state: ConfigState,
  asked: { readonly preferenceId: string; readonly input: QuotaWish },
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const { projectNumber } = state.project();
  const preferenceId = asked.preferenceId === '' ? context.newUid() : asked.preferenceId;
  if (!PREFERENCE_ID.test(preferenceId)) {
    const form = 'must be 1 to 63 characters of [A-Za-z0-9_-], beginning with a letter or a digit';
    return err(invalid('quotaPreferenceId', form));
  }
  const known = preferenceAt(state, preferenceId, context);
  if (known !== undefined) return err({ tag: 'already_exists', resource: taken(known, projectNumber) });
  const fields = checkWish(state.project(), asked.input, Date.parse(context.time));
  if (!fields.ok) return fields;
  const { quotaId, preferredValue } = fields.value;
  const pending = state
    .openQuotaPreferences()
    .find((one) => one.quotaId === quotaId && asOfNow(one, context).state === 'PENDING');
  if (pending !== undefined) {
    const name = quotaPreferenceName(projectNumber, pending.preferenceId);
    return err({ tag: 'already_exists', resource: `${name}, pending for the same quota: change it or withdraw it` });
  }
  const { time, epoch } = context;
  const blank = {
    preferenceId,
    state: 'PENDING',
    createTime: time,
    updateTime: time,
    version: epoch,
    events: [],
  } as const;
  const preference = stepped({ ...blank, ...fields.value }, 'PENDING', { value: preferredValue }, context);
  return written(preference, [...expiredWishes(state, context), ...roomFor(state)]);
}

/** What to do instead stands with it: ids are never used again, and Google's clients know no states. */
function taken({ preferenceId, state }: QuotaPreference, projectNumber: string): string {
  const name = quotaPreferenceName(projectNumber, preferenceId);
  return state === 'PENDING'
    ? `${name}, which is PENDING: change it by PATCH or withdraw it by DELETE`
    : `${name}, which is ${state}: what is decided or over stays so, ask under another quotaPreferenceId`;
}

function roomFor(state: ConfigState): readonly Write[] {
  if (state.quotaPreferenceCount() < MAX_PREFERENCES) return [];
  const preferenceId = state.oldestClosedQuotaPreference();
  return preferenceId === undefined ? [] : [{ remove: 'quotaPreference', preferenceId }];
}

const PATHS: ReadonlySet<string> = new Set([
  'quotaId',
  'service',
  'dimensions',
  'quotaConfig',
  'quotaConfig.preferredValue',
  'quotaConfig.annotations',
  'justification',
  'contactEmail',
  'expireTime',
]);

export function changeQuotaWish(
  state: ConfigState,
  change: {
    readonly preferenceId: string;
    readonly input: QuotaWish;
    readonly mask: readonly string[];
    readonly etag?: string;
    readonly allowMissing: boolean;
  },
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const { preferenceId, input, mask, etag, allowMissing } = change;
  const current = preferenceAt(state, preferenceId, context);
  if (current === undefined) {
    return allowMissing ? askForQuota(state, { preferenceId, input }, context) : notFound(state, preferenceId);
  }
  const stale = checkEtag(etag, current.version, quotaPreferenceName(state.project().projectNumber, preferenceId));
  if (stale !== undefined) return err(stale);
  if (current.state !== 'PENDING') return err(isOver(current, 'changed'));
  // What can never change need not be repeated by whoever replaces all the rest.
  const fixed = replacesEverything(mask) ? { quotaId: current.quotaId, service: QUOTA_SERVICE } : {};
  const patched = overlay(wishOf(current), { ...fixed, ...input }, mask, PATHS);
  if (!patched.ok) return patched;
  const immutable = changedForGood(current, patched.value);
  if (immutable.length > 0) return err({ tag: 'invalid_argument', violations: immutable });
  const fields = checkWish(state.project(), patched.value, Date.parse(context.time));
  if (!fields.ok) return fields;
  const { expireTime: _asked, ...kept } = current;
  const value = fields.value.preferredValue;
  return written(stepped({ ...kept, ...fields.value }, 'PENDING', { value }, context));
}

function changedForGood(current: QuotaPreference, { quotaId }: QuotaWish): readonly FieldViolation[] {
  return quotaId === current.quotaId ? [] : [{ field: 'quotaId', description: 'cannot be changed: ask anew' }];
}

/** A raise that runs can be given back early; a limit for good goes only by asking for a lower one. */
export function withdrawQuotaWish(
  state: ConfigState,
  { preferenceId, etag }: { readonly preferenceId: string; readonly etag?: string },
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const project = state.project();
  const current = preferenceAt(state, preferenceId, context);
  if (current === undefined) return notFound(state, preferenceId);
  const stale = checkEtag(etag, current.version, quotaPreferenceName(project.projectNumber, preferenceId));
  if (stale !== undefined) return err(stale);
  if (current.state === 'PENDING') {
    return written(stepped(current, 'WITHDRAWN', { value: current.preferredValue }, context));
  }
  const quota = quotaKind(current.quotaId);
  const raise = quota && raiseOf(project, quota);
  if (quota === undefined || raise?.preferenceId !== preferenceId) return err(isOver(current, 'withdrawn'));
  const applied = written(stepped(current, 'WITHDRAWN', { value: raise.baseValue }, context), [
    { put: 'project', project: withLimit(project, quota, raise.baseValue, undefined) },
  ]);
  return applied.ok ? ok({ ...applied.value, shards: [shardKey.project(project.projectNumber)] }) : applied;
}

export function notFound(state: ConfigState, preferenceId: string): Result<never, AdminDenial> {
  return err({ tag: 'not_found', resource: quotaPreferenceName(state.project().projectNumber, preferenceId) });
}

type Done = 'changed' | 'withdrawn' | 'approved' | 'refused';

/** Only who asked can ask again; who reviews learns who was faster. */
export function isOver({ preferenceId, state, events }: QuotaPreference, done: Done): AdminDenial {
  const { actor = '', time = '' } = events.at(-1) ?? {};
  const isReviewers = done === 'approved' || done === 'refused';
  const hint = isReviewers ? `That was ${actor} at ${time}.` : 'Ask anew, under another quotaPreferenceId.';
  const description = `The quota preference ${preferenceId} is ${state} and cannot be ${done} any more. ${hint}`;
  return { tag: 'failed_precondition', description };
}

function written(preference: QuotaPreference, more: readonly Write[] = []): Result<Applied, AdminDenial> {
  return ok({
    answer: { kind: 'quotaPreference', preference },
    writes: [{ put: 'quotaPreference', preference }, ...more],
    shards: [],
  });
}
