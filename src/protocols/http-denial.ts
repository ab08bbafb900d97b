/** What a REST face refuses: everything the core refuses an administrator, and what only HTTP can get wrong. */
import type { AdminDenial } from '../core/admin/denial.ts';

export type HttpDenial =
  /** `hint`: the pattern of a path that is nearly the same. */
  | { readonly tag: 'unknown_path'; readonly hint?: string }
  | { readonly tag: 'method_not_allowed'; readonly allow: readonly string[] }
  | { readonly tag: 'body_too_large'; readonly maxBytes: number }
  | { readonly tag: 'unsupported_media_type' }
  | { readonly tag: 'malformed_json'; readonly problem: string }
  /** A browser sent it for a page that is not ours. */
  | { readonly tag: 'cross_site' }
  | { readonly tag: 'too_many_failures'; readonly retryAfterSeconds: number };

export type RestDenial = AdminDenial | HttpDenial;
