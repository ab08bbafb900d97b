/** What a Quota object takes for counts: an isolate of another version may send what is none. */
import { USAGE_DIMENSIONS } from '../../core/usage.ts';
import type { UsageMessage } from '../../core/usage-delivery.ts';

export function isUsageMessage(value: unknown): value is UsageMessage {
  const { sender, oldest, lost, batches } = (value ?? {}) as Partial<Record<keyof UsageMessage, unknown>>;
  return (
    typeof sender === 'string' &&
    sender.length > 0 &&
    sender.length <= 64 &&
    isCount(oldest) &&
    isCount(lost) &&
    Array.isArray(batches) &&
    batches.every(isBatch)
  );
}

function isBatch(value: unknown): boolean {
  const { sequence, minutes } = (value ?? {}) as { readonly sequence?: unknown; readonly minutes?: unknown };
  return isCount(sequence) && sequence > 0 && Array.isArray(minutes) && minutes.every(isMinute);
}

function isMinute(value: unknown): boolean {
  if (!Array.isArray(value) || !isCount(value[0])) return false;
  const sums = (value[1] ?? {}) as Record<string, unknown>;
  return USAGE_DIMENSIONS.every((dimension) => {
    const names: unknown = sums[dimension];
    return Array.isArray(names) && names.every(isNamed);
  });
}

function isNamed(value: unknown): boolean {
  if (!Array.isArray(value) || typeof value[0] !== 'string') return false;
  const counts: unknown = value[1];
  return typeof counts === 'object' && counts !== null && Object.values(counts).every(isCount);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
