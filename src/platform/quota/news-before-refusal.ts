/** Asks for the epoch before a refusal is said, within a budget: a stranger's refusals must not become a tenant's object calls. */
import type { EpochNews } from '../../core/news.ts';
import type { QuotaGate } from './gate.ts';

/** An administrator who has just let somebody in finds him let in; a flood of refusals costs one question a second. */
const BURST = 30;
const REFILL_PER_SECOND = 1;
const MAX_PROJECTS = 1_000;

interface Budget {
  left: number;
  atMs: number;
}

export function createNewsBeforeRefusal(
  gate: QuotaGate,
  nowMs: () => number,
): (projectNumber: string) => Promise<EpochNews | undefined> {
  const budgets = new Map<string, Budget>();

  return async (projectNumber) => {
    if (!take(projectNumber)) return undefined;
    const news = await gate.news(projectNumber);
    return news.ok ? news.value : undefined;
  };

  function take(projectNumber: string): boolean {
    const now = nowMs();
    const budget = budgets.get(projectNumber) ?? { left: BURST, atMs: now };
    const refilled = budget.left + (Math.max(0, now - budget.atMs) / 1_000) * REFILL_PER_SECOND;
    budget.left = Math.min(BURST, refilled);
    budget.atMs = now;
    if (!budgets.has(projectNumber) && budgets.size >= MAX_PROJECTS) budgets.clear();
    budgets.set(projectNumber, budget);
    if (budget.left < 1) return false;
    budget.left -= 1;
    return true;
  }
}
