/** How fast permits were handed out in the last ten seconds: what a forecast goes on with. */

const OVER_MS = 10_000;
const STEP_MS = 250;

export class Handed {
  #steps: { readonly step: number; permits: number }[] = [];

  add(permits: number, nowMs: number): void {
    const step = Math.floor(nowMs / STEP_MS);
    const last = this.#steps.at(-1);
    if (last?.step === step) last.permits += permits;
    else this.#steps = [...this.#within(nowMs), { step, permits }];
  }

  perMs(nowMs: number): number {
    return this.#within(nowMs).reduce((sum, { permits }) => sum + permits, 0) / OVER_MS;
  }

  #within(nowMs: number): { readonly step: number; permits: number }[] {
    return this.#steps.filter(({ step }) => step * STEP_MS > nowMs - OVER_MS);
  }
}
