/** Waiting for another object or for KV, but not for ever: one that never answers must not hold up whoever waits behind. */
export async function within<P extends PromiseLike<unknown>>(budgetMs: number, work: P): Promise<Awaited<P>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${budgetMs} ms`)), budgetMs);
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    if (timer !== undefined) clearTimeout(timer);
  }
}
