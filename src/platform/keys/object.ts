/** KeyRing object: shell. */
import { DurableObject } from 'cloudflare:workers';

export class KeyRing extends DurableObject<Env> {
  async ping(): Promise<'pong'> {
    return 'pong';
  }
}
