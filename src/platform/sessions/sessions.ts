/**
 * Sessions of browsers over the directory's rows. A row is sealed under a key that is made of the KEK *and* the cookie's own secret, and is
 * found by that secret's digest: neither a copy of the storage nor the KEK opens anybody's credential, nor does a cookie without both.
 */
import type { SessionContent, Sessions } from '../../core/admin/sessions.ts';
import { decodeBase64Url, encodeBase64Url } from '../../core/base64url.ts';
import { err, ok } from '../../core/result.ts';
import { DIRECTORY_NAME } from '../object-names.ts';
import type { Registry } from '../registry/object.ts';
import { type Keks, sessionKey } from '../secrets.ts';
import { DIRECTORY_AWAY } from '../standing.ts';
import { within } from '../within.ts';

const PATIENCE_MS = 5_000;
const SECRET_BYTES = 32;
const IV_BYTES = 12;

export function createSessions(registry: DurableObjectNamespace<Registry>, keks: Keks): Sessions {
  const directory = (): DurableObjectStub<Registry> => registry.getByName(DIRECTORY_NAME);
  return {
    open: async (content) => {
      const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
      const id = await digest(secret);
      const row = {
        id,
        person: await digest(Uint8Array.from(new TextEncoder().encode(content.name))),
        sealed: await seal(await sessionKey(keks.current, secret), id, JSON.stringify(content)),
      };
      try {
        const opened = await within(PATIENCE_MS, directory().openSession(row));
        return opened.ok ? ok({ secret: encodeBase64Url(secret) }) : opened;
      } catch {
        return err(DIRECTORY_AWAY);
      }
    },
    find: async (cookie, isActive) => {
      const secret = secretIn(cookie);
      if (secret === undefined) return ok(undefined);
      const id = await digest(secret);
      try {
        const sealed = await within(PATIENCE_MS, directory().session(id, isActive));
        return ok(sealed === undefined ? undefined : await contentIn(sealed, id, secret));
      } catch {
        return err(DIRECTORY_AWAY);
      }
    },
    end: async (cookie) => {
      const secret = secretIn(cookie);
      if (secret === undefined) return ok(null);
      try {
        await within(PATIENCE_MS, directory().endSession(await digest(secret)));
        return ok(null);
      } catch {
        return err(DIRECTORY_AWAY);
      }
    },
  };

  async function contentIn(
    sealed: string,
    id: string,
    secret: Uint8Array<ArrayBuffer>,
  ): Promise<SessionContent | undefined> {
    for (const kek of [keks.current, keks.previous]) {
      const text = kek === undefined ? undefined : await unseal(await sessionKey(kek, secret), id, sealed);
      if (text === undefined) continue;
      const content: SessionContent = JSON.parse(text);
      return content;
    }
    return undefined;
  }
}

/** Undefined for what we never gave out: a cookie is a stranger's text. */
function secretIn(cookie: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = /^[A-Za-z0-9_-]{43}$/.test(cookie) ? decodeBase64Url(cookie) : undefined;
  return bytes?.length === SECRET_BYTES ? bytes : undefined;
}

async function seal(key: CryptoKey, id: string, text: string): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const bytes = await crypto.subtle.encrypt(gcm(iv, id), key, new TextEncoder().encode(text));
  return `${encodeBase64Url(iv)}.${encodeBase64Url(new Uint8Array(bytes))}`;
}

async function unseal(key: CryptoKey, id: string, sealed: string): Promise<string | undefined> {
  const [iv, bytes] = sealed.split('.').map((part) => decodeBase64Url(part));
  if (iv === undefined || bytes === undefined) return undefined;
  try {
    return new TextDecoder().decode(await crypto.subtle.decrypt(gcm(iv, id), key, bytes));
  } catch {
    return undefined;
  }
}

/** One row's seal in another row opens nothing. */
function gcm(iv: Uint8Array<ArrayBuffer>, id: string): SubtleCryptoEncryptAlgorithm {
  const additionalData = new TextEncoder().encode(`edge-sts/session/v1 ${id}`);
  return { name: 'AES-GCM', iv, additionalData };
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
