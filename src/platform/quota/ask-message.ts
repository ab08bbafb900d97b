/** What a Quota object takes for a question: one of an isolate of another version that says NaN must not get into the sums that all share. */
import type { SpendAsk } from '../../core/quota/spend.ts';

const MAX_ASKER = 64;

export function isSpendAsk(value: unknown): value is SpendAsk {
  const { asker, ratePerSecond, settled, atMost, limits } = (value ?? {}) as Partial<Record<keyof SpendAsk, unknown>>;
  return (
    typeof asker === 'string' &&
    asker.length <= MAX_ASKER &&
    typeof ratePerSecond === 'number' &&
    Number.isFinite(ratePerSecond) &&
    ratePerSecond >= 0 &&
    Array.isArray(settled) &&
    settled.every((one) => typeof one?.lease === 'string') &&
    (atMost === undefined || (typeof atMost === 'number' && Number.isSafeInteger(atMost) && atMost >= 1)) &&
    (limits === undefined || (Array.isArray(limits) && limits.every((limit) => typeof limit === 'string')))
  );
}
