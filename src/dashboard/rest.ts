/** The REST administration as a person's session asks it: his own credential, his own address, the same refusals as with curl. */
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { DashboardPorts } from './ports.ts';

/** What REST said, for people: its own words, which name the permission that lacks. */
export interface Refused {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export type Answer = Result<JsonObject, Refused>;

export interface Rest {
  get(path: string, query?: Readonly<Record<string, string | null | undefined>>): Promise<Answer>;
  post(path: string, body: JsonObject): Promise<Answer>;
  send(method: 'PATCH' | 'DELETE', path: string, body?: JsonObject): Promise<Answer>;
}

export function createRest(ports: DashboardPorts, outer: Request, bearer: string | undefined, requestId: string): Rest {
  return {
    get: (path, query = {}) => {
      const known = Object.entries(query).filter(
        (entry): entry is [string, string] => (entry[1] ?? undefined) !== undefined,
      );
      const search = new URLSearchParams(known).toString();
      return asked('GET', search === '' ? path : `${path}?${search}`);
    },
    post: (path, body) => asked('POST', path, body),
    send: (method, path, body) => asked(method, path, body),
  };

  async function asked(method: string, path: string, body?: JsonObject): Promise<Answer> {
    const headers = new Headers(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` });
    // Where a browser says that it sends a form is judged there as well; a page that is only looked at may be led to from anywhere.
    const told = outer.method === 'GET' ? [] : ['origin', 'sec-fetch-site'];
    // One credential: what Access adds to a browser's requests says nothing of a session that was opened with a token.
    const access = bearer === undefined ? ['cf-access-jwt-assertion'] : [];
    for (const name of ['cf-connecting-ip', ...access, ...told]) {
      const value = outer.headers.get(name);
      if (value !== null) headers.set(name, value);
    }
    if (body !== undefined) headers.set('content-type', 'application/json');
    const request = new Request(`${ports.publicOrigin}/v1/${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const response = await ports.ask(request, requestId);
    const answer: unknown = await response.json();
    const document = isJson(answer) && isJsonObject(answer) ? answer : {};
    return response.ok ? ok(document) : err(refusedIn(document, response.status));
  }
}

function refusedIn(document: JsonObject, status: number): Refused {
  const error = objectAt(document, 'error');
  return { status, code: textAt(error, 'status'), message: textAt(error, 'message') || 'The broker gave no reason.' };
}

/** Whatever `Response.json` makes is JSON. */
function isJson(value: unknown): value is JsonValue {
  return value !== undefined;
}

/** One id in a path of REST: whatever it holds, it stays one segment. Dots alone would lead up in any URL, spelled `%2E` as well. */
export const segment = (text: string): string =>
  /^\.{1,2}$/.test(text) ? text.replaceAll('.', '%252E') : encodeURIComponent(text);

export function textAt(document: JsonObject, member: string): string {
  const value = document[member];
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

export function numberAt(document: JsonObject, member: string): number {
  const value = Number(document[member] ?? 0);
  return Number.isFinite(value) ? value : 0;
}

export function objectAt(document: JsonObject, member: string): JsonObject {
  const value = document[member];
  return isJsonObject(value) ? value : {};
}

export function listAt(document: JsonObject, member: string): readonly JsonObject[] {
  const value = document[member];
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

export function textsAt(document: JsonObject, member: string): readonly string[] {
  const value = document[member];
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
