/** The settings of a broker under measurement. */
import { ADMIN_TOKEN } from './world.ts';

export function variablesOf(origin: string): Readonly<Record<string, string>> {
  return {
    PUBLIC_ORIGIN: origin,
    EDGE_STS_KEK: Buffer.alloc(32, 'bench-only').toString('base64'),
    EDGE_STS_ADMIN_TOKEN: ADMIN_TOKEN,
  };
}
