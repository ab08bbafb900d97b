/** A stand-in for a Kubernetes API server: TLS by a private authority, a login, the two documents about its tokens, and the tokens. */
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { stringify } from 'yaml';
import { createIssuer, workloadClaims, type Issuer, type WorkloadOptions } from '../issuer.ts';
import { createAuthority, type Authority } from './certificates.ts';

export interface ApiServer {
  readonly url: string;
  readonly issuer: string;
  readonly keys: Issuer;
  readonly authority: Authority;
  /** Of the one user that it lets in, by token. */
  readonly token: string;
  /** What was asked, and who asked: `token`, the name in a certificate, or `nobody`. */
  readonly asked: readonly { readonly path: string; readonly by: string }[];
  /** A second key beside the first; tokens are signed with it from now on. */
  rotate(): Promise<void>;
  /** A token as its kubelets project it. */
  project(options: Omit<WorkloadOptions, 'issuerUri'>): Promise<string>;
  /** With members put in place of others, or taken away by undefined. */
  kubeconfig(how?: { readonly cluster?: object; readonly user?: object }): string;
  stop(): void;
}

const ISSUER = 'https://kubernetes.default.svc.cluster.local';

export async function startApiServer(issuer = ISSUER): Promise<ApiServer> {
  const authority = createAuthority('test-only kubernetes');
  const own = authority.server(['kubernetes', 'localhost']);
  const keys = await createIssuer('RS256');
  let signing = keys;
  let jwksJson = keys.jwksJson;
  const token = `test-only-kube-${randomBytes(16).toString('base64url')}`;
  const asked: { path: string; by: string }[] = [];
  const server: Server = createServer(
    { cert: own.certificate, key: own.key, ca: authority.certificate, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const socket = request.socket as TLSSocket;
      const name = socket.authorized ? String(socket.getPeerCertificate().subject.CN) : 'nobody';
      const by = request.headers.authorization === `Bearer ${token}` ? 'token' : name;
      asked.push({ path: request.url ?? '', by });
      if (by === 'nobody') return void response.writeHead(403).end('{"kind":"Status","code":403}');
      const documents: Readonly<Record<string, string>> = {
        // Its `jwks_uri` is an address inside the cluster, as kubeadm's is.
        '/.well-known/openid-configuration': JSON.stringify({
          issuer,
          jwks_uri: 'https://10.0.0.1:6443/openid/v1/jwks',
        }),
        '/openid/v1/jwks': jwksJson,
      };
      const document = documents[request.url ?? ''];
      response.writeHead(document === undefined ? 404 : 200).end(document ?? '{}');
    },
  );
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `https://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  return {
    url,
    issuer,
    keys,
    authority,
    token,
    asked,
    rotate: async () => {
      const next = await createIssuer('RS256');
      jwksJson = JSON.stringify({ keys: [signing.publicJwk, next.publicJwk] });
      signing = next;
    },
    project: (options) => signing.sign(workloadClaims({ issuerUri: issuer, ...options })),
    kubeconfig: ({ cluster = {}, user = { token } } = {}) => {
      const authorityData = Buffer.from(authority.certificate).toString('base64');
      return stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'here',
        contexts: [{ name: 'here', context: { cluster: 'one', user: 'admin' } }],
        clusters: [{ name: 'one', cluster: { server: url, 'certificate-authority-data': authorityData, ...cluster } }],
        users: [{ name: 'admin', user }],
      });
    },
    stop: () => void server.close(),
  };
}
