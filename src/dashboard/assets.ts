/** Style, client module and icon, each at an address that is made of its content: kept for ever, and never an old one with a new page. */
import type { ReadAsset } from '../core/assets.ts';
import { hex } from './format.ts';
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

const FILES = [
  ['css', 'style.css', 'text/css; charset=utf-8'],
  ['js', 'client.js', 'text/javascript; charset=utf-8'],
  ['icon', 'icon.svg', 'image/svg+xml'],
] as const;

/** Once an isolate; two at once make the same, for one request may not wait for what another has begun. */
export function createAssets(readAsset: ReadAsset): () => Promise<Assets> {
  let made: Assets | undefined;
  return async () => {
    if (made !== undefined) return made;
    const urls = { css: '', js: '', icon: '' };
    const byPath = new Map<string, Asset>();
    let isWhole = true;
    for (const [kind, name, type] of FILES) {
      const body = await readAsset(`dashboard/${name}`);
      isWhole &&= body !== undefined;
      urls[kind] = await addressOf(name, body ?? '');
      byPath.set(urls[kind], { body: body ?? '', type });
    }
    const fresh = { urls, byPath };
    // What is missing may be there at the next page: without it this one is plain, and works.
    if (isWhole) made = fresh;
    return fresh;
  };
}

/** `style.css` is at `style-HASH.css`. */
async function addressOf(name: string, body: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body)));
  return `${BASE}/assets/${name.replace('.', `-${hex(hash.slice(0, 8))}.`)}`;
}
