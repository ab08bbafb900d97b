/** Registry object: shell. */
import { DurableObject } from 'cloudflare:workers';

export class Registry extends DurableObject<Env> {
  async ping(): Promise<'pong'> {
    return 'pong';
  }
}
