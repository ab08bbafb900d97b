/** autocannon in a process of its own, for the same orders as our own generator: each connection goes through its share of the requests. */
import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';

process.on('message', (order) => {
  drive(order).then(
    (result) => process.send?.(result),
    (fault) => process.send?.({ fault: String(fault.message ?? fault) }),
  );
});
process.on('disconnect', () => process.exit());

async function drive({ port, poolPath, connections, durationMs, perSecond }) {
  const requests = readFileSync(poolPath, 'utf8').split('\n').map(requestOf);
  const share = Math.ceil(requests.length / connections);
  const latenciesMs = [];
  let refused = 0;
  let turn = 0;
  const startedMs = performance.now();
  const instance = autocannon({
    url: `http://127.0.0.1:${port}`,
    connections,
    duration: durationMs / 1_000,
    ...(perSecond === undefined ? {} : { overallRate: perSecond }),
    setupClient(client) {
      client.setRequests(requests.slice(share * turn, share * (turn + 1)));
      turn = (turn + 1) % Math.ceil(requests.length / share);
    },
  });
  instance.on('response', (_client, status, _bytes, ms) => {
    latenciesMs.push(ms);
    if (status === 429 && perSecond !== undefined) refused += 1;
  });
  const { non2xx, errors } = await instance;
  if (errors > 0 || non2xx > refused) throw new Error(`${errors} errors, ${non2xx} answers that are no 200`);
  const elapsedMs = performance.now() - startedMs;
  latenciesMs.sort((one, other) => one - other);
  const at = (part) => latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(latenciesMs.length * part))] ?? 0;
  return { requests: latenciesMs.length, refused, elapsedMs, p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999) };
}

function requestOf(line) {
  const [head = '', body = ''] = Buffer.from(line, 'base64').toString().split('\r\n\r\n');
  const [first = '', ...fields] = head.split('\r\n');
  const headers = fields.map((field) => field.split(': ')).filter(([name]) => !/^(host|content-length)$/i.test(name));
  return { method: 'POST', path: first.split(' ')[1], headers: Object.fromEntries(headers), body };
}
