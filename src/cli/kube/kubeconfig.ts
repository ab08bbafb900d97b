/** A kubeconfig, read: which API server, which certificates it is trusted by, and as whom it is asked. Nothing is run and nothing is fetched here. */
import { readFileSync, realpathSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import { parse } from 'yaml';
import { isResource, type Resource } from '../../client/administration.ts';
import { usageFault } from '../fault.ts';

export interface KubeCluster {
  readonly contextName: string;
  readonly clusterName: string;
  /** Of the API server. */
  readonly server: URL;
  /** PEM; absent: the certificates that this machine trusts. */
  readonly certificateAuthority?: string;
  readonly tlsServerName?: string;
  readonly user: KubeUser;
}

export interface KubeUser {
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  readonly token?: string;
  readonly exec?: KubeExec;
}

/** A command of somebody else's: it is run only by leave. */
export interface KubeExec {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** `takesUser`: not where another credential is given; nothing of this one is looked at then. */
export function readKubeconfig(path: string, contextName: string | undefined, takesUser = true): KubeCluster {
  const document = readDocument(path);
  const wanted = contextName ?? textIn(document, 'current-context');
  if (wanted === undefined)
    throw usageFault(`${path} names no current context; say --kube-context NAME.`, contextsIn(document));
  const context = named(document, 'contexts', wanted, 'context');
  if (context === undefined)
    throw usageFault(`${path} has no context ${JSON.stringify(wanted)}.`, contextsIn(document));
  const clusterName = textIn(context, 'cluster') ?? '';
  const cluster = named(document, 'clusters', clusterName, 'cluster');
  if (cluster === undefined) throw usageFault(`${path} has no cluster ${JSON.stringify(clusterName)}.`);
  const user = named(document, 'users', textIn(context, 'user') ?? '', 'user') ?? {};
  const folder = dirname(resolve(path));
  const authority = pemIn(cluster, 'certificate-authority', folder);
  const tlsServerName = textIn(cluster, 'tls-server-name');
  return {
    contextName: wanted,
    clusterName,
    server: serverIn(cluster, path),
    ...(authority === undefined ? {} : { certificateAuthority: authority }),
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
    user: takesUser ? userIn(user, folder) : {},
  };
}

function readDocument(path: string): Resource {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (fault) {
    throw usageFault(`${path} cannot be read: ${fault instanceof Error ? fault.message : String(fault)}`);
  }
  let document: unknown;
  try {
    document = parse(text);
  } catch {
    // Not the parser's own words: it quotes, and here stand keys.
    throw usageFault(`${path} is not YAML.`);
  }
  if (!isResource(document) || document['kind'] !== 'Config')
    throw usageFault(`${path} is no kubeconfig (kind: Config).`);
  return document;
}

/** What we take from it is trusted for years: it must come from the cluster itself, over a connection that proves it. */
function serverIn(cluster: Resource, path: string): URL {
  const server = textIn(cluster, 'server') ?? '';
  if (!URL.canParse(server)) throw usageFault(`${path}: the cluster has no server address.`);
  if (cluster['insecure-skip-tls-verify'] === true) {
    throw usageFault(
      `${path}: insecure-skip-tls-verify would let anybody on the way hand out keys of his own.`,
      'Name the certificate authority of the API server instead (certificate-authority).',
    );
  }
  if (textIn(cluster, 'proxy-url') !== undefined) throw usageFault(`${path}: proxy-url is not supported here.`);
  const url = new URL(server);
  const isLoopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  // `kubectl proxy` on this machine.
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback)) {
    throw usageFault(`${path}: ${server} is not https: keys from there prove nothing.`);
  }
  return url;
}

function userIn(user: Resource, folder: string): KubeUser {
  if (user['auth-provider'] !== undefined)
    throw usageFault('auth-provider is gone from Kubernetes; use an exec plugin or a token.');
  if (user['username'] !== undefined)
    throw usageFault('A user name and password are not taken; use a certificate or a token.');
  const certificate = pemIn(user, 'client-certificate', folder);
  const key = pemIn(user, 'client-key', folder);
  const token = textIn(user, 'token') ?? tokenFrom(textIn(user, 'tokenFile'), folder);
  const exec = execIn(user['exec']);
  return {
    ...(certificate === undefined ? {} : { clientCertificate: certificate }),
    ...(key === undefined ? {} : { clientKey: key }),
    ...(token === undefined ? {} : { token }),
    ...(exec === undefined ? {} : { exec }),
  };
}

function execIn(exec: unknown): KubeExec | undefined {
  if (!isResource(exec)) return undefined;
  const { command, args, env, apiVersion } = exec;
  if (typeof command !== 'string' || typeof apiVersion !== 'string')
    throw usageFault('The exec plugin of the kubeconfig has no command.');
  const pairs = (Array.isArray(env) ? env.filter(isResource) : []).flatMap(({ name, value }) =>
    typeof name === 'string' && typeof value === 'string' ? [[name, value] as const] : [],
  );
  return {
    apiVersion,
    command,
    args: Array.isArray(args) ? args.filter((one) => typeof one === 'string') : [],
    env: Object.fromEntries(pairs),
  };
}

/** `NAME-data` before `NAME`, as client-go has it; a path starts at the file's own folder. */
function pemIn(document: Resource, name: string, folder: string): string | undefined {
  const data = textIn(document, `${name}-data`);
  if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
  const path = textIn(document, name);
  return path === undefined ? undefined : readBeside(path, folder, name);
}

function tokenFrom(path: string | undefined, folder: string): string | undefined {
  if (path === undefined) return undefined;
  // What stands in it is sent to the server that the same kubeconfig names: one that came by mail must not fetch a file of this machine.
  if (!isBelow(resolve(folder, path), folder)) {
    throw usageFault(
      `The kubeconfig wants to send the file ${path} to its API server.`,
      'It lies outside the folder of the kubeconfig. If that is meant, name it yourself: --kube-token-file FILE',
    );
  }
  return readBeside(path, folder, 'tokenFile').trim();
}

/** Links are followed first. What is not there is below nothing. */
function isBelow(path: string, folder: string): boolean {
  try {
    return realpathSync(path).startsWith(realpathSync(folder) + sep);
  } catch {
    return false;
  }
}

function readBeside(path: string, folder: string, name: string): string {
  try {
    return readFileSync(resolve(folder, path), 'utf8');
  } catch (fault) {
    throw usageFault(`${name} ${path} cannot be read: ${fault instanceof Error ? fault.message : String(fault)}`);
  }
}

function named(document: Resource, list: string, name: string, member: string): Resource | undefined {
  const all = document[list];
  const found = Array.isArray(all) ? all.filter(isResource).find((one) => one['name'] === name) : undefined;
  const inner = found?.[member];
  return isResource(inner) ? inner : undefined;
}

function contextsIn(document: Resource): string {
  const { contexts } = document;
  const names = Array.isArray(contexts) ? contexts.filter(isResource).map(({ name }) => String(name)) : [];
  return `contexts: ${names.join(', ') || 'none'}`;
}

function textIn(document: Resource, member: string): string | undefined {
  const value = document[member];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
