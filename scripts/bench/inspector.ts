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
  /** Of all samples: in the function itself, and in it or what it calls. */
  readonly self: number;
  readonly total: number;
}

interface ProfileNode {
  readonly id: number;
  readonly children?: readonly number[];
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

/** By function, while `work` runs; the greatest total first. */
export async function profile(inspector: Inspector, work: () => Promise<void>): Promise<readonly ProfileRow[]> {
  await inspector.call('Profiler.enable');
  await inspector.call('Profiler.setSamplingInterval', { interval: SAMPLING_US });
  await inspector.call('Profiler.start');
  await work();
  const { profile: taken } = (await inspector.call('Profiler.stop')) as unknown as {
    readonly profile: { readonly nodes: readonly ProfileNode[]; readonly samples: readonly number[] };
  };
  const nodes = new Map(taken.nodes.map((node) => [node.id, node]));
  const selfOf = new Map<number, number>();
  for (const id of taken.samples) selfOf.set(id, (selfOf.get(id) ?? 0) + 1);
  const sums = new Map<string, { self: number; total: number }>();
  const [root] = taken.nodes;
  if (root !== undefined) visit(root, new Set());
  const all = taken.samples.length;
  return [...sums]
    .map(([name, { self, total }]) => ({ name, self: self / all, total: total / all }))
    .toSorted((one, other) => other.total - one.total);

  /** The samples below `node`; a function that calls itself counts once. */
  function visit(node: ProfileNode, above: ReadonlySet<string>): number {
    const { functionName, lineNumber } = node.callFrame;
    const name = `${functionName === '' ? '(anonymous)' : functionName}:${lineNumber + 1}`;
    const self = selfOf.get(node.id) ?? 0;
    const inside = new Set([...above, name]);
    let total = self;
    for (const id of node.children ?? []) {
      const child = nodes.get(id);
      if (child !== undefined) total += visit(child, inside);
    }
    const sum = sums.get(name) ?? { self: 0, total: 0 };
    sum.self += self;
    if (!above.has(name)) sum.total += total;
    sums.set(name, sum);
    return total;
  }
}

const SAMPLING_US = 200;
