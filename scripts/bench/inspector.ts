/** V8's inspector in workerd: the used heap after a collection, and where the time goes. */

interface Target {
  readonly webSocketDebuggerUrl: string;
  readonly id: string;
}

type Result = Readonly<Record<string, unknown>>;

export interface Inspector {
  call(method: string, params?: Result): Promise<Result>;
  close(): void;
}

/** Of the Worker whose id holds `name`. */
export async function inspect(port: number, name: string): Promise<Inspector> {
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as readonly Target[];
  const target = targets.find(({ id }) => id.includes(name));
  if (target === undefined) throw new Error(`no isolate of the name ${name}: ${JSON.stringify(targets)}`);
  const socket = new WebSocket(`ws://127.0.0.1:${port}/${target.id}`);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', reject);
  });
  const waiting = new Map<number, { resolve: (result: Result) => void; reject: (fault: Error) => void }>();
  let last = 0;
  socket.addEventListener('message', ({ data }) => {
    const said = JSON.parse(String(data)) as { id?: number; result?: Result; error?: { message: string } };
    const asked = said.id === undefined ? undefined : waiting.get(said.id);
    if (said.error !== undefined) asked?.reject(new Error(said.error.message));
    else asked?.resolve(said.result ?? {});
  });
  return {
    call(method, params = {}) {
      last += 1;
      const id = last;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        socket.send(JSON.stringify({ id, method, params }));
      });
    },
    close: () => socket.close(),
  };
}

/** What is reachable, in MiB. */
export async function usedHeapMib(inspector: Inspector): Promise<number> {
  // Twice: what weak references kept alive in the first goes in the second.
  for (let round = 0; round < 2; round += 1) await inspector.call('HeapProfiler.collectGarbage');
  const { usedSize } = await inspector.call('Runtime.getHeapUsage');
  return Number(usedSize) / 1_048_576;
}

export interface ProfileRow {
  readonly name: string;
  readonly share: number;
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

/** Self time by function while `work` runs, the greatest first. */
export async function profile(inspector: Inspector, work: () => Promise<void>): Promise<readonly ProfileRow[]> {
  await inspector.call('Profiler.enable');
  await inspector.call('Profiler.setSamplingInterval', { interval: 200 });
  await inspector.call('Profiler.start');
  await work();
  const { profile: taken } = (await inspector.call('Profiler.stop')) as unknown as {
    readonly profile: { readonly nodes: readonly ProfileNode[]; readonly samples: readonly number[] };
  };
  const names = new Map(
    taken.nodes.map(({ id, callFrame: { functionName, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'}:${lineNumber + 1}`,
    ]),
  );
  const counts = new Map<string, number>();
  for (const id of taken.samples) {
    const name = names.get(id) ?? '?';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .map(([name, count]) => ({ name, share: count / taken.samples.length }))
    .toSorted((one, other) => other.share - one.share);
}
