/** What a Quota object takes for counts: an isolate of another version may send what is none. */
import type { UsageDimension } from '../../core/usage.ts';
import type { UsageMessage } from '../../core/usage-delivery.ts';

export function isUsageMessage(value: unknown): value is UsageMessage {
  const { sender, oldest, lost, open, batches } = (value ?? {}) as Partial<Record<keyof UsageMessage, unknown>>;
  return (
    typeof sender === 'string' &&
    sender.length > 0 &&
    sender.length <= 64 &&
    isCount(oldest) &&
    isCount(lost) &&
    isCount(open) &&
    Array.isArray(batches) &&
    batches.every(isBatch)
  );
}

function isBatch(value: unknown): boolean {
  const { sequence, minutes } = (value ?? {}) as { readonly sequence?: unknown; readonly minutes?: unknown };
  return isCount(sequence) && sequence > 0 && Array.isArray(minutes) && minutes.every(isMinute);
}

function isMinute(value: unknown): boolean {
  const [minute, sums]: readonly unknown[] = Array.isArray(value) ? value : [];
  if (!isCount(minute)) return false;
  const { provider, principal, target } = (sums ?? {}) as Partial<Record<UsageDimension, unknown>>;
  return [provider, principal, target].every((names) => Array.isArray(names) && names.every(isNamed));
}

function isNamed(value: unknown): boolean {
  if (!Array.isArray(value) || typeof value[0] !== 'string') return false;
  const counts: unknown = value[1];
  return typeof counts === 'object' && counts !== null && Object.values(counts).every(isCount);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
