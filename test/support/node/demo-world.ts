/** A running broker with a project, two clusters of one issuer URL and a target, for the clients that come over real HTTP. */
import { startBroker, type Broker, type BrokerOptions } from '../../../src/local/broker.ts';
import { createIssuer, workloadClaims, type Issuer, type WorkloadOptions } from '../issuer.ts';

const ISSUER_URI = 'https://kubernetes.default.svc.cluster.local';

export interface World {
  readonly broker: Broker;
  readonly projectNumber: string;
  readonly pool: string;
  readonly issuerUrl: string;
  readonly audience: string;
  readonly issuer: Issuer;
  /** Everything the Worker wrote to stdout so far. */
  readonly lines: readonly string[];
  token(options?: Partial<WorkloadOptions>): Promise<string>;
  admin(method: string, path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }>;
  must(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
}

export async function startWorld(options: BrokerOptions = {}): Promise<World> {
  const broker = await startBroker({
    kek: Buffer.from(`test-only-kek-${crypto.randomUUID().slice(0, 18)}`).toString('base64'),
    adminToken: `test-only-admin-${crypto.randomUUID()}`,
    ...options,
  });
  const lines: string[] = [];
  broker.onLine((line) => {
    lines.push(line);
    hearForTheSearch(line);
  });
  broker.onDiagnostic(hearForTheSearch);

  async function admin(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await fetch(`${broker.origin}${path}`, {
      method,
      headers: { authorization: `Bearer ${broker.adminToken}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }
  async function must(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const answer = await admin(method, path, body);
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  const projectNumber = '200000000002';
  const pool = 'world.svc.id.goog';
  const issuer = await createIssuer('RS256');
  const known = await admin('GET', `/v1/projects/${projectNumber}`);
  if (known.status === 404) await must('POST', '/v1/projects', { projectId: 'world', projectNumber });
  const pools = `/v1/projects/${projectNumber}/locations/global/workloadIdentityPools`;
  const providerId = `cluster-${crypto.randomUUID().slice(0, 8)}`;
  await must('POST', `${pools}/${pool}/providers?workloadIdentityPoolProviderId=${providerId}`, {
    kubernetes: {
      clusterUri: `https://clusters.example.com/${providerId}`,
      issuerUri: ISSUER_URI,
      jwksJson: issuer.jwksJson,
    },
  });
  const audience = `//iam.googleapis.com/projects/${projectNumber}/locations/global/workloadIdentityPools/${pool}/providers/${providerId}`;
  return {
    broker,
    projectNumber,
    pool,
    issuerUrl: `${broker.origin}/${projectNumber}/${pool}`,
    audience,
    issuer,
    lines,
    token: (more = {}) =>
      issuer.sign(workloadClaims({ issuerUri: ISSUER_URI, audience: `https:${audience}`, ...more })),
    admin,
    must,
  };
}

/** The run's search of all logs hears consoles: what a broker of its own writes is said there, and shown where its test fails. */
export function hearForTheSearch(line: string): void {
  // oxlint-disable-next-line no-console -- see above
  console.log(line);
}
