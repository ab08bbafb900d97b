/** The whole app of `src/app.ts` in Node, over ports in memory: the rules are the real ones, and so are the subject tokens' signatures. */
import { unreachable } from '../support/unreachable.ts';
import type { webcrypto } from 'node:crypto';
import { createApp } from '../../src/app.ts';
import type { AdminPort } from '../../src/core/admin/port.ts';
import { unverified } from '../../src/core/denial.ts';
import { readPublishedJwks } from '../../src/core/jwks-document.ts';
import { createPolicyCompiler } from '../../src/core/policy/cache.ts';
import type { ExchangePorts } from '../../src/core/ports.ts';
import { err, ok } from '../../src/core/result.ts';
import { createSignatureVerifier } from '../../src/platform/issuer-keys/verify.ts';
import { thumbprintOf } from '../../src/platform/thumbprint.ts';
import { createTokenReviewer } from '../../src/platform/token-review/reviewer.ts';
import { createIssuer, type Issuer } from '../support/issuer.ts';
import { createMemoryAdmin } from '../support/memory-admin.ts';
import { createMemorySessions } from '../support/memory-sessions.ts';
import { liveView } from './live-view.ts';
import { ADMIN_TOKEN, NOW_SECONDS, ORIGIN, PROJECT } from './names.ts';
import { seed } from './seed.ts';

declare global {
  /** Node's types have it under another name; `src/platform` is compiled against this one. */
  interface CryptoKey extends webcrypto.CryptoKey {}
}

/** Whose keys there are. `a` is every cluster's at first; the others come with rotations, or never. */
export interface Issuers {
  readonly a: Issuer;
  readonly b: Issuer;
  readonly c: Issuer;
  readonly rsa: Issuer;
}

/** What the world outside does; a property sets it before it asks. */
export interface Outside {
  /** The key set that the issuer of the cluster with discovery publishes; undefined: it is away. */
  published: string | undefined;
  /** What the API server answers to a TokenReview; undefined: nothing comes. */
  review: ((question: Review) => Response) | undefined;
  reviewsAsked: number;
}

export interface Review {
  readonly spec: { readonly token: string; readonly audiences: readonly string[] };
}

export interface World {
  readonly issuers: Issuers;
  readonly outside: Outside;
  /** Faults that the app reported, and exceptions that ended as refusals: there must be none. */
  readonly faults: readonly string[];
  send(path: string, init: RequestInit): Promise<Response>;
  /** Everything as it was at first. */
  reset(): Promise<void>;
}

/** How a test breaks the world, to see that the fuzzing finds it out. */
export interface Breakage {
  readonly ports?: (ports: ExchangePorts) => Partial<ExchangePorts>;
  readonly admin?: (admin: AdminPort) => Partial<AdminPort>;
  /** Stands before the app. */
  readonly door?: (request: Request, issuers: Issuers) => Promise<Request>;
}

const NOW_MS = NOW_SECONDS * 1_000;

