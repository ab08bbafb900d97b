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

/** Once an isolate; two at once make the same, for one request may not wait for what another has begun. */
export function createAssets(readAsset: ReadAsset): () => Promise<Assets> {
  let made: Assets | undefined;
  return async () => {
    if (made !== undefined) return made;
    const [style, client, image] = [
      await readAsset('dashboard/style.css'),
      await readAsset('dashboard/client.js'),
      await readAsset('dashboard/icon.svg'),
    ];
    const fresh = await make(style, client, image);
    // What is missing may be there at the next page: without it this one is plain, and works.
    if (style !== undefined && client !== undefined && image !== undefined) made = fresh;
    return fresh;
  };
}

async function make(style = '', client = '', image = ''): Promise<Assets> {
  const css = { body: style, type: 'text/css; charset=utf-8' };
  const js = { body: client, type: 'text/javascript; charset=utf-8' };
  const icon = { body: image, type: 'image/svg+xml' };
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
