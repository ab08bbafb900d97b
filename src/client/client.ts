/** How to ask the broker over HTTP: typed, `fetch` handed in, no Node and no Workers types, so that it runs anywhere. */

/** As much of `fetch` as is used here; the global one of every runtime fits. */
export type Fetch = (
  url: string,
  init: { readonly method: string; readonly headers: Record<string, string>; readonly body?: string },
) => Promise<{
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}>;

export interface ClientOptions {
  /** Without a trailing slash, e.g. `https://sts.example.com`. */
  readonly origin: string;
  /** The administrator's bearer token; an exchange needs none. */
  readonly token?: string;
  readonly fetch: Fetch;
}

export interface ApiError {
  readonly status: number;
  /** `ALREADY_EXISTS` and its like from the administration, `invalid_target` and its like from the token endpoint. */
  readonly code: string;
  readonly message: string;
}

export type Reply<T> =
  | { readonly ok: true; readonly value: T; readonly requestId: string }
  | { readonly ok: false; readonly error: ApiError; readonly requestId: string };

export interface ProviderBody {
  readonly displayName?: string;
  readonly kubernetes?: { readonly clusterUri: string; readonly issuerUri: string; readonly jwksJson?: string };
  readonly oidc?: {
    readonly issuerUri: string;
    readonly jwksJson?: string;
    readonly allowedAudiences?: readonly string[];
  };
  readonly attributeMapping?: Readonly<Record<string, string>>;
  readonly attributeCondition?: string;
}

export interface TargetBody {
  readonly uri: string;
  readonly displayName?: string;
  readonly resource?: { readonly name?: string; readonly type?: string; readonly service?: string };
  readonly tags?: Readonly<Record<string, string>>;
  readonly tokenSigningAlg?: 'ES256' | 'RS256';
  readonly maxLifetime?: string;
  readonly allowedScopes?: readonly string[];
}

export interface RoleBody {
  readonly title: string;
  readonly description?: string;
  readonly includedPermissions: readonly string[];
}

export interface PolicyBody {
  readonly version?: number;
  readonly etag?: string;
  readonly bindings?: readonly {
    readonly role: string;
    readonly members: readonly string[];
    readonly condition?: { readonly title?: string; readonly description?: string; readonly expression: string };
  }[];
}

export interface IssuedToken {
  readonly access_token: string;
  readonly issued_token_type: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly scope?: string;
}

export interface QuotaInfo {
  readonly usage: { readonly used: number; readonly remaining: number };
}

export interface Client {
  createProject(body: {
    readonly projectId: string;
    readonly projectNumber?: string;
    readonly displayName?: string;
  }): Promise<Reply<unknown>>;
  createPool(project: string, poolId: string, body: { readonly displayName?: string }): Promise<Reply<unknown>>;
  createProvider(project: string, poolId: string, providerId: string, body: ProviderBody): Promise<Reply<unknown>>;
  createTarget(project: string, targetId: string, body: TargetBody): Promise<Reply<unknown>>;
  createRole(project: string, roleId: string, body: RoleBody): Promise<Reply<unknown>>;
  /** `resource` is a name such as `projects/demo` or `projects/demo/targets/storage`. */
  getIamPolicy(resource: string): Promise<Reply<PolicyBody>>;
  setIamPolicy(resource: string, policy: PolicyBody): Promise<Reply<PolicyBody>>;
  exchange(parameters: Readonly<Record<string, string>>): Promise<Reply<IssuedToken>>;
  quotaInfo(project: string): Promise<Reply<QuotaInfo>>;
}

const POLICY_VERSION_WITH_CONDITIONS = 3;

export function createClient(options: ClientOptions): Client {
  const admin = async <T>(method: string, path: string, body?: unknown): Promise<Reply<T>> => {
    const headers: Record<string, string> = { accept: 'application/json' };
    if (options.token !== undefined) headers['authorization'] = `Bearer ${options.token}`;
    if (body === undefined) return ask(options, method, `/v1/${path}`, headers);
    return ask(
      options,
      method,
      `/v1/${path}`,
      { ...headers, 'content-type': 'application/json' },
      JSON.stringify(body),
    );
  };
  return {
    createProject: (body) => admin('POST', 'projects', body),
    createPool: (project, poolId, body) =>
      admin('POST', `${pools(project)}?workloadIdentityPoolId=${encodeURIComponent(poolId)}`, body),
    createProvider: (project, poolId, providerId, body) => {
      const query = `workloadIdentityPoolProviderId=${encodeURIComponent(providerId)}`;
      return admin('POST', `${pools(project)}/${poolId}/providers?${query}`, body);
    },
    createTarget: (project, targetId, body) =>
      admin('POST', `projects/${project}/targets?targetId=${encodeURIComponent(targetId)}`, body),
    createRole: (project, roleId, body) => admin('POST', `projects/${project}/roles`, { roleId, role: body }),
    getIamPolicy: (resource) =>
      admin('POST', `${resource}:getIamPolicy`, {
        options: { requestedPolicyVersion: POLICY_VERSION_WITH_CONDITIONS },
      }),
    setIamPolicy: (resource, policy) => admin('POST', `${resource}:setIamPolicy`, { policy }),
    // No Authorization header: the workload's own token is the only credential of an exchange.
    exchange: (parameters) =>
      ask(
        options,
        'POST',
        '/v1/token',
        { 'content-type': 'application/x-www-form-urlencoded' },
        formEncode(parameters),
      ),
    quotaInfo: (project) =>
      admin(
        'GET',
        `projects/${project}/locations/global/services/sts/quotaInfos/TokenExchangeRequestsPerMinutePerProject`,
      ),
  };
}

function pools(project: string): string {
  return `projects/${project}/locations/global/workloadIdentityPools`;
}

export function formEncode(parameters: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(parameters);
  return pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&');
}

async function ask<T>(
  { origin, fetch }: ClientOptions,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
): Promise<Reply<T>> {
  const response = await fetch(
    `${origin}${path}`,
    body === undefined ? { method, headers } : { method, headers, body },
  );
  const text = await response.text();
  const requestId = response.headers.get('x-request-id') ?? '';
  const document = parseJson(text);
  if (response.status === 200 && document !== undefined) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the contract says the shape; the broker is whom we ask
    return { ok: true, value: document as T, requestId };
  }
  return { ok: false, error: readError(response.status, document, text), requestId };
}

const EXCERPT_CHARACTERS = 200;

/** Three dialects: google.rpc.Status, OAuth, and whatever stands between us and the broker. */
function readError(status: number, document: unknown, text: string): ApiError {
  const { error, error_description: description } = record(document);
  if (typeof error === 'string') return { status, code: error, message: asText(description) };
  const { status: code, message } = record(error);
  if (typeof code === 'string') return { status, code, message: asText(message) };
  return { status, code: 'UNKNOWN', message: text.slice(0, EXCERPT_CHARACTERS) };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function parseJson(text: string): unknown {
  try {
    const document: unknown = JSON.parse(text);
    return document;
  } catch {
    return undefined;
  }
}
