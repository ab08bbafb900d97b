/**
 * Credentials of role sessions that nobody keeps: the token is the session, sealed (AES-256-GCM, the key id as its additional data), and the
 * secret is derived (HKDF-SHA256) from the KEK, the key id and the token's nonce. Whoever has a token and no secret can sign nothing with it;
 * a token under another key id, or changed by a bit, does not open.
 */
import { decodeSession, encodeSession, type RoleSession, sessionKeyId } from '../../core/aws/session.ts';
import { parseRoleArn } from '../../core/aws/arn.ts';
import type { AwsPorts, OpenedSession, SessionCredentials } from '../../core/aws/ports.ts';
import type { SigV4Crypto } from '../../core/aws/sigv4/verify.ts';
import { decodeBase64Url, encodeBase64Url } from '../../core/base64url.ts';
import { awsSealKey, awsSecretKey, type Keks } from '../secrets.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const VERSION = 1;
const NONCE_BYTES = 12;
/** Thirty bytes are forty characters, as AWS's are. */
const SECRET_BITS = 240;
/** Longer ones are not ours: tags are bounded when a session is made. */
const MAX_TOKEN_CHARACTERS = 8_192;

type Sessions = Pick<AwsPorts, 'makeCredentials' | 'openSession' | 'sealMessage' | 'openMessage'>;

export function createAwsSessions(keks: Keks): Sessions {
  const known = new Map<string, Promise<CryptoKey>>();

  return {
    async makeCredentials(session: RoleSession): Promise<SessionCredentials> {
      const [random = 0n] = crypto.getRandomValues(new BigUint64Array(1));
      const accessKeyId = sessionKeyId(parseRoleArn(session.roleArn)?.accountId ?? '0', random);
      const nonce = newNonce();
      const sealed = await seal(
        await keyOf(keks.current, 'aws-session-token'),
        nonce,
        accessKeyId,
        encodeSession(session),
      );
      const secretAccessKey = await secretOf(keks.current, accessKeyId, nonce);
      return { accessKeyId, secretAccessKey, sessionToken: encodeBase64Url(sealed) };
    },

    async openSession(accessKeyId: string, sessionToken: string): Promise<OpenedSession | undefined> {
      const opened = await openUnderAny('aws-session-token', accessKeyId, sessionToken);
      const session = opened && decodeSession(opened.text);
      if (opened === undefined || session === undefined) return undefined;
      return { session, secretAccessKey: await secretOf(opened.kek, accessKeyId, opened.nonce) };
    },

    async sealMessage(accountId: string, text: string): Promise<string> {
      return encodeBase64Url(await seal(await keyOf(keks.current, 'aws-message'), newNonce(), accountId, text));
    },

    async openMessage(accountId: string, message: string): Promise<string | undefined> {
      return (await openUnderAny('aws-message', accountId, message))?.text;
    },
  };

  /** Under the previous KEK as well: a change of the KEK ends no session. */
  async function openUnderAny(label: Label, bound: string, token: string) {
    if (token.length > MAX_TOKEN_CHARACTERS) return undefined;
    const bytes = decodeBase64Url(token);
    if (bytes === undefined || bytes[0] !== VERSION) return undefined;
    const nonce = bytes.slice(1, 1 + NONCE_BYTES);
    for (const kek of keks.previous === undefined ? [keks.current] : [keks.current, keks.previous]) {
      const text = await open(await keyOf(kek, label), nonce, bound, bytes.slice(1 + NONCE_BYTES));
      if (text !== undefined) return { kek, nonce, text };
    }
    return undefined;
  }

  async function secretOf(kek: Bytes, accessKeyId: string, nonce: Bytes): Promise<string> {
    const info = new TextEncoder().encode(accessKeyId);
    const base = await keyOf(kek, 'aws-session-secret');
    const bits = await crypto.subtle.deriveBits(
      { name: 'HKDF', hash: 'SHA-256', salt: nonce, info },
      base,
      SECRET_BITS,
    );
    return btoa(String.fromCharCode(...new Uint8Array(bits)));
  }

  function keyOf(kek: Bytes, label: Label | 'aws-session-secret'): Promise<CryptoKey> {
    const name = `${kek === keks.current ? 'current' : 'previous'} ${label}`;
    const key = known.get(name) ?? (label === 'aws-session-secret' ? awsSecretKey(kek) : awsSealKey(kek, label));
    known.set(name, key);
    return key;
  }
}

type Label = 'aws-session-token' | 'aws-message';

async function seal(key: CryptoKey, nonce: Bytes, bound: string, text: string): Promise<Bytes> {
  const utf8 = new TextEncoder();
  const algorithm = { name: 'AES-GCM', iv: nonce, additionalData: utf8.encode(bound) };
  const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm, key, utf8.encode(text)));
  const bytes = new Uint8Array(1 + NONCE_BYTES + sealed.length);
  bytes[0] = VERSION;
  bytes.set(nonce, 1);
  bytes.set(sealed, 1 + NONCE_BYTES);
  return bytes;
}

async function open(key: CryptoKey, nonce: Bytes, bound: string, sealed: Bytes): Promise<string | undefined> {
  try {
    const algorithm = { name: 'AES-GCM', iv: nonce, additionalData: new TextEncoder().encode(bound) };
    return new TextDecoder().decode(await crypto.subtle.decrypt(algorithm, key, sealed));
  } catch {
    return undefined;
  }
}

function newNonce(): Bytes {
  return crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
}

export const webSigV4Crypto: SigV4Crypto = {
  async sha256Hex(data) {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    const digest = await crypto.subtle.digest('SHA-256', bytes);
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  },
  async hmacSha256(key, text) {
    const algorithm = { name: 'HMAC', hash: 'SHA-256' };
    const imported = await crypto.subtle.importKey('raw', key, algorithm, false, ['sign']);
    return new Uint8Array(await crypto.subtle.sign('HMAC', imported, new TextEncoder().encode(text)));
  },
};
