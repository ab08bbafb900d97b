/** KeyRing object, one a ring (`core/rings.ts` names them; that of exchanges is called as its project): the only place where its signing keys are made and kept. */
import { DurableObject } from 'cloudflare:workers';
import type { Caller } from '../../core/admin/caller.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import type { KeyRingFigures } from '../../core/metrics.ts';
import { shardKey } from '../../core/resources.ts';
import type { Result } from '../../core/result.ts';
import { projectOfRing } from '../../core/rings.ts';
import { projectRegistryName } from '../object-names.ts';
import { readKeks } from '../settings.ts';
import { type PublishedKey, RingKeeper, type RotateInput, type SigningKeyInfo, type SigningKeys } from './keeper.ts';
import { type RingFault, RingStore } from './store.ts';

export class KeyRing extends DurableObject<Env> {
  /** A property of the instance, which RPC does not reach: no caller can tell this object the time. */
  clock: () => number = () => Date.now();
  readonly #keeper: RingKeeper;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#keeper = new RingKeeper(new RingStore(ctx.storage), {
      name: ctx.id.name ?? '',
      nowMs: () => this.clock(),
      keks: () => readKeks(this.env),
      announce: (ring, caller, command) =>
        this.env.REGISTRY.getByName(projectRegistryName(projectOfRing(ring))).announce(
          [shardKey.ring(ring)],
          caller,
          command,
        ),
      setAlarm: (atMs) => ctx.storage.setAlarm(atMs),
    });
  }

  /** Called when the project is made, or when a service account first signs. Nothing else ever makes a ring. `ring`: the name of this object. */
  async create(ring: string): Promise<Result<null, AdminDenial>> {
    return this.#keeper.create(ring);
  }

  async signingKeys(): Promise<SigningKeys | undefined> {
    return this.#keeper.signingKeys();
  }

  async publicKeys(): Promise<{ readonly keys: readonly PublishedKey[] } | undefined> {
    return this.#keeper.publicKeys();
  }

  async list(): Promise<readonly SigningKeyInfo[] | undefined> {
    return this.#keeper.list();
  }

  async catchUp(): Promise<Result<SigningKeys | undefined, AdminDenial>> {
    return this.#keeper.catchUp();
  }

  /** `caller` is who asked, for the project's history. */
  async rotate(input: RotateInput, caller?: Caller): Promise<Result<readonly SigningKeyInfo[], AdminDenial>> {
    return this.#keeper.rotate(input, caller);
  }

  /** For whoever watches. */
  async figures(): Promise<KeyRingFigures | undefined> {
    const keys = this.#keeper.list();
    return keys === undefined ? undefined : { keys, failuresInARow: this.#keeper.fault()?.failures ?? 0 };
  }

  async fault(): Promise<RingFault | undefined> {
    return this.#keeper.fault();
  }

  /** What it signed for is gone for good, and with it every private key. */
  async destroy(): Promise<void> {
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
  }

  async ping(): Promise<'pong'> {
    return 'pong';
  }

  override async alarm(): Promise<void> {
    try {
      await this.#keeper.wake();
    } catch {
      // Storage itself failed, so nothing could be written down. Try again soon; the platform's own retries would end.
      await this.ctx.storage.setAlarm(Date.now() + 60_000).catch(() => undefined);
    }
  }
}
