/**
 * The load generator, in a process of its own: so many connections over loopback, one request after the other on each, for so long. It sends
 * prepared bytes over bare sockets, so that it takes little of the machine that it measures. Any answer but a 200, and a 429
 * where the load is paced against a limit, ends the measurement.
 */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { LoadOrder, LoadResult } from './load.ts';

const HEAD_END = Buffer.from('\r\n\r\n');
const STATUS_AT = 'HTTP/1.1 '.length;
const LENGTH = /\r\ncontent-length: (\d+)/i;
const EXCERPT_CHARACTERS = 800;
/** A server that stops answering must not keep the run going. */
const GRACE_MS = 10_000;

const pools = new Map<string, readonly Buffer[]>();

process.on('message', (order: LoadOrder) => {
  drive(order).then(
    (result) => process.send?.(result),
    (fault: unknown) => process.send?.({ fault: fault instanceof Error ? fault.message : String(fault) }),
  );
});
process.on('disconnect', () => process.exit());

function poolAt(path: string): readonly Buffer[] {
  const known = pools.get(path);
  if (known !== undefined) return known;
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const pool = lines.map((line) => Buffer.from(line, 'base64'));
  pools.set(path, pool);
  return pool;
}

function drive({ port, poolPath, connections, durationMs, perSecond }: LoadOrder): Promise<LoadResult> {
  const pool = poolAt(poolPath);
  const latenciesMs: number[] = [];
  let refused = 0;
  const sockets: Socket[] = [];
  let next = Math.floor(Math.random() * pool.length);
  const startedMs = performance.now();
  const untilMs = startedMs + durationMs;
  let open = connections;
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => {
      for (const socket of sockets) socket.destroy();
      clearTimeout(late);
      reject(new Error(reason));
    };
    const late = setTimeout(() => fail('the server has stopped answering'), durationMs + GRACE_MS);
    const done = (): void => {
      open -= 1;
      if (open > 0) return;
      clearTimeout(late);
      resolve(resultOf(latenciesMs, refused, performance.now() - startedMs));
    };
    for (let at = 0; at < connections; at += 1) sockets.push(converse(at));

    function converse(place: number): Socket {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true });
      let received = Buffer.alloc(0);
      let sentMs = 0;
      let turn = 0;
      const send = (): void => {
        sentMs = performance.now();
        socket.write(pool[next++ % pool.length] ?? '');
      };
      const again = (): void => {
        if (performance.now() >= untilMs) {
          socket.end();
          done();
        } else if (perSecond === undefined) send();
        else {
          // Each connection has its own beat, and they are spread evenly.
          turn += 1;
          const dueMs = startedMs + ((turn * connections + place) * 1_000) / perSecond;
          setTimeout(send, Math.max(0, dueMs - performance.now()));
        }
      };
      socket.on('connect', perSecond === undefined ? send : again);
      socket.on('error', (fault) => fail(fault.message));
      socket.on('data', (chunk) => {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
        const headEnd = received.indexOf(HEAD_END);
        if (headEnd < 0) return;
        const head = received.toString('latin1', 0, headEnd);
        const [, length] = LENGTH.exec(head) ?? [];
        if (length === undefined) return fail(`an answer without its length: ${head}`);
        if (received.length < headEnd + HEAD_END.length + Number(length)) return;
        latenciesMs.push(performance.now() - sentMs);
        if (perSecond !== undefined && head.startsWith('429', STATUS_AT)) refused += 1;
        else if (!head.startsWith('200', STATUS_AT))
          return fail(received.toString('latin1').slice(0, EXCERPT_CHARACTERS));
        received = Buffer.alloc(0);
        again();
      });
      return socket;
    }
  });
}

function resultOf(latenciesMs: readonly number[], refused: number, elapsedMs: number): LoadResult {
  const sorted = Float64Array.from(latenciesMs).toSorted();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { requests: sorted.length, refused, elapsedMs, p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999) };
}
