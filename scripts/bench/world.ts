/** What the broker knows during a measurement: projects with clusters, targets and bindings, made over its own REST API, and tokens for them. */
import { createHash, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { exportJWK, SignJWT } from 'jose';
import { type Client, createClient } from '../../src/client/client.ts';
import type { FormRequest } from './load.ts';

export type Algorithm = 'RS256' | 'ES256';

export interface WorldShape {
  readonly providers: number;
  /** Each provider in a pool of its own, instead of all of a project in one. */
  readonly poolOfItsOwn: boolean;
  readonly bindings: number;
  readonly conditions: boolean;
  readonly algIn: Algorithm;
  readonly algOut: Algorithm;
  /** Of each project. */
  readonly limitPerMinute: number;
  /** How many different tokens there are. */
  readonly tokens: number;
}

export const BASE: WorldShape = {
  providers: 1,
  poolOfItsOwn: false,
  bindings: 100,
  conditions: true,
  algIn: 'RS256',
  algOut: 'ES256',
  limitPerMinute: 600_000,
  tokens: 1_000,
};

export interface World {
  readonly requests: readonly FormRequest[];
  /** Of the first provider, which signed all tokens where there is only one. */
  readonly publicJwk: string;
  readonly issuer: string;
}

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const PROVIDERS_OF_A_PROJECT = 1_000;
const BINDINGS_OF_A_POLICY = 1_500;
/** Making RSA keys takes long; a key that several clusters share is still another key in each of them. */
const KEYS = 4;
const TOKEN_LIFETIME_SECONDS = 43_200;
export const ADMIN_TOKEN = `bench-only-admin-${randomUUID()}-${randomUUID()}`;

interface Key {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly jwk: object;
}

export async function makeWorld(origin: string, shape: WorldShape): Promise<World> {
  const client = createClient({ origin, token: ADMIN_TOKEN, fetch });
  const keys = await Promise.all(Array.from({ length: Math.min(KEYS, shape.providers) }, () => makeKey(shape.algIn)));
  const projectCount = Math.ceil(shape.providers / PROVIDERS_OF_A_PROJECT);
  const places: Place[] = [];
  for (let at = 0; at < projectCount; at += 1) {
    const share = (whole: number): number =>
      Math.floor((whole * (at + 1)) / projectCount) - Math.floor((whole * at) / projectCount);
    places.push(
      ...(await makeProject(client, origin, shape, keys, share(shape.providers), Math.max(1, share(shape.bindings)))),
    );
  }
  const requests: FormRequest[] = [];
  for (let at = 0; at < shape.tokens; at += 1) {
    // A stride that shares no factor with any count here: all places are visited, in no order.
    const place = places[(at * 7_919) % places.length];
    if (place !== undefined) requests.push(await requestFor(place, at, shape.algIn));
  }
  return { requests, publicJwk: JSON.stringify(keys[0]?.jwk), issuer: ISSUER };
}

/** Where a token may come from, and what it may be for. */
interface Place {
  readonly audience: string;
  readonly key: Key;
  readonly resources: readonly { readonly uri: string; readonly bindings: number }[];
}

async function makeProject(
  client: Client,
  origin: string,
  shape: WorldShape,
  keys: readonly Key[],
  providers: number,
  bindings: number,
): Promise<readonly Place[]> {
  const projectId = `bench-${randomUUID().slice(0, 8)}`;
  const made = done(await client.createProject({ projectId }));
  const projectNumber = String((made as { readonly projectNumber: unknown }).projectNumber);
  await raiseLimit(origin, projectNumber, shape.limitPerMinute);
  done(await client.createRole(projectNumber, 'reader', { title: 'Reader', includedPermissions: ['orders.get'] }));
  const builtIn = `${projectId}.svc.id.goog`;
  const resources: { uri: string; bindings: number }[] = [];
  for (let left = bindings; left > 0; left -= BINDINGS_OF_A_POLICY) {
    const count = Math.min(left, BINDINGS_OF_A_POLICY);
    const targetId = `target-${resources.length}`;
    const uri = `https://${targetId}.example.com`;
    done(
      await client.createTarget(projectNumber, targetId, {
        uri,
        resource: { name: `buckets/${targetId}`, type: 'storage.example.com/Bucket', service: 'storage.example.com' },
        tags: { [`${projectNumber}/env`]: 'bench' },
        tokenSigningAlg: shape.algOut,
      }),
    );
    resources.push({ uri, bindings: count });
  }
  const places: Place[] = [];
  for (let at = 0; at < providers; at += 1) {
    const poolId = shape.poolOfItsOwn ? `pool-${at}` : builtIn;
    const providerId = `cluster-${at}`;
    const key = keys[at % keys.length];
    if (key === undefined) throw new Error('there is no key');
    if (shape.poolOfItsOwn) done(await client.createPool(projectNumber, poolId, {}));
    done(
      await client.createProvider(projectNumber, poolId, providerId, {
        kubernetes: {
          clusterUri: `https://clusters.example.com/${at}`,
          issuerUri: ISSUER,
          jwksJson: JSON.stringify({ keys: [key.jwk] }),
        },
      }),
    );
    const pool = `//iam.googleapis.com/projects/${projectNumber}/locations/global/workloadIdentityPools/${poolId}`;
    places.push({ audience: `${pool}/providers/${providerId}`, key, resources });
  }
  const members = (at: number): readonly string[] => {
    if (!shape.poolOfItsOwn) return [memberOf(projectNumber, builtIn, at)];
    return Array.from({ length: providers }, (_, pool) => memberOf(projectNumber, `pool-${pool}`, at));
  };
  for (const [index, { bindings: count }] of resources.entries()) {
    const policy = {
      version: 3,
      bindings: Array.from({ length: count }, (_, at) => ({
        role: `projects/${projectId}/roles/reader`,
        members: members(at),
        ...(shape.conditions ? { condition: { title: `of-${at}`, expression: conditionOf(projectNumber) } } : {}),
      })),
    };
    const resource = `projects/${projectNumber}/targets/target-${index}`;
    const current = done(await client.getIamPolicy(resource));
    const { etag } = current as { readonly etag?: string };
    done(await client.setIamPolicy(resource, { ...policy, ...(etag === undefined ? {} : { etag }) }));
  }
  return places;
}

function conditionOf(projectNumber: string): string {
  return `request.time < timestamp("2099-01-01T00:00:00Z") && resource.matchTag("${projectNumber}/env", "bench")`;
}

function memberOf(projectNumber: string, poolId: string, at: number): string {
  return `principal://iam.googleapis.com/projects/${projectNumber}/locations/global/workloadIdentityPools/${poolId}/subject/ns/team-${at % 10}/sa/app-${at}`;
}

async function raiseLimit(origin: string, projectNumber: string, limitPerMinute: number): Promise<void> {
  const answer = await fetch(`${origin}/v1/projects/${projectNumber}?updateMask=tokenExchangesPerMinute`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ tokenExchangesPerMinute: limitPerMinute }),
  });
  if (!answer.ok) throw new Error(`the limit could not be set: ${answer.status} ${await answer.text()}`);
}

