/** A peer: Dex and its token exchange, where the machine has a Go toolchain (or `--dex FILE` names a binary). It signs RS256 only. */
import { execFile } from 'node:child_process';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { exportJWK, SignJWT } from 'jose';
import { LOOPBACK } from '../../../src/local/port.ts';
import type { FormRequest } from '../load.ts';
import { freePort, newFolder, type Server, startProcess } from '../servers.ts';

const run = promisify(execFile);

/** v2.41: Dex's releases are no versions to Go's module proxy, a commit is. Its own API is another module, of which this one fits. */
const VERSION = 'v0.0.0-20240807174518-43956db7fd75';
const API_VERSION = 'v2.2.0';
export const DEX_NAME = 'Dex 2.41';

/** The binary, built once and kept in the temporary folder; a sentence where there is none. */
export async function findDex(
  named: string | undefined,
): Promise<{ readonly binary: string } | { readonly skipped: string }> {
  if (named !== undefined) return existsSync(named) ? { binary: named } : { skipped: `there is no ${named}` };
  const folder = join(tmpdir(), `edge-sts-bench-dex-${VERSION}`);
  const binary = join(folder, 'dex');
  if (existsSync(binary)) return { binary };
  try {
    await run('go', ['version']);
  } catch {
    return { skipped: 'no Go toolchain on this machine' };
  }
  try {
    const { stdout } = await run('go', ['mod', 'download', '-json', `github.com/dexidp/dex@${VERSION}`]);
    const { Dir } = JSON.parse(stdout) as { readonly Dir: string };
    const source = join(folder, 'source');
    mkdirSync(folder, { recursive: true });
    cpSync(Dir, source, { recursive: true });
    // The module cache is read-only, and so are copies of it.
    await run('chmod', ['-R', 'u+w', source]);
    const options = { cwd: source, env: { ...process.env, GOFLAGS: '-mod=mod' } };
    await run('go', ['mod', 'edit', '-dropreplace', 'github.com/dexidp/dex/api/v2'], options);
    await run('go', ['mod', 'edit', '-require', `github.com/dexidp/dex/api/v2@${API_VERSION}`], options);
    await run('go', ['build', '-o', binary, './cmd/dex'], options);
    chmodSync(binary, 0o755);
    rmSync(source, { recursive: true, force: true });
    return { binary };
  } catch (fault) {
    const [line = ''] = (fault instanceof Error ? fault.message : String(fault)).split('\n').slice(-2);
    return { skipped: `it could not be built: ${line}` };
  }
}

export interface Peer {
  readonly server: Server;
  readonly requests: readonly FormRequest[];
}

const SECRET = 'bench-only';
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';

export async function startDex(binary: string, tokens: number): Promise<Peer> {
  const folder = newFolder();
  const issuer = await startIssuer();
  const port = await freePort();
  const config = {
    issuer: `http://${LOOPBACK}:${port}/dex`,
    storage: { type: 'memory' },
    web: { http: `${LOOPBACK}:${port}` },
    logger: { level: 'error' },
    oauth2: { grantTypes: ['urn:ietf:params:oauth:grant-type:token-exchange'] },
    connectors: [
      {
        type: 'oidc',
        id: 'bench',
        name: 'bench',
        config: {
          issuer: issuer.origin,
          clientID: 'bench',
          clientSecret: SECRET,
          redirectURI: `http://${LOOPBACK}:${port}/dex/callback`,
          insecureSkipEmailVerified: true,
        },
      },
    ],
    staticClients: [{ id: 'bench', secret: SECRET, name: 'bench', redirectURIs: [`http://${LOOPBACK}:${port}/`] }],
  };
  // JSON is YAML.
  writeFileSync(join(folder, 'dex.yaml'), JSON.stringify(config));
  const server = await startProcess(binary, ['serve', join(folder, 'dex.yaml')], port, {
    variables: { GOMAXPROCS: '1' },
  });
  const requests: FormRequest[] = [];
  for (let at = 0; at < tokens; at += 1) {
    requests.push({
      path: '/dex/token',
      headers: { Authorization: `Basic ${Buffer.from(`bench:${SECRET}`).toString('base64')}` },
      form: {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        connector_id: 'bench',
        scope: 'openid groups',
        requested_token_type: `${TOKEN_TYPE}access_token`,
        subject_token: await issuer.token(at),
        subject_token_type: `${TOKEN_TYPE}id_token`,
      },
    });
  }
  const stop = async (): Promise<void> => {
    await server.stop();
    issuer.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { server: { ...server, stop }, requests };
}

/** Dex asks the issuer for its keys, once; the tokens are about as long as a cluster's. */
async function startIssuer() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'bench', alg: 'RS256', use: 'sig' };
  const port = await freePort();
  const origin = `http://${LOOPBACK}:${port}`;
  const documents: Readonly<Record<string, object>> = {
    '/.well-known/openid-configuration': {
      issuer: origin,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/token`,
      jwks_uri: `${origin}/jwks`,
      id_token_signing_alg_values_supported: ['RS256'],
    },
    '/jwks': { keys: [jwk] },
  };
  const server = createServer((request, response) => {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(documents[request.url ?? ''] ?? {}));
  });
  await new Promise<void>((resolve) => void server.listen(port, LOOPBACK, resolve));
  const token = (at: number): Promise<string> =>
    new SignJWT({
      name: `app-${at}`,
      email: `app-${at}@bench.example.com`,
      pod: { name: `app-${at}-5d8f7c9b6`, uid: randomUUID() },
      node: { name: 'worker-1', uid: randomUUID() },
      serviceaccount: { name: `app-${at}`, uid: randomUUID() },
    })
      .setProtectedHeader({ alg: 'RS256', kid: 'bench' })
      .setIssuer(origin)
      .setSubject(`system:serviceaccount:team:app-${at}`)
      .setAudience(['bench'])
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime('12h')
      .sign(privateKey);
  return { origin, token, stop: () => void server.close() };
}
