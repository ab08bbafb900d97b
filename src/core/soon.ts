/**
 * What is there already in nearly every exchange, and else comes in a moment. Twenty promises that wait for nothing would take a tenth of an
 * exchange, so whoever asks looks first: `const value = isLater(asked) ? await asked : asked`.
 */
export type Soon<T> = T | Promise<T>;

export function isLater<T>(value: Soon<T>): value is Promise<T> {
  return value instanceof Promise;
}
