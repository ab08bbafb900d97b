/** The broker through its front door, inside workerd: HTTP in, HTTP out, and the audit lines it writes on the way. */
import { env, exports } from 'cloudflare:workers';
import { vi } from 'vitest';
import { createIssuer, type Issuer, workloadClaims, type WorkloadOptions } from './issuer.ts';

export const ORIGIN = 'https://sts.example.com';
const DEFAULT_ISSUER = 'https://kubernetes.default.svc.cluster.local';
const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
  readonly text: string;
}

export type Fetch = (request: Request) => Promise<Response>;

const workerFetch: Fetch = (request) => exports.default.fetch(request);
let adminFetch = workerFetch;

/** From here on administrators come through this isolate, or again through the one that all tests share. */
export function administerThrough(fetch: Fetch = workerFetch): void {
  adminFetch = fetch;
}

export async function call(path: string, init: RequestInit = {}, fetch: Fetch = workerFetch): Promise<Answer> {
  const response = await fetch(new Request(`${ORIGIN}${path}`, init));
  const text = await response.text();
  let body: unknown = {};
  try {
    body = JSON.parse(text);
  } catch {
    body = {};
  }
  return { status: response.status, headers: response.headers, body: body as Record<string, unknown>, text };
}

/** An administrator's call with the bootstrap token. */
export async function admin(method: string, path: string, body?: unknown, fetch: Fetch = adminFetch): Promise<Answer> {
  const headers = { authorization: `Bearer ${env.EDGE_STS_ADMIN_TOKEN ?? ''}`, 'content-type': 'application/json' };
  return call(path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }, fetch);
}

/** As `admin`, but a refusal fails the test with what was said. */
export async function must(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const answer = await admin(method, path, body);
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.body;
}

export interface TestProject {
  readonly id: string;
  readonly number: string;
  readonly builtInPool: string;
}

export async function createProject(): Promise<TestProject> {
  const id = `p-${crypto.randomUUID().slice(0, 12)}`;
  const project = await must('POST', '/v1/projects', { projectId: id });
  return { id, number: String(project['projectNumber']), builtInPool: `${id}.svc.id.goog` };
}

export interface Cluster {
  readonly issuer: Issuer;
  readonly issuerUri: string;
  readonly clusterUri: string;
  readonly pool: string;
  readonly providerId: string;
  /** `projects/N/…/providers/Q`. */
  readonly name: string;
  /** `//iam.googleapis.com/…`: the audience parameter. */
  readonly audience: string;
  token(options?: Partial<WorkloadOptions>): Promise<string>;
}

export async function addCluster(
  project: TestProject,
  options: {
    readonly issuer?: Issuer;
    readonly issuerUri?: string;
    readonly pool?: string;
    readonly clusterUri?: string;
    readonly extra?: object;
  } = {},
): Promise<Cluster> {
  const issuer = options.issuer ?? (await createIssuer());
  const issuerUri = options.issuerUri ?? DEFAULT_ISSUER;
  const pool = options.pool ?? project.builtInPool;
  const providerId = `c-${crypto.randomUUID().slice(0, 8)}`;
  const clusterUri = options.clusterUri ?? `https://clusters.example.com/${providerId}`;
  const pools = `/v1/projects/${project.number}/locations/global/workloadIdentityPools`;
  await must('POST', `${pools}/${pool}/providers?workloadIdentityPoolProviderId=${providerId}`, {
    kubernetes: { clusterUri, issuerUri, jwksJson: issuer.jwksJson },
    ...options.extra,
  });
  const name = `projects/${project.number}/locations/global/workloadIdentityPools/${pool}/providers/${providerId}`;
  const audience = `//iam.googleapis.com/${name}`;
  return {
    issuer,
    issuerUri,
    clusterUri,
    pool,
    providerId,
    name,
    audience,
    token: (more = {}) => issuer.sign(workloadClaims({ issuerUri, audience: `https:${audience}`, ...more })),
  };
}

export interface TestTarget {
  readonly id: string;
  readonly uri: string;
  readonly path: string;
}

