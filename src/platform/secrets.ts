/** Secrets derived from the key-encryption key: HKDF-SHA256, a label each, so that no two purposes share a key (DESIGN §5). */

export type SecretLabel =
  | 'seal'
  | 'kv-mac'
  | 'kek-check'
  | 'history-mac'
  | 'dashboard-session'
  | 'aws-session-token'
  | 'aws-session-secret'
  | 'aws-message';

/** The current KEK and, while a change is under way, the previous one: it opens old seals and never makes new ones. */
export interface Keks {
  readonly current: Uint8Array<ArrayBuffer>;
  readonly previous?: Uint8Array<ArrayBuffer>;
}

const KEK_BYTES = 32;

/** The bytes of a base64 KEK, or undefined where it is not exactly 32 bytes of base64. */
export function decodeKek(base64: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(base64)) return undefined;
  try {
    const bytes = Uint8Array.from(atob(base64.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    return bytes.length === KEK_BYTES ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** 32 bytes for one purpose; the same KEK and label always give the same bytes. */
async function derive(
  kek: Uint8Array<ArrayBuffer>,
  label: SecretLabel,
  salt: Uint8Array<ArrayBuffer> = new Uint8Array(0),
): Promise<ArrayBuffer> {
  const base = await crypto.subtle.importKey('raw', kek, 'HKDF', false, ['deriveBits']);
  const info = new TextEncoder().encode(`edge-sts/v1/${label}`);
  return crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info }, base, 256);
}

/** The AES-256-GCM key that seals private signing keys. */
export async function sealKey(kek: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', await derive(kek, 'seal'), 'AES-GCM', false, ['encrypt', 'decrypt']);
}

/** The HMAC-SHA256 key over KV records: whoever can write KV still cannot forge configuration. */
export async function kvMacKey(kek: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  return crypto.subtle.importKey('raw', await derive(kek, 'kv-mac'), algorithm, false, ['sign', 'verify']);
}

/** The HMAC-SHA256 key that seals the end of a history, as bytes: it is used where nothing can be awaited. */
export async function historyKey(kek: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await derive(kek, 'history-mac'));
}

/** The AES-256-GCM key of one session of a browser: the cookie's secret is part of it, so that the KEK alone opens none. */
export async function sessionKey(kek: Uint8Array<ArrayBuffer>, secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const bytes = await derive(kek, 'dashboard-session', secret);
  return crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
}

/** The AES-256-GCM key that seals what AWS's clients carry for us: the tokens of sessions, and messages for administrators. */
export async function awsSealKey(
  kek: Uint8Array<ArrayBuffer>,
  label: 'aws-session-token' | 'aws-message',
): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', await derive(kek, label), 'AES-GCM', false, ['encrypt', 'decrypt']);
}

/** What the secret keys of sessions are derived from. */
export async function awsSecretKey(kek: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', await derive(kek, 'aws-session-secret'), 'HKDF', false, ['deriveBits']);
}

/** A value that tells two KEKs apart and says nothing about either; hex. */
export async function kekCheck(kek: Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = new Uint8Array(await derive(kek, 'kek-check')).slice(0, 8);
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
