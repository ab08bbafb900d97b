/** What every page and every form of the dashboard is held to: headers, where a form comes from, the cookie, and where one may be led on to. */

/**
 * Nothing inline, nothing from elsewhere, no frame, no form to elsewhere; and no text becomes markup in the browser, for no Trusted Types
 * policy may be made (SECURITY.md T16). `same-origin` and not `no-referrer`: under that, browsers send `Origin: null` with our own forms.
 */
const HEADERS = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
} as const;

export function withHeaders(response: Response): Response {
  for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value);
  // What a person may see is not kept for whoever sits there next, nor for the back button after he signed out.
  if (!response.headers.has('Cache-Control')) response.headers.set('Cache-Control', 'no-store');
  return response;
}

/**
 * CSRF: a form is taken from our own pages alone. Every browser of today sends at least one of these two headers with a form; what sends
 * neither is none of ours. Also for signing in, lest somebody be signed in as another without noticing.
 */
export function isOwnForm({ headers }: Request, publicOrigin: string): boolean {
  const origin = headers.get('origin');
  const site = headers.get('sec-fetch-site');
  if (origin === null && site === null) return false;
  return (origin === null || origin === publicOrigin) && (site === null || site === 'same-origin');
}

export const BASE = '/dashboard';

/** A path of ours to go on to, or home: never another site, however it is spelled. */
export function safeNext(next: string | undefined, publicOrigin: string): string {
  if (next === undefined || !next.startsWith(`${BASE}/`) || next.length > 2_000) return BASE;
  if (!URL.canParse(next, publicOrigin)) return BASE;
  const { origin, pathname, search } = new URL(next, publicOrigin);
  const isOurs = origin === publicOrigin && pathname.startsWith(`${BASE}/`) && !pathname.startsWith(`${BASE}/sign`);
  return isOurs ? `${pathname}${search}` : BASE;
}

/** `__Host-` binds the cookie to this host and to https: no neighbour below the same domain can set it (fixation). */
function cookieName(publicOrigin: string): string {
  return publicOrigin.startsWith('https:') ? '__Host-edge-sts' : 'edge-sts';
}

export function cookieIn({ headers }: Request, publicOrigin: string): string | undefined {
  const name = cookieName(publicOrigin);
  const found = (headers.get('cookie') ?? '').split(';').map((pair) => pair.trim().split('='));
  return found.find(([key]) => key === name)?.[1];
}

/** `secret` undefined: forget it. */
export function cookieHeader(secret: string | undefined, publicOrigin: string): string {
  const secure = publicOrigin.startsWith('https:') ? '; Secure' : '';
  const life = secret === undefined ? '; Max-Age=0' : '';
  return `${cookieName(publicOrigin)}=${secret ?? ''}; Path=/; HttpOnly; SameSite=Strict${secure}${life}`;
}

/** In constant time over the length, which is no secret. */
export function isSameToken(given: string, expected: string): boolean {
  let difference = given.length ^ expected.length;
  for (let at = 0; at < expected.length; at += 1) difference |= given.charCodeAt(at) ^ expected.charCodeAt(at);
  return difference === 0;
}
