/** The composition root: bindings become ports here, once for each isolate, and nowhere else. No logic. */
import { waitUntil } from 'cloudflare:workers';
import { type App, createApp, createUnconfiguredApp } from './app.ts';
import type { Denial } from './core/denial.ts';
import { err, ok, type Result } from './core/result.ts';
import { ringOf } from './core/rings.ts';
import { createPolicyCompiler } from './core/policy/cache.ts';
import { makeReady } from './core/policy/ready.ts';
import { accountIssuerExists, accountOf } from './core/account-documents.ts';
import { poolExists } from './core/pool-exists.ts';
import type { ConfigView } from './core/ports.ts';
import { createAccessAuthenticator } from './platform/administration/access.ts';
import { createAdminAuthenticator } from './platform/administration/authenticate.ts';
import { createBootstrapAuthenticator } from './platform/administration/bootstrap.ts';
import { createFederatedAuthenticator } from './platform/administration/federated.ts';
import { createMetricsPort } from './platform/administration/metrics.ts';
import { createOwnTokenVerifier } from './platform/administration/own-token.ts';
import { createAdminPort } from './platform/administration/port.ts';
import { createRetiredTokens, createStands } from './platform/administration/registry.ts';
import { createAssetReader } from './platform/assets.ts';
import {
  createAuditLog,
  createCredentialAuditLog,
  createFaultLog,
  createTokenAuditLog,
  createPushAuditLog,
} from './platform/audit/log.ts';
import { createAskAws } from './platform/aws-identity/ask.ts';
import { createAuthority } from './platform/credentials/authority.ts';
import { createFailureLimiter } from './platform/failures/limiter.ts';
import { createIssuerKeyReader } from './platform/issuer-keys/read.ts';
import { createSignatureVerifier } from './platform/issuer-keys/verify.ts';
import { createJwksReader } from './platform/keys/jwks.ts';
import { createAwsSessions, webSigV4Crypto } from './platform/keys/session.ts';
import { createSigner } from './platform/keys/signer.ts';
import { credentialQuotaName } from './platform/object-names.ts';
import { flushedFirst } from './platform/quota/flushed-first.ts';
import { createQuotaGate } from './platform/quota/gate.ts';
import { createNewsBeforeRefusal } from './platform/quota/news-before-refusal.ts';
import { createRecentReader } from './platform/quota/recent-reader.ts';
import { createRecentSender } from './platform/quota/recent-sender.ts';
import { createUsageReader } from './platform/quota/usage-reader.ts';
import { notReadyReason } from './platform/readiness.ts';
import { createAwsAccountReader } from './platform/registry/aws-account-reader.ts';
import { createConfigReader } from './platform/registry/snapshot.ts';
import { readSecrets, readSettings } from './platform/settings.ts';
import { createSessions } from './platform/sessions/sessions.ts';
import { createIsSessionRevoked, createRevoke } from './platform/token-care/authority.ts';
import { createTokenReviewer } from './platform/token-review/reviewer.ts';

export { Registry } from './platform/registry/object.ts';
export { Quota } from './platform/quota/object.ts';
export { KeyRing } from './platform/keys/object.ts';
export { IssuerKeys } from './platform/issuer-keys/object.ts';

makeReady();

const MAX_COMPILED_EXPRESSIONS = 2_000;
const MAX_CONFIG_ENTRIES = 5_000;

