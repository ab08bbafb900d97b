/** Two clusters that exist only here: keys made on this machine, the private halves kept in the state folder. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomUUID,
  type KeyObject,
} from 'node:crypto';
import { join } from 'node:path';
import { exportJWK } from 'jose';
import { readOrMake } from '../state-folder.ts';

/** What every kubeadm, k3s and kind cluster calls itself: the issuer does not tell clusters apart, the provider does. */
export const DEMO_ISSUER = 'https://kubernetes.default.svc.cluster.local';

export interface DemoCluster {
  readonly providerId: string;
  readonly clusterUri: string;
  readonly privateKey: KeyObject;
  readonly jwksJson: string;
  readonly kid: string;
  /** A ServiceAccount keeps its uid until it is deleted. */
  readonly serviceAccountUid: string;
}

const RSA_BITS = 2_048;

export async function openCluster(stateFolder: string, letter: 'a' | 'b'): Promise<DemoCluster> {
  const file = (name: string): string => join(stateFolder, 'demo', `cluster-${letter}.${name}`);
  const privateKey = createPrivateKey(readOrMake(file('pem'), makePrivateKey));
  const publicKey = createPublicKey(privateKey);
  const kid = kubernetesKeyId(publicKey);
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' };
  return {
    providerId: `cluster-${letter}`,
    clusterUri: `https://clusters.example.com/${letter}`,
    privateKey,
    jwksJson: JSON.stringify({ keys: [jwk] }),
    kid,
    serviceAccountUid: readOrMake(file('uid'), randomUUID),
  };
}

function makePrivateKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: RSA_BITS });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** As the API server makes it: the SHA-256 of the public key's DER. */
function kubernetesKeyId(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
}