export async function addTarget(project: TestProject, extra: object = {}): Promise<TestTarget> {
  const id = `t-${crypto.randomUUID().slice(0, 8)}`;
  const uri = `https://${id}.example.com`;
  await must('POST', `/v1/projects/${project.number}/targets?targetId=${id}`, { uri, ...extra });
  return { id, uri, path: `/v1/projects/${project.number}/targets/${id}` };
}

/** A custom role that opens targets; answers its full name. */
export async function addRole(
  project: TestProject,
  permissions: readonly string[] = ['storage.objects.get'],
): Promise<string> {
  const roleId = `r${crypto.randomUUID().replaceAll('-', '').slice(0, 10)}`;
  const role = { title: 'test', includedPermissions: permissions };
  await must('POST', `/v1/projects/${project.number}/roles`, { roleId, role });
  return `projects/${project.id}/roles/${roleId}`;
}

export interface TestBinding {
  readonly role: string;
  readonly members: readonly string[];
  readonly condition?: { readonly expression: string; readonly title?: string };
}

/** Overwrites the policy of `path` (a target's path or `/v1/projects/P`). */
export async function setPolicy(path: string, bindings: readonly TestBinding[]): Promise<void> {
  await must('POST', `${path}:setIamPolicy`, { policy: { version: 3, bindings } });
}

export function member(project: TestProject, pool: string, selector: string, kind = 'principal'): string {
  return `${kind}://iam.googleapis.com/projects/${project.number}/locations/global/workloadIdentityPools/${pool}/${selector}`;
}

/** Google's own parameters around a token; `undefined` takes one away. */
export function tokenForm(
  audience: string | undefined,
  subjectToken: string,
  more: Record<string, string | undefined> = {},
): URLSearchParams {
  const all: Record<string, string | undefined> = {
    grant_type: GRANT_TYPE,
    audience,
    scope: 'https://www.googleapis.com/auth/cloud-platform',
    requested_token_type: `${TOKEN_TYPE}access_token`,
    subject_token: subjectToken,
    subject_token_type: `${TOKEN_TYPE}jwt`,
    ...more,
  };
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(all)) if (value !== undefined) form.append(name, value);
  return form;
}

export async function postToken(
  body: URLSearchParams,
  headers: Record<string, string> = {},
  fetch: Fetch = workerFetch,
): Promise<Answer> {
  const all = { 'content-type': 'application/x-www-form-urlencoded', ...headers };
  return call('/v1/token', { method: 'POST', headers: all, body: body.toString() }, fetch);
}

/** One exchange of this cluster's token, for a target where `resource` is given. */
export async function exchange(
  cluster: Cluster,
  resource?: string,
  token?: string,
  more: Record<string, string | undefined> = {},
): Promise<Answer> {
  return postToken(tokenForm(cluster.audience, token ?? (await cluster.token()), { resource, ...more }));
}

export type AuditLine = Record<string, unknown>;

/** Collects what the Worker writes; `lineFor(answer)` waits for the audit line of one answer. */
export function captureAudit(): { lineFor(answer: Answer): Promise<AuditLine>; all(): string[] } {
  const log = vi.spyOn(console, 'log');
  const all = (): string[] => log.mock.calls.map((args) => String(args[0]));
  return {
    all,
    async lineFor(answer) {
      const requestId = answer.headers.get('x-request-id') ?? 'none';
      for (let round = 0; round < 200; round++) {
        const line = all().find((one) => one.includes(requestId) && !isAlert(one));
        if (line !== undefined) return JSON.parse(line) as AuditLine;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      throw new Error(`no audit line for ${requestId}`);
    },
  };
}

/** Of the same request, and not what became of it. */
export function isAlert(line: string): boolean {
  return line.startsWith('{"event":"alert"');
}

export function claimsOf(answer: Answer): Record<string, unknown> {
  return decodePart(String(answer.body['access_token']), 1);
}

export function headerOf(answer: Answer): Record<string, unknown> {
  return decodePart(String(answer.body['access_token']), 0);
}

function decodePart(token: string, part: number): Record<string, unknown> {
  const text = atob((token.split('.')[part] ?? '').replaceAll('-', '+').replaceAll('_', '/'));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (c) => c.charCodeAt(0)))) as Record<string, unknown>;
}