/** Keyed by the bindings themselves: another `env` is another broker. Exported for the tests, which bring faulty bindings. */
export function createBroker(env: Env): App {
  const settings = readSettings(env);
  if (!settings.ok) return unconfigured(settings.error);
  const secrets = readSecrets(env);
  if (!secrets.ok) return unconfigured(secrets.error);
  const { publicOrigin, loopbackIssuersAllowed, access, awsStsHost } = settings.value;
  const { keks, adminToken } = secrets.value;
  const nowMs = (): number => Date.now();
  const writeLine = (line: string): void => {
    // oxlint-disable-next-line no-console -- stdout is where the audit line belongs (CONTRACT)
    console.log(line);
  };

  const recent = createRecentSender({
    namespace: env.QUOTA,
    nowMs,
    wait: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)),
    inBackground: (work) => waitUntil(work),
    newId,
    projectExists: async (projectNumber) => {
      const exists = await projectExists(projectNumber);
      return exists.ok ? exists.value : undefined;
    },
  });
  const gate = createQuotaGate(env.QUOTA, nowMs, { cargo: recent, inBackground: (work) => waitUntil(work) });
  const credentialGate = createQuotaGate(
    { getByName: (number) => env.QUOTA.getByName(credentialQuotaName(number)) },
    nowMs,
    { inBackground: (work) => waitUntil(work) },
  );
  const admin = createAdminPort({
    registry: env.REGISTRY,
    keyRing: env.KEY_RING,
    issuerKeys: env.ISSUER_KEYS,
    bootstrapToken: adminToken,
    usage: (number) => gate.usage(number),
    credentialUsage: (number) => credentialGate.usage(number),
    // Who changed something here sees it at his next exchange here; other isolates within one lease.
    changed: (number) => {
      gate.drop(number);
      credentialGate.drop(number);
    },
    recentExchanges: flushedFirst(recent, createRecentReader(env.QUOTA)),
    usagePoints: flushedFirst(recent, createUsageReader(env.QUOTA)),
  });
  const projectExists = async (projectNumber: string): Promise<Result<boolean, Denial>> => {
    const found = await admin.findProject(projectNumber);
    return found.ok ? ok(found.value !== undefined) : err({ tag: 'unavailable', dependency: 'configuration' });
  };
  const newsBeforeRefusal = createNewsBeforeRefusal(gate, projectExists, nowMs);
  const config = createConfigReader({
    cache: env.CACHE,
    registry: env.REGISTRY,
    keks,
    nowMs,
    maxEntries: MAX_CONFIG_ENTRIES,
  });
  const openConfig = (projectNumber: string): ConfigView => config.open(projectNumber);
  const signer = createSigner({ namespace: env.KEY_RING, keks, nowMs });
  const issuerKeys = createIssuerKeyReader({ namespace: env.ISSUER_KEYS, cache: env.CACHE, keks, nowMs });
  const jwks = createJwksReader({ namespace: env.KEY_RING, cache: env.CACHE, keks, nowMs });
  const audit = createAuditLog(writeLine);
  const auditPush = createPushAuditLog(writeLine);
  const authority = createAuthority(env.REGISTRY, nowMs);
  const stands = createStands(env.REGISTRY);
  const verifySignature = createSignatureVerifier();
  const publishedKeys = (ring: string) => jwks.published(ring);
  const verifyOwn = createOwnTokenVerifier({ publicOrigin, publishedKeys, verifySignature, nowMs });
  const documents = { openConfig, newsBeforeRefusal };

  return createApp({
    exchange: {
      publicOrigin,
      compiler: createPolicyCompiler(MAX_COMPILED_EXPRESSIONS),
      nowMs,
      newTokenId: newId,
      openConfig,
      newsBeforeRefusal,
      discoveredKeys: (name, provider, kid) => issuerKeys.discoveredKeys(name, provider, kid),
      verifySignature,
      reviewToken: createTokenReviewer({
        sign: (input) => signer.sign(input),
        newsOf: (projectNumber) => gate.news(projectNumber),
        nowMs,
        fetch: (url, init) => fetch(url, init),
        publicOrigin,
        newTokenId: newId,
        loopbackAllowed: loopbackIssuersAllowed,
      }),
      askAws: createAskAws((url, init) => fetch(url, init)),
      spend: (projectNumber, alone, requestId) =>
        recent.during(projectNumber, () => gate.spend(projectNumber, alone, requestId)),
      sign: (input) => signer.sign(input),
      failures: createFailureLimiter(env.FAILURES_BY_ADDRESS, env.FAILURES_BY_ADDRESS_AND_PROVIDER, nowMs),
      record: (event) => {
        recent.count(event);
        return audit(event);
      },
      remember: (projectNumber, ending, make) => recent.remember(projectNumber, ending, make),
      recordPush: (event) => waitUntil(auditPush(event)),
    },
    wellKnown: {
      publicOrigin,
      poolExists: (projectNumber, poolId) => poolExists(projectNumber, poolId, { openConfig, newsBeforeRefusal }),
      publishedKeys: (projectNumber) => jwks.published(projectNumber),
    },
    credentials: {
      publicOrigin,
      nowMs,
      newTokenId: newId,
      projectNumberOf: (projectId) => authority.projectNumberOf(projectId, 'caller'),
      impersonation: (projectNumber, identity, asked) => authority.impersonation(projectNumber, identity, asked),
      spend: async (projectNumber, requestId) => credentialGate.spend(projectNumber, undefined, requestId),
      sign: (input) => signer.sign(input),
      signBytes: (input, bytes) => signer.signBytes(input, bytes),
      record: createCredentialAuditLog(writeLine),
    },
    tokenCare: {
      publicOrigin,
      nowMs,
      newTokenId: newId,
      verifyOwn,
      stands,
      newsOf: (projectNumber) => gate.news(projectNumber),
      sign: (input) => signer.sign(input),
      revoke: createRevoke(env.REGISTRY),
      recordToken: createTokenAuditLog(writeLine),
    },
    accountDocuments: {
      publicOrigin,
      issuerKeys: async (projectNumber) => {
        const exists = await accountIssuerExists(projectNumber, documents);
        if (!exists.ok || !exists.value) return exists.ok ? ok(undefined) : exists;
        return jwks.published(ringOf.accountTokens(projectNumber));
      },
      accountKeys: async (email) => {
        const projectNumberOf = (projectId: string) => authority.projectNumberOf(projectId, 'stranger');
        const account = await accountOf(email, projectNumberOf, documents);
        if (!account.ok || account.value === undefined) return account.ok ? ok(undefined) : account;
        const { projectNumber, uniqueId } = account.value;
        const published = await jwks.published(ringOf.accountKeys(projectNumber, uniqueId));
        // It has signed nothing yet.
        return published.ok ? ok(published.value ?? { keys: [] }) : published;
      },
    },
    aws: {
      crypto: webSigV4Crypto,
      ...createAwsSessions(keks),
      isSessionRevoked: createIsSessionRevoked(env.REGISTRY),
      projectOfAccount: createAwsAccountReader({
        cache: env.CACHE,
        registry: env.REGISTRY,
        keks,
        nowMs,
        inBackground: (work) => waitUntil(work),
      }),
    },
    awsStsHost,
    admin,
    metrics: createMetricsPort({
      registry: env.REGISTRY,
      quota: env.QUOTA,
      keyRing: env.KEY_RING,
      issuerKeys: env.ISSUER_KEYS,
    }),
    authenticateAdmin: createAdminAuthenticator({
      bootstrap: createBootstrapAuthenticator(adminToken, createRetiredTokens(env.REGISTRY)),
      federated: createFederatedAuthenticator({ publicOrigin, verifyOwn, stands }),
      ...(access === undefined
        ? {}
        : {
            access: createAccessAuthenticator({
              ...access,
              fetch: (url, init) => fetch(url, init),
              verifySignature,
              nowMs,
            }),
          }),
    }),
    sessions: createSessions(env.REGISTRY, keks),
    readAsset: createAssetReader(env.ASSETS),
    notReadyReason: () => notReadyReason(env.REGISTRY, () => gate.ping()),
    newRequestId: newId,
    reportFault: createFaultLog(writeLine, nowMs),
  });
}

/** Said once an isolate, besides in each answer of /readyz: who deploys reads logs before he asks. */
function unconfigured(reason: string): App {
  // oxlint-disable-next-line no-console -- stderr is where the operator looks for what is missing
  console.error(`edge-sts is not ready: ${reason}`);
  return createUnconfiguredApp(reason, newId);
}

function newId(): string {
  return crypto.randomUUID();
}

const brokers = new WeakMap<Env, App>();

function newBroker(env: Env): App {
  const broker = createBroker(env);
  brokers.set(env, broker);
  return broker;
}

export default {
  fetch(request, env, ctx): Response | Promise<Response> {
    return (brokers.get(env) ?? newBroker(env)).fetch(request, env, ctx);
  },
} satisfies ExportedHandler<Env>;