function done<T>(reply: { ok: true; value: T } | { ok: false; error: object }): T {
  if (!reply.ok) throw new Error(`the broker refused: ${JSON.stringify(reply.error)}`);
  return reply.value;
}

async function makeKey(alg: Algorithm): Promise<Key> {
  const { privateKey, publicKey } =
    alg === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2_048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = randomUUID();
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';

/** A pod of its own for each token, as a kubelet projects it. */
async function requestFor({ audience, key, resources }: Place, at: number, alg: Algorithm): Promise<FormRequest> {
  const resource = resources[(at * 31) % resources.length];
  if (resource === undefined) throw new Error('there is no target');
  const account = (at * 104_729) % resource.bindings;
  const token = await workloadToken(key, alg, { issuer: ISSUER, audience: `https:${audience}`, account, pod: at });
  return {
    path: '/v1/token',
    form: {
      grant_type: GRANT_TYPE,
      audience,
      requested_token_type: `${TOKEN_TYPE}access_token`,
      subject_token: token,
      subject_token_type: `${TOKEN_TYPE}jwt`,
      resource: resource.uri,
    },
  };
}

function workloadToken(
  key: Pick<Key, 'kid' | 'privateKey'>,
  alg: Algorithm,
  { issuer, audience, account, pod }: { issuer: string; audience: string; account: number; pod: number },
): Promise<string> {
  const [namespace, name] = [`team-${account % 10}`, `app-${account}`];
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const claims = {
    'kubernetes.io': {
      namespace,
      node: { name: `worker-${pod % 40}`, uid: randomUUID() },
      pod: { name: `${name}-5d8f7c9b6-${pod}`, uid: randomUUID() },
      serviceaccount: { name, uid: accountUid(audience, account) },
    },
  };
  return new SignJWT(claims)
    .setProtectedHeader({ alg, kid: key.kid })
    .setIssuer(issuer)
    .setSubject(`system:serviceaccount:${namespace}:${name}`)
    .setAudience([audience])
    .setJti(randomUUID())
    .setIssuedAt(nowSeconds)
    .setNotBefore(nowSeconds)
    .setExpirationTime(nowSeconds + TOKEN_LIFETIME_SECONDS)
    .sign(key.privateKey);
}

/** A ServiceAccount has one in all of its tokens, and one of the same name in another cluster has another. */
function accountUid(audience: string, account: number): string {
  const hex = createHash('sha256').update(`${audience} ${account}`).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

/** The claims of the token that the first request was answered with: the references sign as many bytes. */
export async function claimsOfAnAnswer(origin: string, { path, form }: FormRequest): Promise<string> {
  const answer = await fetch(`${origin}${path}`, { method: 'POST', body: new URLSearchParams({ ...form }) });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`the broker does not exchange: ${answer.status} ${text}`);
  const { access_token: token } = JSON.parse(text) as { readonly access_token: string };
  const { iat: _, ...claims } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >;
  return JSON.stringify(claims);
}
