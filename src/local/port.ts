/** Loopback ports: is this one free, and which one is. */
import { createServer } from 'node:net';

export const LOOPBACK = '127.0.0.1';

/** The port that listened: `port` itself, or any free one for 0. Undefined where it is taken or not ours to take. */
export function probePort(port: number): Promise<number | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen({ host: LOOPBACK, port, exclusive: true }, () => {
      const address = server.address();
      const found = typeof address === 'object' && address !== null ? address.port : undefined;
      server.close(() => resolve(found));
    });
  });
}
