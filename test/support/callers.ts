/** Callers for tests that do not care who asks. */
import type { Caller } from '../../src/core/admin/caller.ts';

export function by(name: string): Caller {
  return { name, requestId: `request of ${name}`, identity: { kind: 'bootstrap' } };
}
