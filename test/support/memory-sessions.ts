/** Sessions in a Map: what the pages are tested over in Node. The real ones are tested in workerd. */
import { type SessionContent, type Sessions, SESSION_IDLE_MS, SESSION_LIFE_MS } from '../../src/core/admin/sessions.ts';
import { ok } from '../../src/core/result.ts';

export function createMemorySessions(nowMs: () => number): Sessions {
  const kept = new Map<string, { readonly content: SessionContent; readonly openedAtMs: number; seenAtMs: number }>();
  return {
    open: async (content) => {
      const secret = crypto.randomUUID().replaceAll('-', '').padEnd(43, '0');
      kept.set(secret, { content, openedAtMs: nowMs(), seenAtMs: nowMs() });
      return ok({ secret });
    },
    find: async (secret, isActive) => {
      const found = kept.get(secret);
      if (found === undefined || nowMs() - found.seenAtMs >= SESSION_IDLE_MS) return ok(undefined);
      if (nowMs() - found.openedAtMs >= SESSION_LIFE_MS) return ok(undefined);
      if (isActive) found.seenAtMs = nowMs();
      return ok(found.content);
    },
    end: async (secret) => {
      kept.delete(secret);
      return ok(null);
    },
  };
}
