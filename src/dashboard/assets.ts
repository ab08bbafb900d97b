/** Style, client module and icon, each at an address that is made of its content: kept for ever, and never an old one with a new page. */
import { BASE } from './guard.ts';
import { CLIENT_JS } from './client.ts';
import { STYLE_CSS } from './style.ts';

export interface AssetUrls {
  readonly css: string;
  readonly js: string;
  readonly icon: string;
}

interface Asset {
  readonly body: string;
  readonly type: string;
}

export interface Assets {
  readonly urls: AssetUrls;
  readonly byPath: ReadonlyMap<string, Asset>;
}

const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20"><path fill="#1c5bb8" d="M10 .8 18 4v5.6c0 4.7-3.3 8.2-8 9.6-4.7-1.4-8-4.9-8-9.6V4z"/><path fill="none" stroke="#fff" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" d="M6 8.3h7.500l-2-2M14 11.700H6.500l2 2"/></svg>';

let made: Assets | undefined;

/** Once an isolate; two at once make the same, for one request may not wait for what another has begun. */
export async function assets(): Promise<Assets> {
  made ??= await make();
  return made;
}

async function make(): Promise<Assets> {
  const css = { body: STYLE_CSS.trim(), type: 'text/css; charset=utf-8' };
  const js = { body: CLIENT_JS.trim(), type: 'text/javascript; charset=utf-8' };
  const icon = { body: ICON, type: 'image/svg+xml' };
  const urls = {
    css: await addressOf('style', 'css', css),
    js: await addressOf('client', 'js', js),
    icon: await addressOf('icon', 'svg', icon),
  };
  return {
    urls,
    byPath: new Map([
      [urls.css, css],
      [urls.js, js],
      [urls.icon, icon],
    ]),
  };
}

async function addressOf(name: string, ending: string, { body }: Asset): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body)));
  const text = Array.from(hash.slice(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${BASE}/assets/${name}-${text}.${ending}`;
}
