/** The dashboard as a browser uses it, without the browser: cookies kept, forms sent as a page of ours sends them. Inside workerd. */
import { env, exports } from 'cloudflare:workers';
import { type Fetch, ORIGIN } from './broker.ts';

export interface Shown {
  readonly status: number;
  readonly headers: Headers;
  readonly html: string;
}

export interface Tab {
  cookie: string;
  get(path: string, headers?: Record<string, string>): Promise<Shown>;
  /** As our own pages send it, with the session's token, where nothing else is said. */
  post(path: string, fields?: Record<string, string>, headers?: Record<string, string>): Promise<Shown>;
  /** The token of the session's forms, as any page of it shows it. */
  formToken(): Promise<string>;
}

export const SESSION_COOKIE = '__Host-edge-sts';
export const OWN_FORM = { origin: ORIGIN, 'sec-fetch-site': 'same-origin' };

export function newTab(fetch: Fetch = (request) => exports.default.fetch(request), cookie = ''): Tab {
  const send = async (path: string, init: RequestInit): Promise<Shown> => {
    const response = await fetch(new Request(`${ORIGIN}/dashboard${path}`, { redirect: 'manual', ...init }));
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      if (pair.startsWith(`${SESSION_COOKIE}=`)) tab.cookie = pair.slice(SESSION_COOKIE.length + 1);
    }
    return { status: response.status, headers: response.headers, html: await response.text() };
  };
  const withCookie = (headers: Record<string, string>): Record<string, string> => ({
    ...(tab.cookie === '' ? {} : { cookie: `${SESSION_COOKIE}=${tab.cookie}` }),
    ...headers,
  });
  const tab: Tab = {
    cookie,
    get: (path, headers = {}) => send(path, { headers: withCookie(headers) }),
    post: async (path, fields = {}, headers = OWN_FORM) => {
      const formToken = 'formToken' in fields || tab.cookie === '' ? {} : { formToken: await tab.formToken() };
      return send(path, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...withCookie(headers) },
        body: new URLSearchParams({ ...formToken, ...fields }).toString(),
      });
    },
    formToken: async () => formTokenIn((await tab.get('')).html),
  };
  return tab;
}

export function formTokenIn(html: string): string {
  return /name="formToken" value="([0-9a-f]+)"/.exec(html)?.[1] ?? '';
}

export async function signIn(token: string = env.EDGE_STS_ADMIN_TOKEN ?? '', fetch?: Fetch): Promise<Tab> {
  const tab = newTab(fetch);
  const answer = await tab.post('/sign-in', { token });
  if (answer.status !== 303) throw new Error(`signing in: ${answer.status} ${answer.html}`);
  return tab;
}
