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
