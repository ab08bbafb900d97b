/** What the runtime hands us: strings that may be missing and the bindings of wrangler.toml. Only `settings.ts` and `worker.ts` read it. */
interface Env {
  readonly PUBLIC_ORIGIN?: string;
  readonly EDGE_STS_KEK?: string;
  readonly EDGE_STS_KEK_PREVIOUS?: string;
  readonly EDGE_STS_ADMIN_TOKEN?: string;
  /** The one development setting (`true`): loopback `http://` issuers. Refused unless PUBLIC_ORIGIN is loopback. */
  readonly EDGE_STS_DEVELOPMENT?: string;
  /** `TEAM.cloudflareaccess.com` and the application's audience tag: users of Cloudflare Access may administer. Absent: none may. */
  readonly ACCESS_TEAM_DOMAIN?: string;
  readonly ACCESS_AUDIENCE?: string;
  /** A host of the Worker's own that is AWS's door and nothing else, at its root. Absent: there is none. */
  readonly AWS_STS_HOST?: string;
  readonly CACHE: KVNamespace;
  readonly REGISTRY: DurableObjectNamespace<import('./platform/registry/object.ts').Registry>;
  readonly QUOTA: DurableObjectNamespace<import('./platform/quota/object.ts').Quota>;
  readonly KEY_RING: DurableObjectNamespace<import('./platform/keys/object.ts').KeyRing>;
  readonly ISSUER_KEYS: DurableObjectNamespace<import('./platform/issuer-keys/object.ts').IssuerKeys>;
  /** The folder `assets`. Absent where the Worker runs without it: what stands there is answered 503, and all else works. */
  readonly ASSETS?: Fetcher;
  /** Absent under plain workerd, which has no such binding. */
  readonly FAILURES_BY_ADDRESS?: RateLimit;
  readonly FAILURES_BY_ADDRESS_AND_PROVIDER?: RateLimit;
}

/** ECMAScript 2026: V8 has it, TypeScript's `lib` does not yet, and Node 24, where core is tested, does not either. */
interface Uint8Array<TArrayBuffer extends ArrayBufferLike> {
  toHex(): string;
  toBase64(options: { readonly alphabet: 'base64url'; readonly omitPadding: true }): string;
}

declare namespace Cloudflare {
  interface GlobalProps {
    mainModule: typeof import('./worker.ts');
  }
  interface Env extends globalThis.Env {}
}
