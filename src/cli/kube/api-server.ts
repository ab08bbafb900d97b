/** The two documents that an API server publishes about its tokens: its issuer, and its keys. */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isResource } from '../../client/administration.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFault } from '../fault.ts';
import type { KubeCluster } from './kubeconfig.ts';

export interface ClusterKeys {
  readonly issuer: string;
  /** As the API server wrote it. */
  readonly jwksJson: string;
  readonly kids: readonly string[];
}

const DISCOVERY = '/.well-known/openid-configuration';
/** Its `jwks_uri` often names an address inside the cluster; the API server has the keys here in any case. */
const KEYS = '/openid/v1/jwks';
const MAX_BYTES = 256 * 1_024;
const TIMEOUT_MS = 20_000;

export async function readClusterKeys(cluster: KubeCluster): Promise<ClusterKeys> {
  const discovery = await getJson(cluster, DISCOVERY);
  const { issuer } = discovery.document;
  if (typeof issuer !== 'string' || issuer === '') throw wrong(cluster, DISCOVERY, 'names no issuer');
  const jwks = await getJson(cluster, KEYS);
  const { keys } = jwks.document;
  if (!Array.isArray(keys) || keys.length === 0) throw wrong(cluster, KEYS, 'holds no keys');
  const kids = keys.filter(isResource).map(({ kid }) => String(kid));
  return { issuer, jwksJson: jwks.text, kids };
}

interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

async function getJson(
  cluster: KubeCluster,
  path: string,
): Promise<{ readonly document: Readonly<Record<string, unknown>>; readonly text: string }> {
  const { status, text } = await get(cluster, path);
  if (status === 401 || status === 403) {
    throw new CliFault(EXIT.refused, `${cluster.server.host}${path}: the API server answered ${status}.`, [
      'Whoever asks needs the ClusterRole system:service-account-issuer-discovery.',
    ]);
  }
  if (status !== 200) throw wrong(cluster, path, `answered ${status}`);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw wrong(cluster, path, 'is not JSON');
  }
  if (!isResource(document)) throw wrong(cluster, path, 'is no JSON object');
  return { document, text };
}

function get({ server, certificateAuthority, tlsServerName, user }: KubeCluster, path: string): Promise<HttpAnswer> {
  const url = new URL(server.pathname.replace(/\/$/, '') + path, server);
  const options = {
    method: 'GET',
    headers: {
      accept: 'application/json',
      ...(user.token === undefined ? {} : { authorization: `Bearer ${user.token}` }),
    },
    ...(certificateAuthority === undefined ? {} : { ca: certificateAuthority }),
    ...(tlsServerName === undefined ? {} : { servername: tlsServerName }),
    ...(user.clientCertificate === undefined ? {} : { cert: user.clientCertificate }),
    ...(user.clientKey === undefined ? {} : { key: user.clientKey }),
    timeout: TIMEOUT_MS,
    // However slowly it drips.
    signal: AbortSignal.timeout(2 * TIMEOUT_MS),
  };
  return new Promise<HttpAnswer>((resolve, reject) => {
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.byteLength;
        if (bytes > MAX_BYTES) request.destroy(new Error(`more than ${MAX_BYTES} bytes`));
        else chunks.push(chunk);
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      );
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
    request.end();
  }).catch((fault: unknown) => {
    const why = fault instanceof Error ? fault.message : String(fault);
    throw new CliFault(EXIT.unavailable, `The API server ${server.origin} cannot be asked: ${why}`);
  });
}

function wrong({ server }: KubeCluster, path: string, problem: string): CliFault {
  return new CliFault(EXIT.unavailable, `${server.host}${path} ${problem}.`);
}
