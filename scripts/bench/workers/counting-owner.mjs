/** The broker's objects with everything counted that Cloudflare would bill: calls to objects, rows written, reads of KV. */
import * as broker from './bundle.js';

const counts = { spend: 0, remember: 0, otherCalls: 0, alarms: 0, rowsWritten: 0 };

export class Quota extends broker.Quota {
  constructor(context, env) {
    countRows(context.storage.sql);
    super(context, env);
  }

  spend(...asked) {
    counts.spend += 1;
    return super.spend(...asked);
  }

  remember(...asked) {
    counts.remember += 1;
    return super.remember(...asked);
  }

  news(...asked) {
    counts.otherCalls += 1;
    return super.news(...asked);
  }

  alarm() {
    counts.alarms += 1;
    return super.alarm();
  }
}
export class Registry extends broker.Registry {}
export class KeyRing extends broker.KeyRing {}
export class IssuerKeys extends broker.IssuerKeys {}

export default {
  async fetch(request, env, context) {
    if (!request.url.endsWith('/counts')) return broker.default.fetch(request, env, context);
    return Response.json({ ...counts, kvReads: Number(await env.CACHE.get('reads-so-far')) });
  },
};

/** Of all objects, once: their storage has one prototype. */
let isCounted = false;
function countRows(sql) {
  if (isCounted) return;
  isCounted = true;
  const kind = Object.getPrototypeOf(sql);
  const { exec } = kind;
  kind.exec = function (...asked) {
    const cursor = exec.apply(this, asked);
    counts.rowsWritten += cursor.rowsWritten;
    return cursor;
  };
}
