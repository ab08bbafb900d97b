/** A kubeconfig's exec plugin (client.authentication.k8s.io): a command that somebody wrote into a file, run by leave only. */
import { spawnSync } from 'node:child_process';
import { isResource } from '../../client/administration.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFault, usageFault } from '../fault.ts';
import type { KubeExec, KubeUser } from './kubeconfig.ts';

const TIMEOUT_MS = 60_000;
const VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];

/** What the plugin handed out. A kubeconfig that came by mail must not run a program on the machine of whoever opens it. */
export function runExec(
  exec: KubeExec,
  isAllowed: boolean,
  env: Readonly<Record<string, string | undefined>>,
): Pick<KubeUser, 'token' | 'clientCertificate' | 'clientKey'> {
  const shown = [exec.command, ...exec.args].join(' ');
  if (!isAllowed) {
    throw usageFault(
      `The kubeconfig wants to run a program to log in: ${shown}`,
      'If you know it, say --allow-exec; or give a token of the cluster: --kube-token-file FILE',
    );
  }
  if (!VERSIONS.includes(exec.apiVersion))
    throw usageFault(`The exec plugin speaks ${exec.apiVersion}, which is not known here.`);
  const info = { apiVersion: exec.apiVersion, kind: 'ExecCredential', spec: { interactive: false } };
  // No shell: what stands in the arguments is never read as anything else.
  const { status, stdout, error } = spawnSync(exec.command, [...exec.args], {
    env: { ...withoutOurs(env), ...exec.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: TIMEOUT_MS,
    encoding: 'utf8',
  });
  if (error !== undefined) throw new CliFault(EXIT.unavailable, `${exec.command} could not be run: ${error.message}`);
  if (status !== 0) throw new CliFault(EXIT.unavailable, `${exec.command} ended with ${status}.`);
  return credentialIn(stdout, exec.command);
}

/** The broker's token is no business of a cluster's login program. */
function withoutOurs(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('EDGE_STS_')));
}

function credentialIn(stdout: string, command: string): Pick<KubeUser, 'token' | 'clientCertificate' | 'clientKey'> {
  let document: unknown;
  try {
    document = JSON.parse(stdout);
  } catch {
    document = undefined;
  }
  const status = isResource(document) ? document['status'] : undefined;
  if (!isResource(status)) throw new CliFault(EXIT.unavailable, `${command} printed no ExecCredential.`);
  const { token, clientCertificateData, clientKeyData } = status;
  return {
    ...(typeof token === 'string' ? { token } : {}),
    ...(typeof clientCertificateData === 'string' ? { clientCertificate: clientCertificateData } : {}),
    ...(typeof clientKeyData === 'string' ? { clientKey: clientKeyData } : {}),
  };
}
