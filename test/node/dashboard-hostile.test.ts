/** Another site at the dashboard, and every kind of nasty text in it, in a real browser: nothing runs, nothing is sent, no page breaks (SECURITY.md T16). */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HAS_BROWSER, launchBrowser, NO_BROWSER, openPage, signIn, type Watched } from '../support/node/browser.ts';
import { startShop, type Shop } from '../support/node/dashboard-world.ts';
import { STRINGS, storeEverywhere } from '../support/node/nasty.ts';

if (!HAS_BROWSER) process.stdout.write(`${NO_BROWSER}\n`);

/** Chromium comes from npm for Linux x64 only; elsewhere the line above says that nothing ran. */
describe.skipIf(!HAS_BROWSER)('the dashboard among enemies', () => {
  let shop: Shop;
  let browser: Browser;
  let evil: Server;
  let evilPage = '';
  let person: Watched;

  beforeAll(async () => {
    shop = await startShop({}, ['eu-west']);
    browser = await launchBrowser();
    evil = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end(evilPage);
    });
    await new Promise<void>((resolve) => void evil.listen(0, '127.0.0.1', resolve));
    person = await openPage(browser);
    await signIn(person.page, shop.origin, shop.world.broker.adminToken, '');
  });
  afterAll(async () => {
    evil?.close();
    await browser?.close();
    await shop?.world.broker.stop();
  });

  /** Another site, and another origin of the same site, which `SameSite` does not keep out. */
  const sites = (): readonly string[] => {
    const { port } = evil.address() as AddressInfo;
    return [`http://localhost:${port}`, `http://127.0.0.1:${port}`];
  };

  it('CSRF: a form that another origin sends by itself, with the cookie of whoever is signed in, changes nothing', async () => {
    const before = await shop.world.must('GET', '/v1/projects/shop/history');
    const formToken = await person.page.locator('input[name=formToken]').first().getAttribute('value');
    for (const site of sites()) {
      for (const token of ['', formToken ?? '']) {
        evilPage = `<form method="post" action="${shop.origin}/dashboard/projects/shop/keys/rotate"><input name="formToken" value="${token}"></form>
          <script>document.forms[0].submit()</script>`;
        const page = await person.context.newPage();
        await page.goto(site);
        await page.waitForURL(`${shop.origin}/**`);
        expect(await page.locator('h1').textContent()).toMatch(/This was refused|Sign in/);
        await page.close();
      }
    }
    expect(await shop.world.must('GET', '/v1/projects/shop/history')).toEqual(before);
    await person.page.reload();
    expect(await person.page.getByRole('button', { name: 'Sign out' }).count()).toBe(1);
  });

  it('clickjacking: in the frame of another origin, and of its own, there is nothing', async () => {
    for (const site of sites()) {
      evilPage = `<iframe src="${shop.origin}/dashboard/projects/shop/keys" width="900" height="600"></iframe>`;
      const page = await person.context.newPage();
      await page.goto(site);
      await expect.poll(() => page.frames().length).toBe(2);
      const [, frame] = page.frames();
      await frame?.waitForLoadState().catch(() => undefined);
      expect(
        await frame
          ?.locator('button')
          .count()
          .catch(() => 0),
      ).toBe(0);
      await page.close();
    }
  });

  it('no other origin reads anything, with or without the cookie', async () => {
    for (const site of sites()) {
      evilPage = '<p>evil</p>';
      const page = await person.context.newPage();
      await page.goto(site);
      const read = await page.evaluate<string>(
        `fetch('${shop.origin}/dashboard', { credentials: 'include' }).then((answer) => answer.text()).catch((fault) => 'refused ' + fault.name)`,
      );
      expect(read).toMatch(/^refused/);
      await page.close();
    }
  });

  it('a link on another site leads to the page that it means, signed in as before', async () => {
    const [site = ''] = sites();
    evilPage = `<a href="${shop.origin}/dashboard/projects/shop/quota?range=day">look</a>`;
    const page = await person.context.newPage();
    await page.goto(site);
    await page.getByRole('link').click();
    await page.getByRole('heading', { name: 'Quota' }).waitFor();
    expect(page.url()).toBe(`${shop.origin}/dashboard/projects/shop/quota?range=day`);
    await page.close();
  });

  it('a policy that forbids text to become markup is in force: nothing but the page’s own parts can be put in', async () => {
    const blocked = await person.page.evaluate<string>(
      "(() => { try { document.body.insertAdjacentHTML('beforeend', '<b>x</b>'); return 'put in'; } catch (fault) { return fault.name; } })()",
    );
    expect(blocked).toBe('TypeError');
    // And the watch over all these pages hears of it.
    expect(person.faults.filter((fault) => fault.includes('TrustedHTML')).length).toBe(1);
    expect(await person.page.evaluate<number>("document.querySelectorAll('script:not([src])').length")).toBe(0);
  });

  it('nasty texts as principals, key ids, names, reasons and conditions are shown, and run nothing', async () => {
    const stored = await storeEverywhere(shop);
    // What the rules of REST let in is here; the rest was refused with a sentence.
    expect(stored.principals).toBeGreaterThan(300);
    expect(stored.names).toBeGreaterThan(250);
    expect(stored.wishes).toBeGreaterThan(300);
    expect(stored.titles).toBeGreaterThan(300);
    const hunter = await openPage(browser);
    await signIn(hunter.page, shop.origin, shop.world.broker.adminToken, '');
    const project = `${shop.origin}/dashboard/projects/shop`;
    const paths = [
      'quota?by=principal',
      'quota?by=cluster',
      'policy',
      'policy?target=orders',
      'requests',
      'history',
      'clusters?pool=nasty',
    ];
    for (const path of [...paths, ...stored.pages]) {
      await hunter.page.goto(`${project}/${path}`);
      await expectWhole(hunter, path);
    }
    let pages = 0;
    await hunter.page.goto(`${project}/activity`);
    for (let more = 1; more > 0 && pages < 40; pages += 1) {
      await expectWhole(hunter, `activity ${pages}`);
      const further = hunter.page.getByRole('link', { name: 'Further back' });
      more = await further.count();
      // A click is over before the next page is there to be looked at.
      const link = more > 0 ? await further.getAttribute('href') : null;
      if (link !== null) await hunter.page.goto(new URL(link, hunter.page.url()).href);
    }
    expect(pages).toBeGreaterThan(8);
    expect(hunter.faults).toEqual([]);
    await hunter.context.close();
  }, 240_000);

  it('nasty texts in the address and in every field of a form come back as what they are, and run nothing', async () => {
    const hunter = await openPage(browser);
    await signIn(hunter.page, shop.origin, shop.world.broker.adminToken, '');
    const project = `${shop.origin}/dashboard/projects/shop`;
    for (const text of STRINGS.filter((one) => one.length < 2_000 && !/[\uD800-\uDFFF]/.test(one)).filter(
      (_one, at) => at % 4 === 0 || at > 500,
    )) {
      const as = encodeURIComponent(text);
      await hunter.page.goto(
        `${project}/policy/explain?principal=${as}&target=${as}&time=${as}&outcome=refused&reason=${as}&check=${as}&request=${as}`,
      );
      await expectWhole(hunter, text);
      expect(await hunter.page.locator('#principal').inputValue()).toBe(
        text
          .slice(0, 2_000)
          .replaceAll(/[\r\n]/g, '')
          .replaceAll('\u0000', '\uFFFD'),
      );
    }
    for (const text of STRINGS.filter((one) => !/[\uD800-\uDFFF]/.test(one)).slice(-12)) {
      for (const path of [
        'activity?principal=',
        'history?resource=',
        'clusters?pool=',
        'policy?target=',
        'requests/',
        'history/',
      ]) {
        if (text.length > 2_000) continue;
        await hunter.page.goto(`${project}/${path}${encodeURIComponent(text)}`);
        await expectWhole(hunter, `${path}${text}`);
      }
      await hunter.page.goto(`${project}/requests`);
      await hunter.page.locator('#preferredValue').fill('1');
      await hunter.page
        .locator('#justification')
        .evaluate('(one, text) => { one.removeAttribute("maxlength"); one.value = text; }', text);
      await hunter.page.getByRole('button', { name: 'Ask' }).click();
      await hunter.page.waitForLoadState();
      await expectWhole(hunter, `asked ${text.slice(0, 50)}`);
    }
    expect(hunter.faults).toEqual([]);
    await hunter.context.close();
  }, 240_000);

  it('what is taken along as CSV holds no formula', async () => {
    const cookies = await person.context.cookies();
    const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
    const answer = await fetch(`${shop.origin}/dashboard/projects/shop/activity.csv`, { headers: { cookie } });
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment; /);
    const csv = await answer.text();
    expect(csv.split('\r\n').length).toBeGreaterThan(300);
    expect([...csv.matchAll(/(?:^|,)"\s*[=+\-@]/gm)].length).toBe(0);
  });
});

/** The frame of the page stands, it did not grow a script, and it is small. */
async function expectWhole({ page }: Watched, what: string): Promise<void> {
  const whole = await page.evaluate<{
    tops: number;
    scripts: number;
    mains: number;
    bytes: number;
    strange: number;
  }>(`({
    tops: document.querySelectorAll('header.top').length,
    mains: document.querySelectorAll('main').length,
    scripts: document.querySelectorAll('script').length,
    strange: document.querySelectorAll('iframe, object, embed, img:not(.brand img), base, [onerror], [onload], [onclick], a[href^="javascript" i]').length,
    bytes: new TextEncoder().encode(document.documentElement.outerHTML).length,
  })`);
  expect({ ...whole, bytes: whole.bytes < 102_400 }, what.slice(0, 200)).toEqual({
    tops: 1,
    mains: 1,
    scripts: 1,
    strange: 0,
    bytes: true,
  });
}
