/** How to ask the broker over HTTP: typed, `fetch` handed in, no Node and no Workers types, so that it runs anywhere. */

import { ask, type ClientOptions, type Reply } from './http.ts';

export type { Fetch, Reply } from './http.ts';

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
