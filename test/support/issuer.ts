/** A small honest issuer for the tests: real keys, real signatures, and the power to sign any bytes an attacker with a key could sign. */
import { exportJWK, generateKeyPair } from 'jose';

type IssuerAlg = 'RS256' | 'ES256' | 'ES384' | 'PS256';

export interface Issuer {
  readonly alg: IssuerAlg;
  readonly kid: string;
  readonly publicJwk: Readonly<Record<string, unknown>>;
  /** As a provider takes it. */
  readonly jwksJson: string;
  /** A token over these claims; `header` members are added or, with undefined, taken away. */
  sign(claims: object, header?: Readonly<Record<string, unknown>>): Promise<string>;
  /** A token over exactly these texts (or bytes). */
  signText(header: string | Uint8Array, payload: string | Uint8Array): Promise<string>;
  /** A token over exactly these characters, in whatever spelling of base64url. */
  signInput(input: string): Promise<string>;
}

const WEB_CRYPTO: Record<IssuerAlg, { name: string; hash: string; saltLength?: number }> = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  ES384: { name: 'ECDSA', hash: 'SHA-384' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 },
};

export async function createIssuer(
  alg: IssuerAlg = 'ES256',
  kid: string = `kid-${crypto.randomUUID()}`,
): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const publicJwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' };

  const signText: Issuer['signText'] = async (header, payload) =>
    signInput(`${base64Url(header)}.${base64Url(payload)}`);

  async function signInput(input: string): Promise<string> {
    const signature = await crypto.subtle.sign(WEB_CRYPTO[alg], privateKey, new TextEncoder().encode(input));
    return `${input}.${base64Url(new Uint8Array(signature))}`;
  }

  return {
    alg,
    kid,
    publicJwk,
    jwksJson: JSON.stringify({ keys: [publicJwk] }),
    signText,
    signInput,
    sign: (claims, header = {}) => signText(JSON.stringify({ alg, kid, ...header }), JSON.stringify(claims)),
  };
}

export function base64Url(data: string | Uint8Array): string {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

export interface WorkloadOptions {
  readonly issuerUri: string;
  readonly audience: string | readonly string[];
  readonly namespace?: string;
  readonly serviceAccount?: string;
  readonly uid?: string;
  readonly pod?: boolean;
  readonly node?: boolean;
  readonly lifetimeSeconds?: number;
  readonly issuedAtSeconds?: number;
}

/** The claims of a projected ServiceAccount token, as kube-apiserver 1.30 and later writes them. */
export function workloadClaims(options: WorkloadOptions): Record<string, unknown> {
  const { namespace = 'shop', serviceAccount = 'checkout', uid = '7c1b4f2e-0000-4000-8000-000000000001' } = options;
  const iat = options.issuedAtSeconds ?? Math.floor(Date.now() / 1_000);
  return {
    aud: typeof options.audience === 'string' ? [options.audience] : options.audience,
    exp: iat + (options.lifetimeSeconds ?? 3_600),
    iat,
    nbf: iat,
    iss: options.issuerUri,
    jti: crypto.randomUUID(),
    'kubernetes.io': {
      namespace,
      ...(options.node === false ? {} : { node: { name: 'node-1', uid: '5f0a0000-0000-4000-8000-000000000009' } }),
      ...(options.pod === false
        ? {}
        : { pod: { name: `${serviceAccount}-5d9c`, uid: '11110000-0000-4000-8000-000000000002' } }),
      serviceaccount: { name: serviceAccount, uid },
    },
    sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
  };
}
