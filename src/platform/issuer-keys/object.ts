/** IssuerKeys object: shell. */
import { DurableObject } from 'cloudflare:workers';

export class IssuerKeys extends DurableObject<Env> {
  async ping(): Promise<'pong'> {
    return 'pong';
  }
}
