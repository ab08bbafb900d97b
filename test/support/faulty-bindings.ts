/** The real bindings with the faults that production has and the local platform has not: a KV that lags, or throws. */

/** An edge location whose KV cache never refreshes: each key keeps the value of its first read, misses included. */
export function laggingKv(kv: KVNamespace): KVNamespace {
  const seen = new Map<string, unknown>();
  return intercept(kv, async (key, read) => {
    if (!seen.has(key)) seen.set(key, await read());
    return seen.get(key);
  });
}

export function throwingKv(kv: KVNamespace): KVNamespace {
  return intercept(kv, async () => {
    throw new Error('KV GET failed: 503 Service Unavailable');
  });
}

/** Counts reads, so that a test can say that there were none. */
export function countingKv(kv: KVNamespace): { readonly kv: KVNamespace; reads(): number } {
  let reads = 0;
  const counted = intercept(kv, async (_key, read) => {
    reads += 1;
    return read();
  });
  return { kv: counted, reads: () => reads };
}

function intercept(
  kv: KVNamespace,
  onGet: (key: string, read: () => Promise<unknown>) => Promise<unknown>,
): KVNamespace {
  return new Proxy(kv, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property);
      if (typeof member !== 'function') return member;
      if (property !== 'get') return member.bind(target);
      return (key: string, ...rest: unknown[]) =>
        onGet(key, async () => Reflect.apply(member, target, [key, ...rest]) as unknown);
    },
  });
}

/** Durable Objects that cannot be reached: every call throws as production does when an object is overloaded. */
export function away<Namespace extends object>(namespace: Namespace): Namespace {
  return new Proxy(namespace, {
    get: () => () => {
      throw Object.assign(new Error('Durable Object is overloaded.'), { overloaded: true });
    },
  });
}

/** Counts the calls to objects of a namespace, and remembers which objects were meant. */
export function countingObjects<T extends Rpc.DurableObjectBranded>(
  real: DurableObjectNamespace<T>,
): { readonly namespace: DurableObjectNamespace<T>; calls(): number; names(): readonly string[] } {
  let calls = 0;
  const names = new Set<string>();
  const namespace = new Proxy(real, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== 'function') return value;
      if (property !== 'getByName') return value.bind(target);
      return (name: string) => {
        calls += 1;
        names.add(name);
        return target.getByName(name);
      };
    },
  });
  return { namespace, calls: () => calls, names: () => [...names] };
}

/** Counts calls by the method, and can be made to answer no more: whoever waits for an answer from then on waits for ever. */
export function silenceableObjects<T extends Rpc.DurableObjectBranded>(
  real: DurableObjectNamespace<T>,
): { readonly namespace: DurableObjectNamespace<T>; calls(method?: string): number; silence(): void } {
  const calls: string[] = [];
  let isSilent = false;
  const namespace = new Proxy(real, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== 'function') return value;
      if (property !== 'getByName') return value.bind(target);
      return (name: string) => {
        const stub = target.getByName(name);
        return new Proxy(stub, {
          get(_stub, method) {
            return (...args: unknown[]): unknown => {
              calls.push(String(method));
              if (isSilent) return new Promise(() => undefined);
              return Reflect.apply(Reflect.get(stub, method) as (...all: unknown[]) => unknown, stub, args);
            };
          },
        });
      };
    },
  });
  return {
    namespace,
    calls: (method) => calls.filter((one) => method === undefined || one === method).length,
    silence: () => {
      isSilent = true;
    },
  };
}
