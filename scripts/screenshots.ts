/** `npm run screenshots`: a broker of its own, something to see in it, and a picture of each page of the dashboard in docs/screenshots. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HAS_BROWSER, launchBrowser, type Look, NO_BROWSER, openPage } from '../test/support/node/browser.ts';
import { load, startShop, type Shop } from '../test/support/node/dashboard-world.ts';

const FOLDER = fileURLToPath(new URL('../docs/screenshots', import.meta.url));

/** Also as they are in the dark and on a telephone. */
const PAGES: readonly (readonly [name: string, path: string])[] = [
  ['home', ''],
  ['home-charts', '?view=charts'],
  ['quota', '/projects/shop/quota'],
  ['quota-usage-scale', '/projects/shop/quota?scale=usage&by=namespace'],
  ['requests', '/projects/shop/requests'],
  ['request', '/projects/shop/requests/black-friday'],
  ['activity', '/projects/shop/activity'],
  ['explain', ''],
  ['clusters', '/projects/shop/clusters'],
  ['provider', '/projects/shop/clusters/shop.svc.id.goog/eu-west'],
  ['policy', '/projects/shop/policy?target=orders'],
  ['rehearse', '/projects/shop/policy/rehearse?target=orders'],
  ['keys', '/projects/shop/keys'],
  ['history', '/projects/shop/history'],
  ['history-entry', '/projects/shop/history/4'],
];
const LOOKS: readonly (readonly [suffix: string, look: Look, only: readonly string[] | undefined])[] = [
  ['', { theme: 'light', width: 1_280 }, undefined],
  ['-dark', { theme: 'dark', width: 1_280 }, ['home', 'quota', 'provider', 'explain']],
  ['-narrow', { theme: 'light', width: 390 }, ['quota', 'activity', 'request']],
];

if (HAS_BROWSER) await takeAll();
else process.stdout.write(`${NO_BROWSER}\n`);

async function takeAll(): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  const shop = await startShop();
  const browser = await launchBrowser();
  try {
    await fill(shop);
    for (const [suffix, look, only] of LOOKS) {
      const { page, context } = await openPage(browser, look);
      await page.goto(`${shop.origin}/dashboard`);
      if (only === undefined) {
        await page.setViewportSize({ width: look.width, height: 480 });
        await page.screenshot({ path: join(FOLDER, 'sign-in.png') });
      }
      await page.getByLabel('Token', { exact: true }).fill(shop.world.broker.adminToken);
      await page.getByRole('button', { name: 'Sign in' }).click();
      for (const [name, path] of PAGES) {
        if (only !== undefined && !only.includes(name)) continue;
        await (name === 'explain' ? explain(shop, page) : page.goto(`${shop.origin}/dashboard${path}`));
        if (name === 'rehearse') {
          const field = page.getByLabel('Policy as JSON');
          await field.fill((await field.inputValue()).replace('checkout/sa/worker', 'checkout/sa/nobody'));
          await page.getByRole('button', { name: 'Rehearse' }).click();
        }
        // As much of a long page as a person sees at first, and a little more.
        const wholeHeight = await page.evaluate<number>('document.body.scrollHeight');
        await page.setViewportSize({ width: look.width, height: Math.min(Math.max(wholeHeight, 480), 1_060) });
        await page.screenshot({ path: join(FOLDER, `${name}${suffix}.png`) });
        process.stdout.write(`${name}${suffix}.png\n`);
      }
      await context.close();
    }
  } finally {
    await browser.close();
    await shop.world.broker.stop();
  }
}

async function explain(shop: Shop, page: { goto(url: string): Promise<unknown> }): Promise<void> {
  const query = new URLSearchParams({
    principal: shop.principal('checkout', 'worker'),
    target: 'orders',
  });
  await page.goto(`${shop.origin}/dashboard/projects/shop/policy/explain?${query.toString()}`);
}

async function fill(shop: Shop): Promise<void> {
  const must: Shop['world']['must'] = (...call) => shop.world.must(...call);
  const many = (count: number, cluster: number, namespace: string, account: string) =>
    Array.from({ length: count }, () => [cluster, namespace, account] as const);
  await must('PATCH', '/v1/projects/shop?updateMask=tokenExchangesPerMinute', { tokenExchangesPerMinute: 800 });
  const preferences = '/v1/projects/shop/locations/global/quotaPreferences';
  const wish = (preferredValue: string, justification: string) => ({
    service: 'sts',
    quotaId: 'TokenExchangeRequestsPerMinutePerProject',
    quotaConfig: { preferredValue },
    justification,
    contactEmail: 'checkout@example.com',
  });
  await must('POST', `${preferences}?quotaPreferenceId=second-region`, wish('1000', 'A second region goes live.'));
  await must('POST', `${preferences}/second-region:approve`, { grantedValue: '900', comment: 'To begin with.' });
  await must(
    'POST',
    `${preferences}?quotaPreferenceId=black-friday`,
    wish('12000', 'All clusters restart on Friday, and carts triple.'),
  );
  await must('PATCH', '/v1/projects/shop?updateMask=ownLimits', {
    ownLimits: [{ principal: shop.principal('batch', 'reports'), tokenExchangesPerMinute: 60 }],
  });
  // A bar is a minute: what a day looks like takes as long as somebody is willing to wait. Evenly, as many workloads come.
  const seconds = Math.round(60 * Number(process.env['EDGE_STS_SCREENSHOT_MINUTES'] ?? 2));
  for (let second = 0; second <= seconds; second += 1) {
    const startedMs = performance.now();
    const wave = 0.6 + 0.4 * Math.sin(second / 95) + (second % 7) / 20;
    await load(shop, [
      ...many(Math.round(5 * wave), 0, 'checkout', 'api'),
      ...many(Math.round(2.4 * wave), 1, 'checkout', 'worker'),
      ...many(second % 2, 2, 'billing', 'invoices'),
      ...many(second % 30 < 4 ? 1 : 0, 0, 'batch', 'reports'),
    ]);
    await new Promise((resolve) => void setTimeout(resolve, Math.max(0, 1_000 - (performance.now() - startedMs))));
  }
}
