/** Quota object: shell. */
import { DurableObject } from 'cloudflare:workers';

export class Quota extends DurableObject<Env> {
  async ping(): Promise<'pong'> {
    return 'pong';
  }
}
