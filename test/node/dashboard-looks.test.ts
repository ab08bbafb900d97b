/** Every page in light and dark, wide and narrow: no error, no breach of the page's own policy, no fault that axe finds, nothing out of a keyboard's reach. */
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AXE, HAS_BROWSER, launchBrowser, type Look, NO_BROWSER, openPage, signIn } from '../support/node/browser.ts';
import { load, startShop, type Shop } from '../support/node/dashboard-world.ts';

if (!HAS_BROWSER) process.stdout.write(`${NO_BROWSER}\n`);

const LOOKS: readonly Look[] = [
  { theme: 'light', width: 1_280 },
  { theme: 'dark', width: 1_280 },
  { theme: 'light', width: 390 },
  { theme: 'dark', width: 390 },
];

/** Chromium comes from npm for Linux x64 only; elsewhere the line above says that nothing ran. */
describe.skipIf(!HAS_BROWSER)('the looks of the dashboard', () => {
  let shop: Shop;
  let browser: Browser;
  let paths: readonly string[] = [];

  beforeAll(async () => {
    shop = await startShop({}, ['eu-west']);
    browser = await launchBrowser();
    const { world } = shop;
    await world.must('POST', '/v1/projects/shop/locations/global/quotaPreferences?quotaPreferenceId=more', {
      service: 'sts',
      quotaId: 'TokenExchangeRequestsPerMinutePerProject',
      quotaConfig: { preferredValue: '12000' },
      justification: 'more',
    });
    await world.must('PATCH', '/v1/projects/shop?updateMask=ownLimits', {
      ownLimits: [{ principal: shop.principal('batch', 'reports'), tokenExchangesPerMinute: 60 }],
    });
    await load(shop, [
      [0, 'checkout', 'api'],
      [0, 'batch', 'reports'],
    ]);
    const explain = new URLSearchParams({ principal: shop.principal('checkout', 'api'), target: 'orders' });
    const ofProject = `quota quota?range=day&by=principal quota?range=90d requests requests/more activity clusters
      clusters/${shop.pool}/eu-west policy policy?target=orders policy/explain policy/explain?${explain.toString()} policy/rehearse
      keys history history/2 history/compare?from=1 nothing`;
    paths = ['', '?view=charts', ...ofProject.split(/\s+/).map((path) => `/projects/shop/${path}`)];
  });
  afterAll(async () => {
    await browser?.close();
    await shop?.world.broker.stop();
  });

  it.each(LOOKS)(
    '$theme at $width px: every page is without a fault',
    async (look) => {
      const { page, context, faults } = await openPage(browser, look);
      await page.goto(`${shop.origin}/dashboard`);
      const found = [...(await faultsOn(page, 'sign-in'))];
      await signIn(page, shop.origin, shop.world.broker.adminToken, '');
      for (const path of [...paths, '/prove']) {
        await page.goto(`${shop.origin}/dashboard${path}`);
        found.push(...(await faultsOn(page, path)));
      }
      await context.close();
      expect(found).toEqual([]);
      expect(faults).toEqual([]);
    },
    180_000,
  );

  it('everything that can be pressed is reached by Tab, in the order in which it is read, and shows that it is', async () => {
    const { page, context } = await openPage(browser);
    await signIn(page, shop.origin, shop.world.broker.adminToken, '');
    for (const path of paths) {
      await page.goto(`${shop.origin}/dashboard${path}`);
      const wanted = await page.evaluate<string[]>(PRESSABLES);
      const reached: string[] = [];
      for (let at = 0; at < wanted.length + 40; at += 1) {
        await page.keyboard.press('Tab');
        const focused = await page.evaluate<Focused | undefined>(FOCUSED);
        if (focused === undefined) break;
        expect(focused.hasOutline, `${path}: ${focused.name}`).toBe(true);
        // A field for a time has a place in it for each of its parts.
        if (focused.isPressable && !focused.isAgain) reached.push(focused.name);
      }
      expect(reached, path).toEqual(wanted);
    }
    await context.close();
  }, 180_000);

  it('without script every page can be read: numbers, bars and the limit are there', async () => {
    const { page, context } = await openPage(browser, undefined, { javaScriptEnabled: false });
    await signIn(page, shop.origin, shop.world.broker.adminToken, '/projects/shop/quota');
    expect(await page.locator('#usage svg rect').count()).toBeGreaterThan(0);
    expect(await page.locator('#usage line.limit').count()).toBe(2);
    expect(await page.locator('#usage time').first().textContent()).toMatch(/^\d\d:\d\d$/);
    await page.goto(`${shop.origin}/dashboard/projects/shop/activity`);
    expect(await page.locator('#exchanges tbody tr').count()).toBe(2);
    expect(await page.locator('#exchanges time').nth(1).textContent()).toMatch(/ UTC$/);
    await context.close();
  });

  it('times are in the zone of whoever reads, with the exact time behind them', async () => {
    const { page, context } = await openPage(browser);
    await signIn(page, shop.origin, shop.world.broker.adminToken, '/projects/shop/history');
    const time = page.locator('#entries time').first();
    expect(await time.textContent()).toMatch(/CES?T$/);
    expect(await time.getAttribute('title')).toMatch(/Z$/);
    await context.close();
  });
});

async function faultsOn(page: Page, path: string): Promise<readonly string[]> {
  // Through the browser's own door: the page's policy lets no script in, and Playwright's is none of the page's.
  await page.evaluate(readFileSync(AXE, 'utf8'));
  const { violations } = await page.evaluate<AxeResult>(
    "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] })",
  );
  const faults = violations.map(
    ({ id, impact, nodes }) =>
      `${impact} ${id}: ${nodes
        .map(({ html }) => html)
        .slice(0, 3)
        .join(' | ')}`,
  );
  const isTooWide = await page.evaluate<boolean>(
    'document.documentElement.scrollWidth > document.documentElement.clientWidth + 1',
  );
  return [...faults.map((fault) => `${path}: ${fault}`), ...(isTooWide ? [`${path}: wider than the screen`] : [])];
}

interface AxeResult {
  readonly violations: readonly { id: string; impact: string; nodes: readonly { html: string }[] }[];
}

interface Focused {
  /** Another part of the same field. */
  readonly isAgain: boolean;
  readonly name: string;
  readonly isPressable: boolean;
  readonly hasOutline: boolean;
}

/** These run in the page, for which no types are here. */
const NAME_OF =
  "(one) => one.tagName + ' ' + (one.getAttribute('name') ?? '') + ' ' + one.textContent.trim().slice(0, 40)";

const PRESSABLES = `[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
  .filter((one) => one.getClientRects().length > 0 && (one.matches('summary') || one.closest('details:not([open])') === null))
  .map(${NAME_OF})`;

const FOCUSED = `(() => {
  const one = document.activeElement;
  if (one === null || one === document.body) return undefined;
  const style = getComputedStyle(one);
  const isAgain = window.lastFocused === one;
  window.lastFocused = one;
  return {
    isAgain,
    name: (${NAME_OF})(one),
    isPressable: one.matches('a[href], button, input, select, textarea, summary'),
    hasOutline: style.outlineStyle !== 'none' && Number.parseFloat(style.outlineWidth) > 0,
  };
})()`;
