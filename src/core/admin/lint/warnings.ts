/** Warnings as they are handed out: some, and how many more there are. */
const MAX_WARNINGS = 50;

export function capped(warnings: readonly string[]): readonly string[] {
  if (warnings.length <= MAX_WARNINGS) return warnings;
  return [...warnings.slice(0, MAX_WARNINGS), `and ${warnings.length - MAX_WARNINGS} more`];
}
