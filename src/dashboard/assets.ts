/** Style, client module and icon, each at an address that is made of its content: kept for ever, and never an old one with a new page. */
import type { ReadAsset } from '../core/assets.ts';
import { BASE } from './guard.ts';

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

/** Once an isolate; two at once make the same, for one request may not wait for what another has begun. */
export function createAssets(readAsset: ReadAsset): () => Promise<Assets> {
  let made: Assets | undefined;
  return async () => {
    if (made !== undefined) return made;
    const style = await readAsset('dashboard/style.css');
    const client = await readAsset('dashboard/client.js');
    const fresh = await make(style ?? '', client ?? '');
    // What is missing may be there at the next page: without it this one is plain, and works.
    if (style !== undefined && client !== undefined) made = fresh;
    return fresh;
  };
}

async function make(style: string, client: string): Promise<Assets> {
  const css = { body: style, type: 'text/css; charset=utf-8' };
  const js = { body: client, type: 'text/javascript; charset=utf-8' };
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
