/** Ports of an app in which nothing may be reached: whatever the test does not replace throws. */
import type { createApp } from '../../src/app.ts';

type AppPorts = Parameters<typeof createApp>[0];

export function unreachable(): AppPorts {
  const port = (): never => {
    throw new Error('this port is not part of the test');
  };
  return {
    exchange: {
      publicOrigin: 'https://sts.example.com',
      compiler: { condition: port, mapping: port },
      nowMs: () => Date.now(),
      newTokenId: port,
      openConfig: port,
      newsBeforeRefusal: port,
      discoveredKeys: port,
      verifySignature: port,
      reviewToken: port,
      askAws: port,
      spend: port,
      sign: port,
      failures: { blockedForSeconds: () => undefined, recordFailure: port },
      record: port,
      remember: port,
      recordPush: port,
    },
    aws: {
      crypto: { sha256Hex: port, hmacSha256: port },
      projectOfAccount: port,
      makeCredentials: port,
      openSession: port,
      sealMessage: port,
      openMessage: port,
      isSessionRevoked: port,
    },
    wellKnown: { publicOrigin: 'https://sts.example.com', poolExists: port, publishedKeys: port },
    credentials: {
      publicOrigin: 'https://sts.example.com',
      nowMs: () => Date.now(),
      newTokenId: port,
      projectNumberOf: port,
      impersonation: port,
      spend: port,
      sign: port,
      signBytes: port,
      record: port,
    },
    tokenCare: {
      publicOrigin: 'https://sts.example.com',
      nowMs: () => Date.now(),
      newTokenId: port,
      verifyOwn: port,
      stands: port,
      newsOf: port,
      sign: port,
      revoke: port,
      recordToken: port,
    },
    accountDocuments: { publicOrigin: 'https://sts.example.com', issuerKeys: port, accountKeys: port },
    admin: new Proxy({} as AppPorts['admin'], { get: () => port }),
    metrics: { visible: port, read: port },
    authenticateAdmin: port,
    sessions: { open: port, find: port, end: port },
    readAsset: port,
    notReadyReason: port,
    newRequestId: () => crypto.randomUUID(),
    reportFault: port,
  };
}
