/** The limit in force and how much of it counts, as `quotaInfos` of REST says. */
import { TOKEN_EXCHANGES } from '../core/admin/quotas.ts';
import type { JsonObject } from '../core/json.ts';
import { listAt, numberAt, objectAt, type Rest, segment, textAt } from './rest.ts';

export interface OwnLimitShown {
  readonly kind: 'provider' | 'principal';
  readonly name: string;
  readonly perMinute: number;
}

export interface LimitNow {
  readonly perMinute: number;
  /** Permits that count now: leases, used or not. */
  readonly used: number;
  readonly baseValue?: number;
  readonly raisedUntil?: string;
  /** At the rate of the last ten seconds; absent: not at this rate. */
  readonly refusalsStartInSeconds?: number;
  readonly own: readonly OwnLimitShown[];
}

/** Undefined where the person may not know it, or nobody answers. */
export async function limitOf(rest: Rest, project: string): Promise<LimitNow | undefined> {
  const answer = await rest.get(
    `projects/${segment(project)}/locations/global/services/sts/quotaInfos/${TOKEN_EXCHANGES.quotaId}`,
  );
  return answer.ok ? limitIn(answer.value) : undefined;
}

function limitIn(info: JsonObject): LimitNow {
  const all = listAt(info, 'dimensionsInfos');
  const whole = all.find((one) => Object.keys(objectAt(one, 'dimensions')).length === 0) ?? {};
  const details = objectAt(whole, 'details');
  const forecast = objectAt(info, 'forecast');
  return {
    perMinute: numberAt(details, 'value'),
    used: numberAt(objectAt(info, 'usage'), 'used'),
    ...(textAt(details, 'expireTime') === ''
      ? {}
      : { baseValue: numberAt(details, 'baseValue'), raisedUntil: textAt(details, 'expireTime') }),
    ...('refusalsStartInSeconds' in forecast
      ? { refusalsStartInSeconds: numberAt(forecast, 'refusalsStartInSeconds') }
      : {}),
    own: all.flatMap((one) => {
      const dimensions = objectAt(one, 'dimensions');
      const kind = 'provider' in dimensions ? 'provider' : 'principal';
      const name = textAt(dimensions, kind);
      return name === '' ? [] : [{ kind, name, perMinute: numberAt(objectAt(one, 'details'), 'value') } as const];
    }),
  };
}
