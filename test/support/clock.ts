/** A clock that runs, and that a test can set ahead: objects, brokers and tests of one workerd process read the same. */
import { vi } from 'vitest';

export function aheadClock(): { readonly ahead: (ms: number) => void; readonly restore: () => void } {
  const real = Date.now.bind(Date);
  let aheadMs = 0;
  const spy = vi.spyOn(Date, 'now').mockImplementation(() => real() + aheadMs);
  return {
    ahead: (ms) => {
      aheadMs += ms;
    },
    restore: () => spy.mockRestore(),
  };
}
