/** Of `node:crypto`, what transactions need: hashes at once, which WebCrypto gives only to who can wait. workerd's own, and no part of the bundle. */
declare module 'node:crypto' {
  interface Hash {
    /** Strings are taken as UTF-8. */
    update(data: string): Hash;
    digest(encoding: 'hex' | 'base64url'): string;
  }
  export function createHash(algorithm: 'sha256'): Hash;
  export function createHmac(algorithm: 'sha256', key: Uint8Array): Hash;
}