export async function createWorld(broken: Breakage = {}): Promise<World> {
  const [a, b, c, rsa] = await Promise.all([
    createIssuer('ES256', 'key-a'),
    createIssuer('ES256', 'key-b'),
    createIssuer('ES256', 'key-c'),
    createIssuer('RS256', 'key-rsa'),
  ]);
  const issuers = { a, b, c, rsa };
  const faults: string[] = [];
  const outside: Outside = { published: undefined, review: undefined, reviewsAsked: 0 };
  let app = build();
  await reset();
  return { issuers, outside, faults, send, reset };

  async function send(path: string, init: RequestInit): Promise<Response> {
    const request = new Request(`${ORIGIN}${path}`, init);
    return app.fetch((await broken.door?.(request, issuers)) ?? request);
  }

  async function reset(): Promise<void> {
    Object.assign(outside, { published: a.jwksJson, review: undefined, reviewsAsked: 0 });
    app = build();
    await seed(send, a.jwksJson);
  }

  function build(): ReturnType<typeof createApp> {
    const admin = createMemoryAdmin(NOW_MS);
    const exchange = portsOver((projectNumber) => liveView(admin.stateOf(projectNumber)), outside, faults);
    return createApp({
      exchange: { ...exchange, ...broken.ports?.(exchange) },
      aws: unreachable().aws,
      wellKnown: {
        publicOrigin: ORIGIN,
        poolExists: async (projectNumber, poolId) =>
          ok(projectNumber === PROJECT && admin.stateOf(PROJECT)?.pool(poolId) !== undefined),
        publishedKeys: async () => ok({ keys: [] }),
      },
      credentials: unreachable().credentials,
      accountDocuments: unreachable().accountDocuments,
      tokenCare: unreachable().tokenCare,
      admin: { ...admin, ...broken.admin?.(admin) },
      readAsset: async () => undefined,
      metrics: { visible: async () => ok({ projects: [], isCut: false }), read: async () => [] },
      authenticateAdmin: async ({ authorization }) => {
        if (authorization === undefined) return err({ tag: 'unauthenticated' });
        return authorization === `Bearer ${ADMIN_TOKEN}`
          ? ok({ name: 'bootstrap', identity: { kind: 'bootstrap' } })
          : err({ tag: 'bad_credentials' });
      },
      sessions: createMemorySessions(() => NOW_MS),
      notReadyReason: async () => undefined,
      newRequestId: () => 'request',
      reportFault: (_id, fault) => faults.push(fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)),
    });
  }
}

function portsOver(openConfig: ExchangePorts['openConfig'], outside: Outside, faults: string[]): ExchangePorts {
  const news = { epoch: 1, recent: [] };
  const taken = new Set<string>();
  let ids = 0;
  const nowMs = (): number => NOW_MS;
  const newTokenId = (): string => `id-${(ids += 1)}`;
  // What is signed is what is looked at here; the signer has tests of its own.
  const sign: ExchangePorts['sign'] = async ({ claims }) =>
    ok({ jwt: `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.e30` });
  return {
    publicOrigin: ORIGIN,
    remember: () => undefined,
    compiler: createPolicyCompiler(100),
    nowMs,
    newTokenId,
    openConfig,
    newsBeforeRefusal: async () => ok(news),
    discoveredKeys: async () => {
      const set = outside.published === undefined ? undefined : readPublishedJwks(outside.published);
      if (!set?.ok) return err({ tag: 'unavailable', dependency: 'issuer_keys' });
      return ok(set.value.keys.map((key) => ({ ...key, thumbprint: thumbprintOf(key) })));
    },
    verifySignature: createSignatureVerifier(),
    askAws: async () => err({ tag: 'unavailable', dependency: 'aws_sts' }),
    reviewToken: createTokenReviewer({
      sign,
      newsOf: async () => ok(news),
      nowMs,
      publicOrigin: ORIGIN,
      newTokenId,
      loopbackAllowed: false,
      fetch: async (_url, { body }) => {
        outside.reviewsAsked += 1;
        if (outside.review === undefined || typeof body !== 'string') throw new TypeError('nothing comes');
        return outside.review(JSON.parse(body) as Review);
      },
    }),
    spend: async (_projectNumber, { once } = { limits: [] }) => {
      if (once !== undefined && taken.has(once.key)) return err({ denial: unverified('replay'), news });
      if (once !== undefined) taken.add(once.key);
      return ok({ news, usableUntilMs: NOW_MS + 1_000 });
    },
    sign,
    failures: { blockedForSeconds: () => undefined, recordFailure: async () => undefined },
    record: (event) => {
      if (event.reason === 'internal') faults.push(`exchange: ${event.check}`);
    },
    recordPush: (event) => {
      if (event.reason === 'internal') faults.push(`push: ${event.check}`);
    },
  };
}
