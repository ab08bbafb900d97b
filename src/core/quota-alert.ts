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
): { readonly level: AlertLevel; readonly crossed?: Percent } {
  // A project that is closed is not one that has used up its quota.
  if (limit <= 0) return { level: 0 };
  const percent = (100 * counted) / limit;
  const reached = STEPS.findLast((step) => percent >= step) ?? 0;
  if (reached > level) return { level: reached, ...(reached === 0 ? {} : { crossed: reached }) };
  return { level: percent < level - HYSTERESIS_PERCENT ? reached : level };
}
