/** Slows down addresses whose tokens keep failing: Cloudflare's limiter counts, the isolate remembers (DESIGN §4 step 6). */
import type { FailureLimiter } from '../../core/ports.ts';
import { providerName, type ProviderName } from '../../core/names.ts';
import { networkOf } from './network.ts';

const BLOCK_SECONDS = 10;
const MAX_REMEMBERED = 10_000;

/**
 * The binding is only asked after a failure, so an honest caller never pays for it; it is coarse and per location, which
 * is enough for garbage and for nothing else. Absent bindings (plain workerd) mean no limit.
 */
export function createFailureLimiter(
  byAddress: RateLimit | undefined,
  byAddressAndProvider: RateLimit | undefined,
  nowMs: () => number,
): FailureLimiter {
  const blockedUntilMs = new Map<string, number>();

  return {
    blockedForSeconds(address, provider) {
      const network = networkOf(address);
      const untilMs = Math.max(blockedUntilMs.get(network) ?? 0, blockedUntilMs.get(pair(network, provider)) ?? 0);
      const leftMs = untilMs - nowMs();
      return leftMs > 0 ? Math.ceil(leftMs / 1_000) : undefined;
    },
    async recordFailure(address, provider) {
      const network = networkOf(address);
      const both = pair(network, provider);
      const [addressOk, pairOk] = await Promise.all([admits(byAddress, network), admits(byAddressAndProvider, both)]);
      if (!addressOk) remember(network);
      if (!pairOk) remember(both);
    },
  };

  function remember(key: string): void {
    if (blockedUntilMs.size >= MAX_REMEMBERED) {
      const oldest = blockedUntilMs.keys().next();
      if (!oldest.done) blockedUntilMs.delete(oldest.value);
    }
    blockedUntilMs.delete(key);
    blockedUntilMs.set(key, nowMs() + BLOCK_SECONDS * 1_000);
  }
}

function pair(network: string, provider: ProviderName): string {
  return `${network} ${providerName(provider)}`;
}

/** A limiter that fails must not become an off-switch: it counts as room. */
async function admits(limit: RateLimit | undefined, key: string): Promise<boolean> {
  if (limit === undefined) return true;
  try {
    return (await limit.limit({ key })).success;
  } catch {
    return true;
  }
}
