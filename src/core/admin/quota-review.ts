/** The administrator's side of a review: grant, grant less, refuse. And the end of a raise, which comes by itself. */
import { quotaPreferenceName } from '../names.ts';
import { shardKey, type QuotaPreference } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import type { Applied } from './applied.ts';
import type { QuotaVerdict } from './commands.ts';
import { invalid, type AdminDenial } from './denial.ts';
import { checkEtag } from './etag.ts';
import { expiredWishes, preferenceAt, stepped, withNewBase, withNewRaise } from './quota-grants.ts';
import { isOver, notFound } from './quota-preferences.ts';
import { checkComment, checkRaise, readExpireTime, readLimit } from './quota-wish.ts';
import { baseOf, QUOTAS, quotaKind, raiseOf, withLimit } from './quotas.ts';
import type { ApplyContext, ConfigState, Write } from './state.ts';

export function approveQuotaWish(
  state: ConfigState,
  { preferenceId, verdict }: { readonly preferenceId: string; readonly verdict: QuotaVerdict },
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const current = underReview(state, preferenceId, verdict, 'approved', context);
  if (!current.ok) return current;
  const wish = current.value;
  const quota = quotaKind(wish.quotaId);
  if (quota === undefined) return err(isOver(wish, 'approved'));
  const project = state.project();
  const base = baseOf(project, quota);
  const { comment = '' } = verdict;
  const granted = readLimit('grantedValue', verdict.grantedValue ?? wish.preferredValue, quota.bounds);
  // Absent: as asked.
  const expireTime = readExpireTime(verdict.expireTime ?? wish.expireTime, Date.parse(context.time));
  const violations = [
    ...(granted.ok ? [] : granted.error),
    ...(expireTime.ok ? [] : expireTime.error),
    ...(granted.ok && expireTime.ok ? checkRaise('grantedValue', granted.value, expireTime.value, base) : []),
    ...checkComment('comment', comment),
  ];
  if (violations.length > 0 || !granted.ok || !expireTime.ok) return err({ tag: 'invalid_argument', violations });
  const preference = grantedAs(wish, granted.value, expireTime.value, comment, context);
  const limited =
    preference.expireTime === undefined
      ? withNewBase(state, project, quota, granted.value, context)
      : withNewRaise(
          state,
          quota,
          {
            quotaId: quota.quotaId,
            preferenceId,
            value: granted.value,
            baseValue: base,
            expireTime: preference.expireTime,
          },
          context,
        );
  return ok({
    answer: { kind: 'quotaPreference', preference },
    writes: [{ put: 'quotaPreference', preference }, ...limited.writes, { put: 'project', project: limited.project }],
    shards: [shardKey.project(project.projectNumber)],
  });
}

export function refuseQuotaWish(
  state: ConfigState,
  { preferenceId, verdict }: { readonly preferenceId: string; readonly verdict: QuotaVerdict },
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const current = underReview(state, preferenceId, verdict, 'refused', context);
  if (!current.ok) return current;
  const { comment = '' } = verdict;
  if (comment.trim() === '') return err(invalid('comment', 'is required: who is refused should learn why'));
  const violations = checkComment('comment', comment);
  if (violations.length > 0) return err({ tag: 'invalid_argument', violations });
  const value = current.value.preferredValue;
  const preference = stepped(current.value, 'REFUSED', { value, comment }, context);
  return ok({
    answer: { kind: 'quotaPreference', preference },
    writes: [{ put: 'quotaPreference', preference }],
    shards: [],
  });
}

/** Every raise whose time is over by now, and every wish for one; nothing to write where none is. */
export function endRaises(state: ConfigState, context: ApplyContext): Result<Applied, AdminDenial> {
  const before = state.project();
  const ended = QUOTAS.flatMap((quota) => {
    const raise = raiseOf(before, quota);
    return raise !== undefined && Date.parse(raise.expireTime) <= Date.parse(context.time) ? [{ quota, raise }] : [];
  });
  const project = ended.reduce((now, { quota, raise }) => withLimit(now, quota, raise.baseValue, undefined), before);
  const ranOut = expiredWishes(state, context);
  if (ended.length === 0) return ok({ answer: { kind: 'project', project }, writes: ranOut, shards: [] });
  const expired = ended.flatMap(({ raise }): readonly Write[] => {
    const preference = state.quotaPreference(raise.preferenceId);
    if (preference === undefined) return [];
    return [
      { put: 'quotaPreference', preference: stepped(preference, 'EXPIRED', { value: raise.baseValue }, context) },
    ];
  });
  return ok({
    answer: { kind: 'project', project },
    writes: [...ranOut, ...expired, { put: 'project', project }],
    shards: [shardKey.project(project.projectNumber)],
  });
}

/** The wish as the reviewer saw it, where he says by its etag what he saw. */
function underReview(
  state: ConfigState,
  preferenceId: string,
  { etag }: QuotaVerdict,
  done: 'approved' | 'refused',
  context: ApplyContext,
): Result<QuotaPreference, AdminDenial> {
  const current = preferenceAt(state, preferenceId, context);
  if (current === undefined) return notFound(state, preferenceId);
  const stale = checkEtag(etag, current.version, quotaPreferenceName(state.project().projectNumber, preferenceId));
  if (stale !== undefined) return err(stale);
  return current.state === 'PENDING' ? ok(current) : err(isOver(current, done));
}

/** Cut: less than was asked for, or for a shorter time. */
function grantedAs(
  wish: QuotaPreference,
  grantedValue: number,
  expireTime: string | undefined,
  comment: string,
  context: ApplyContext,
): QuotaPreference {
  const { expireTime: asked, ...kept } = wish;
  const isShorter = expireTime !== undefined && (asked === undefined || expireTime < asked);
  const state = grantedValue < wish.preferredValue || isShorter ? 'GRANTED_PARTIALLY' : 'GRANTED';
  const granted = { ...kept, grantedValue, ...(expireTime === undefined ? {} : { expireTime }) };
  return stepped(granted, state, { value: grantedValue, comment }, context);
}
