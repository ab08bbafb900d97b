/** What a new limit does to the wishes that were granted before it: those it takes the place of are over, and say by whom and when. */
import { THE_BROKER } from './caller.ts';
import type { Project, QuotaEvent, QuotaPreference, QuotaPreferenceState } from '../resources.ts';
import { raiseOf, withLimit, type QuotaKind } from './quotas.ts';
import type { ApplyContext, ConfigState, Write } from './state.ts';

const KEPT_EVENTS = 50;

interface Limited {
  readonly project: Project;
  readonly writes: readonly Write[];
}

/** The next state of a wish, with the event that says so. */
export function stepped(
  preference: QuotaPreference,
  state: QuotaPreferenceState,
  { value, comment = '' }: { readonly value: number; readonly comment?: string },
  { time, caller, epoch }: ApplyContext,
): QuotaPreference {
  const event: QuotaEvent = { time, actor: caller.name, state, value, comment };
  const events = [...preference.events, event].slice(-KEPT_EVENTS);
  return { ...preference, state, updateTime: time, version: epoch, events };
}

/** A wish whose own end has passed while it waited is over, and keeps no other waiting; the alarm, which writes that down, may be late. */
export function asOfNow(preference: QuotaPreference, context: ApplyContext): QuotaPreference {
  const { state, expireTime, preferredValue: value } = preference;
  if (state !== 'PENDING' || expireTime === undefined) return preference;
  if (Date.parse(expireTime) > Date.parse(context.time)) return preference;
  const comment = 'Its own end passed before anybody decided.';
  return stepped(preference, 'EXPIRED', { value, comment }, { ...context, caller: THE_BROKER });
}

export function preferenceAt(
  state: ConfigState,
  preferenceId: string,
  context: ApplyContext,
): QuotaPreference | undefined {
  const preference = state.quotaPreference(preferenceId);
  return preference && asOfNow(preference, context);
}

export function expiredWishes(state: ConfigState, context: ApplyContext): readonly Write[] {
  return state.openQuotaPreferences().flatMap((one): readonly Write[] => {
    const preference = asOfNow(one, context);
    return preference === one ? [] : [{ put: 'quotaPreference', preference }];
  });
}

/** A raise that runs stays until its end; only 0, which closes the project, ends it at once. */
export function withNewBase(
  state: ConfigState,
  project: Project,
  quota: QuotaKind,
  baseValue: number,
  context: ApplyContext,
): Limited {
  const isClosed = baseValue === 0;
  const raise = isClosed ? undefined : raiseOf(project, quota);
  return {
    project: withLimit(project, quota, baseValue, raise),
    writes: superseded(state, quota, baseValue, context, (one) => isClosed || one.expireTime === undefined),
  };
}

export function withNewRaise(
  state: ConfigState,
  quota: QuotaKind,
  { baseValue, ...raise }: NonNullable<Project['temporaryRaises']>[number],
  context: ApplyContext,
): Limited {
  return {
    project: withLimit(state.project(), quota, baseValue, raise),
    writes: superseded(state, quota, raise.value, context, (one) => one.expireTime !== undefined),
  };
}

function superseded(
  state: ConfigState,
  { quotaId }: QuotaKind,
  value: number,
  context: ApplyContext,
  concerns: (granted: QuotaPreference) => boolean,
): readonly Write[] {
  return state
    .openQuotaPreferences()
    .filter((one) => one.quotaId === quotaId && one.state !== 'PENDING' && concerns(one))
    .map((one) => ({ put: 'quotaPreference', preference: stepped(one, 'SUPERSEDED', { value }, context) }));
}
