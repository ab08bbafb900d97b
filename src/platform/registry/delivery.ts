/** How a saved change comes into force: the Quota object takes its epoch, and tells everybody who asks it for a permit. */
import { ownLimitsByKey } from '../../core/admin/own-limits.ts';
import { CREDENTIAL_GENERATIONS, limitInForce } from '../../core/admin/quotas.ts';
import type { EpochChange } from '../../core/news.ts';
import { recentRetentionSeconds } from '../../core/recent.ts';
import type { Project } from '../../core/resources.ts';
import { credentialQuotaName } from '../object-names.ts';
import { within } from '../within.ts';
import type { FaultLog } from './faults.ts';
import { DELIVERY_PATIENCE_MS, type Host, PATIENCE_MS } from './host.ts';
import type { Outbox } from './outbox.ts';
import type { ProjectStore } from './project-store.ts';

interface Parts {
  readonly host: Host;
  readonly store: ProjectStore;
  readonly outbox: Outbox;
  readonly faults: FaultLog;
  /** The Quota object is ahead of us, at this epoch: this object was set back to an older day. */
  readonly leap: (inForce: number) => Promise<void>;
}

export class Delivery {
  readonly #parts: Parts;
  /** The attempt in flight: all who wait for the quota object wait for the same answer. */
  #attempt: Promise<boolean> | undefined;
  #isLevel = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * True when nothing is left undelivered of what was there when it was asked. Who comes while an attempt is in flight waits for
   * that one, and fails with it: a quota object that hangs costs each writer one patience, not one for each before him. Never rejects.
   */
  async deliver(): Promise<boolean> {
    const { store, outbox } = this.#parts;
    if (!store.exists()) return true;
    const wantedEpoch = store.epoch();
    while (outbox.holds(wantedEpoch)) if (!(await this.#sharedAttempt())) return false;
    return true;
  }

  async epochInForce(): Promise<number> {
    const { host, store } = this.#parts;
    const { projectNumber } = store.project();
    return (await within(PATIENCE_MS, host.env().QUOTA.getByName(projectNumber).news())).epoch;
  }

  /**
   * Set back by as many steps as are then written, an object would give epochs out again that stand for something else at the edge. It was
   * started anew to be set back, so one look is enough. Where nobody answers, the change that comes next is not in force either.
   */
  async level(): Promise<void> {
    if (this.#isLevel) return;
    try {
      const inForce = await this.epochInForce();
      if (inForce > this.#parts.store.epoch()) await this.#parts.leap(inForce);
      this.#isLevel = true;
    } catch {
      // The delivery of the change meets the same, and writes it down.
    }
  }

  #sharedAttempt(): Promise<boolean> {
    if (this.#attempt !== undefined) return this.#attempt;
    const attempt = this.#tryToDeliver();
    this.#attempt = attempt;
    // Before anybody who waits goes on, so that his next question is a new attempt.
    void attempt.then(() => (this.#attempt = undefined));
    return attempt;
  }

  async #tryToDeliver(): Promise<boolean> {
    try {
      const leapt = await this.#deliverOnce();
      // What it has just become is not in force before the leap is.
      if (leapt) await this.#deliverOnce();
      return true;
    } catch (fault) {
      const nowMs = this.#parts.host.nowMs();
      this.#parts.outbox.failed(nowMs);
      this.#parts.faults.record(nowMs, 'deliver', fault);
      return false;
    }
  }

  async #deliverOnce(): Promise<boolean> {
    const { host, store, outbox } = this.#parts;
    const project = store.project();
    const { projectNumber, tokenExchangesPerMinute } = project;
    const changes = outbox.undelivered();
    const deliveries = [
      host
        .env()
        .QUOTA.getByName(projectNumber)
        .advance({
          changes,
          limitPerMinute: tokenExchangesPerMinute,
          ownLimits: ownLimitsByKey(project),
          recentRetentionSeconds: recentRetentionSeconds(project),
        }),
      ...(store.serviceAccountCount() > 0 ? [this.#advanceCredentials(project, changes)] : []),
    ];
    const [inForce = 0] = await within(DELIVERY_PATIENCE_MS, Promise.all(deliveries));
    const newest = changes.at(-1)?.epoch ?? 0;
    if (inForce < newest) throw new Error(`the quota object stays at epoch ${inForce}`);
    outbox.delivered(newest);
    const isBehind = inForce > store.epoch();
    if (isBehind) await this.#parts.leap(inForce);
    return isBehind;
  }

  /** Told from the first account on. Its epoch may be behind, never ahead: the first object's leaps are delivered to both. */
  #advanceCredentials(project: Project, changes: readonly EpochChange[]): Promise<number> {
    return this.#parts.host
      .env()
      .QUOTA.getByName(credentialQuotaName(project.projectNumber))
      .advance({
        changes,
        limitPerMinute: limitInForce(project, CREDENTIAL_GENERATIONS),
        ownLimits: {},
        recentRetentionSeconds: 0,
      });
  }
}
