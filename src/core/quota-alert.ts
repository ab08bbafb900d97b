/** When somebody should hear that a quota runs out: once for each step up, and again only after it has gone down well below. */
const STEPS = [80, 90, 100] as const;
type Percent = (typeof STEPS)[number];

/** The step that was reported last; 0: none. */
export type AlertLevel = 0 | Percent;

/** So far below its step must use fall before the step is reported again: a load that swings about it is told once. */
const HYSTERESIS_PERCENT = 10;

export function alertAt(
  level: AlertLevel,
  counted: number,
  limit: number,
): { readonly level: AlertLevel; readonly crossed: readonly Percent[] } {
  // A project that is closed is not one that has used up its quota.
  if (limit <= 0) return { level: 0, crossed: [] };
  const percent = (100 * counted) / limit;
  const reached = STEPS.findLast((step) => percent >= step) ?? 0;
  // A burst may pass several at once: whoever listens for one of them is to hear it.
  if (reached > level) return { level: reached, crossed: STEPS.filter((step) => step > level && step <= reached) };
  return { level: percent < level - HYSTERESIS_PERCENT ? reached : level, crossed: [] };
}
