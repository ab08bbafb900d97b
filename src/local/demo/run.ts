/** The demo at start: seed once, then one exchange, told in words, and a curl to repeat it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, type Client, type IssuedToken } from '../../client/client.ts';
import type { Broker } from '../broker.ts';
import { writeSecret } from '../state-folder.ts';
import { watchAuditLines, type AuditLine } from './audit-lines.ts';
import { DEMO_ISSUER, openCluster, type DemoCluster } from './clusters.ts';
import { DEMO_POOL_PATH, DEMO_PROJECT_NUMBER, DEMO_TARGET_URI, isProjectMissing, seed } from './seed.ts';
import { commandsFor, curlFor, tellExchange } from './tell.ts';
import { DEMO_NAMESPACE, DEMO_SERVICE_ACCOUNT, signWorkloadToken } from './workload-token.ts';

const EXCHANGE_TOKEN_SECONDS = 3_600;
/** A ServiceAccount of the second cluster that no binding names. */
const STRANGER = 'stranger';
/** Whoever reads the screen after lunch can still paste the curl. */
const CURL_TOKEN_SECONDS = 4 * 3_600;

export async function runDemo(broker: Broker, stateFolder: string, say: (line: string) => void): Promise<void> {
  const clusters = [await openCluster(stateFolder, 'a'), await openCluster(stateFolder, 'b')] as const;
  const client = createClient({ origin: broker.origin, token: broker.adminToken, fetch });
  const marker = join(stateFolder, 'demo', 'seeded');
  // The broker's databases may have been lost without the marker; a policy that somebody emptied is no reason to fill it again.
  if (!existsSync(marker) || (await isProjectMissing(client))) {
    await seed(client, clusters);
    writeSecret(marker, new Date().toISOString());
  }
  const [cluster, otherCluster] = clusters;
  const { issued, audit } = await exchangeOnce(broker, client, cluster);
  const quota = await client.quotaInfo(DEMO_PROJECT_NUMBER);
  say(
    tellExchange({
      workload: `ServiceAccount ${DEMO_SERVICE_ACCOUNT} in namespace ${DEMO_NAMESPACE} of ${cluster.clusterUri}`,
      issued,
      audit,
      quota: quota.ok ? quota.value.usage : undefined,
      issuer: DEMO_ISSUER,
      otherCluster,
    }),
  );
  const fresh = await signWorkloadToken(cluster, audienceOf(cluster), nowSeconds(), CURL_TOKEN_SECONDS);
  say(curlFor(broker.origin, exchangeParameters(cluster, fresh), CURL_TOKEN_SECONDS));
  const files = await writeTokens(stateFolder, fresh, otherCluster);
  say(commandsFor(broker.origin, stateFolder, files.workload, files.stranger, DEMO_TARGET_URI));
}

/** In place of a kubelet, which projects a token into a file of each pod: one of a workload that is let in, one of a stranger. */
async function writeTokens(
  stateFolder: string,
  fresh: string,
  otherCluster: DemoCluster,
): Promise<{ readonly workload: string; readonly stranger: string }> {
  const files = {
    workload: join(stateFolder, 'demo', `${DEMO_SERVICE_ACCOUNT}.token`),
    stranger: join(stateFolder, 'demo', `${STRANGER}.token`),
  };
  writeSecret(files.workload, fresh);
  const audience = audienceOf(otherCluster);
  writeSecret(
    files.stranger,
    await signWorkloadToken(otherCluster, audience, nowSeconds(), CURL_TOKEN_SECONDS, STRANGER),
  );
  return files;
}

async function exchangeOnce(
  broker: Broker,
  client: Client,
  cluster: DemoCluster,
): Promise<{ issued: IssuedToken; audit: AuditLine }> {
  const audit = watchAuditLines(broker);
  try {
    const token = await signWorkloadToken(cluster, audienceOf(cluster), nowSeconds(), EXCHANGE_TOKEN_SECONDS);
    const reply = await client.exchange(exchangeParameters(cluster, token));
    const line = await audit.find(reply.requestId);
    if (reply.ok) return { issued: reply.value, audit: line };
    const { status, code, message } = reply.error;
    throw new Error(`the exchange was refused: ${status} ${code} ${message} (audit: ${JSON.stringify(line)})`);
  } finally {
    audit.end();
  }
}

function audienceOf(cluster: DemoCluster): string {
  return `https://iam.googleapis.com/${DEMO_POOL_PATH}/providers/${cluster.providerId}`;
}

function exchangeParameters(cluster: DemoCluster, subjectToken: string): Readonly<Record<string, string>> {
  return {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience: `//iam.googleapis.com/${DEMO_POOL_PATH}/providers/${cluster.providerId}`,
    resource: DEMO_TARGET_URI,
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    subject_token: subjectToken,
  };
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}
