/** A small table of (method, path) → handler: Google's colon verbs (`…/targets/T:setIamPolicy`) fit no router's pattern. */
import type { Caller } from '../../core/admin/caller.ts';
import type { JsonObject } from '../../core/json.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { HttpDenial, RestDenial } from '../http-denial.ts';
import type { Needs } from './needs.ts';
import type { Query } from './query.ts';

export interface Call {
  /** A segment of the path, by the name that it has in the pattern. */
  readonly param: (name: string) => string;
  readonly query: Query;
  readonly body: JsonObject;
  readonly caller: Caller;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `projects/{project}/targets/{target}:setIamPolicy`, below `/v1/` or `/v2/`. */
  readonly path: string;
  /** Asked for before anything else of the request is looked at. */
  readonly needs: Needs;
  /** The query parameters it knows, in camelCase. */
  readonly query?: readonly string[];
  readonly handle: (call: Call) => Promise<Result<JsonObject, RestDenial>>;
}

interface Match {
  readonly route: Route;
  readonly params: ReadonlyMap<string, string>;
}

/** `path` is what the wire carried after the version, still percent-encoded. */
export function findRoute(routes: readonly Route[], method: string, path: string): Result<Match, HttpDenial> {
  const fits = routes.flatMap((route) => {
    const params = matchPath(route.path, path);
    return params === undefined ? [] : [{ route, params }];
  });
  if (fits.length === 0) return err(unknownPath(routes, path));
  const match = fits.find(({ route }) => route.method === (method === 'HEAD' ? 'GET' : method));
  if (match !== undefined) return ok(match);
  return err({ tag: 'method_not_allowed', allow: fits.map(({ route }) => route.method) });
}

/** Slips that the documents of Cloud Quotas lead to, or that other words for a refusal do. */
const SLIPS: readonly (readonly [RegExp, string])[] = [
  [/^(projects\/[^/]+)\/(?=quotaPreferences|services\/)/, '$1/locations/global/'],
  [/\/services\/sts\.googleapis\.com\//, '/services/sts/'],
  [/(\/quotaPreferences\/[^/]+):(?:deny|reject)$/, '$1:refuse'],
];

/** With our own pattern, never what was sent. */
function unknownPath(routes: readonly Route[], path: string): HttpDenial {
  const meant = SLIPS.reduce((text, [slip, right]) => text.replace(slip, right), path);
  const near = meant === path ? undefined : routes.find((route) => matchPath(route.path, meant) !== undefined);
  return { tag: 'unknown_path', ...(near === undefined ? {} : { hint: near.path }) };
}

function matchPath(pattern: string, path: string): ReadonlyMap<string, string> | undefined {
  const wanted = splitPath(pattern);
  const given = splitPath(path);
  if (wanted.verb !== given.verb || wanted.segments.length !== given.segments.length) return undefined;
  const params = new Map<string, string>();
  for (const [index, segment] of wanted.segments.entries()) {
    const raw = given.segments[index] ?? '';
    const [, name] = /^\{(.+)\}$/.exec(segment) ?? [];
    if (name === undefined) {
      if (raw !== segment) return undefined;
      continue;
    }
    const value = decode(raw);
    if (value === undefined || value === '') return undefined;
    params.set(name, value);
  }
  return params;
}

function splitPath(path: string): { readonly segments: readonly string[]; readonly verb: string } {
  const segments = path.split('/');
  const last = segments.pop() ?? '';
  const colon = last.lastIndexOf(':');
  if (colon < 0) return { segments: [...segments, last], verb: '' };
  return { segments: [...segments, last.slice(0, colon)], verb: last.slice(colon + 1) };
}

function decode(raw: string): string | undefined {
  try {
    return decodeURIComponent(raw);
  } catch {
    return undefined;
  }
}
