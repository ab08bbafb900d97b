/** What objects wrote before there were leases, brought over once: a deployment must neither forget who was admitted a moment ago nor which tokens were taken. */
import { bucketOf } from '../../core/quota/ledger.ts';
import { BUCKET_MS, RING_SLOTS } from '../../core/quota/numbers.ts';
import { LedgerRows, PROJECT_LEDGER } from './ledger-rows.ts';
import { OnceMarks } from './marks.ts';

/** Permits were single, lived so long, and stood in buckets of a quarter of a second by the time of their grant. */
const PERMIT_LIFE_MS = 2_000;
const OLD_BUCKET_MS = 250;

export function bringOver(storage: DurableObjectStorage): void {
  const { sql } = storage;
  const old = sql
    .exec<{ name: string }>(`SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('bucket', 'once_mark')`)
    .toArray()
    .map(({ name }) => name);
  if (old.length === 0) return;
  storage.transactionSync(() => {
    if (old.includes('bucket')) permits(sql);
    if (old.includes('once_mark')) marks(sql);
  });
}

function permits(sql: SqlStorage): void {
  const rows = new LedgerRows(sql);
  rows.prepare();
  const old = sql
    .exec<{ bucket_index: number; permits: number }>('SELECT bucket_index, permits FROM bucket ORDER BY bucket_index')
    .toArray()
    // The oldest go where the ring has no place for them: they have long ceased to count.
    .slice(-Math.floor((RING_SLOTS * BUCKET_MS) / OLD_BUCKET_MS));
  for (const { bucket_index: index, permits: reserved } of old) {
    const bucket = bucketOf((index + 1) * OLD_BUCKET_MS + PERMIT_LIFE_MS);
    rows.save(PROJECT_LEDGER, [{ bucket, reserved, writtenMs: index * OLD_BUCKET_MS }]);
  }
  sql.exec('DROP TABLE bucket');
}

function marks(sql: SqlStorage): void {
  new OnceMarks(sql).prepare();
  sql.exec(
    `INSERT INTO taken_token (key_hash, nonce, until_ms, expires_ms)
     SELECT key_hash, nonce, until_ms, granted_ms + ${PERMIT_LIFE_MS} FROM once_mark`,
  );
  sql.exec('DROP TABLE once_mark');
}
