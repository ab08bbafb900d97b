/** A person's walk through the dashboard in a real browser: from signing in to signing out, with a real broker and real load behind it. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HAS_BROWSER, launchBrowser, NO_BROWSER, openPage, signIn } from '../support/node/browser.ts';
import { load, startShop, type Shop } from '../support/node/dashboard-world.ts';

if (!HAS_BROWSER) process.stdout.write(`${NO_BROWSER}\n`);

const PATIENCE = { timeout: 20_000 };

/** Chromium comes from npm for Linux x64 only; elsewhere the line above says that nothing ran. */
describe.skipIf(!HAS_BROWSER)('a walk through the dashboard', () => {
  let shop: Shop;
  let browser: Browser;
  let tenant: Page;
  let administrator: Page;
  let faults: readonly (readonly string[])[] = [];

  beforeAll(async () => {
    shop = await startShop({}, ['eu-west', 'us-east']);
    browser = await launchBrowser();
    await shop.world.must('PATCH', '/v1/projects/shop?updateMask=tokenExchangesPerMinute', {
      tokenExchangesPerMinute: 3_000,
    });
    await shop.grant('projects/shop', [
      { role: 'roles/cloudquotas.admin', members: [shop.principal('tenant', 'lead')] },
      { role: 'roles/iam.securityReviewer', members: [shop.principal('tenant', 'lead')] },
    ]);
    const [one, other] = await Promise.all([openPage(browser), openPage(browser)]);
    [tenant, administrator] = [one.page, other.page];
    faults = [one.faults, other.faults];
  });
  afterAll(async () => {
    await browser?.close();
    await shop?.world.broker.stop();
  });

  const at = (path: string): string => `${shop.origin}/dashboard${path}`;
  const limitLine = async (page: Page): Promise<number> =>
    Number(await page.locator('#usage svg[data-limit]').getAttribute('data-limit'));

  it('signs in: a tenant with a federated token, an administrator with the bootstrap token', async () => {
    const [cluster] = shop.clusters;
    if (cluster === undefined) throw new Error('no cluster');
    await signIn(tenant, shop.origin, await shop.administratorToken(cluster, 'tenant', 'lead'), '/projects/shop/quota');
    await signIn(administrator, shop.origin, shop.world.broker.adminToken, '');
    await expect.poll(async () => tenant.url()).toBe(at('/projects/shop/quota'));
    expect(await tenant.locator('.who .name').getAttribute('title')).toContain('/subject/ns/tenant/sa/lead');
    expect(await administrator.getByRole('link', { name: 'shop' }).count()).toBe(1);
  });

  it('sees usage rise under load without touching anything, and who uses most', async () => {
    const granted = tenant.locator('#stats .stat', { hasText: 'Granted, last hour' }).locator('.value');
    expect(await granted.textContent()).toBe('1');
    await load(shop, [
      ...Array.from({ length: 60 }, () => [1, 'checkout', 'api'] as const),
      ...Array.from({ length: 20 }, () => [0, 'billing', 'invoices'] as const),
      ...Array.from({ length: 3 }, () => [0, 'batch', 'reports'] as const),
    ]);
    // The page asks by itself.
    await expect.poll(async () => granted.textContent(), { timeout: 40_000 }).toBe('81');
    const [first] = await tenant.locator('#top li').allTextContents();
    expect(first).toMatch(/^us-east ?60 in the hour/);
    await tenant.getByRole('link', { name: 'Namespace' }).click();
    await tenant.waitForURL(/by=namespace/);
    expect((await tenant.locator('#top li').allTextContents())[0]).toContain('checkout');
    await tenant.getByRole('link', { name: 'Principal' }).click();
    await tenant.waitForURL(/by=principal/);
    expect((await tenant.locator('#top li').allTextContents())[0]).toContain('ns/checkout/sa/api');
    expect(await limitLine(tenant)).toBe(3_000);
  });

  it('asks for more as tenant, grants less of it as administrator, and the limit line moves', async () => {
    await tenant.getByRole('link', { name: 'Requests' }).click();
    await tenant.getByLabel('Exchanges a minute').fill('9000');
    await tenant.getByLabel('Name of the request').fill('friday');
    await tenant.getByLabel('Why').fill('All clusters restart on Friday.');
    await tenant.getByRole('button', { name: 'Ask' }).click();
    await tenant.waitForURL(/\/requests\/friday$/);
    expect(await tenant.getByText('waiting').first().isVisible()).toBe(true);
    // Whoever asks does not decide: there is no button.
    expect(await tenant.getByRole('button', { name: 'Grant' }).count()).toBe(0);

    await administrator.goto(at(''));
    await administrator.getByRole('link', { name: '1 waiting' }).click();
    await administrator.getByRole('link', { name: 'friday' }).click();
    await administrator.getByLabel('Grant, a minute').fill('5000');
    await administrator.getByLabel('Comment').fill('To begin with.');
    await administrator.getByRole('button', { name: 'Grant' }).click();
    await expect.poll(async () => administrator.getByText('granted in part').count(), PATIENCE).toBeGreaterThan(0);

    await tenant.goto(at('/projects/shop/quota'));
    expect(await limitLine(tenant)).toBe(5_000);
    await tenant.goto(at('/projects/shop/requests/friday'));
    expect(await tenant.locator('#events').textContent()).toContain('To begin with.');
  });

  it('finds a refusal and has it explained', async () => {
    await tenant.goto(at('/projects/shop/activity?outcome=refused'));
    const row = tenant.locator('#exchanges tbody tr', { hasText: 'ns/batch/sa/reports' }).first();
    expect(await row.textContent()).toContain('not_granted');
    await row.getByRole('link', { name: 'Explain' }).click();
    await tenant.waitForURL(/policy\/explain/);
    expect(await tenant.locator('#answer .aside').textContent()).toBe('May not');
    expect(await tenant.locator('#answer').textContent()).toContain('is not meant');
  });

  it('rehearses a policy and sees who would lose, before anything changes', async () => {
    await administrator.goto(at('/projects/shop/policy/rehearse?target=orders'));
    const field = administrator.getByLabel('Policy as JSON');
    await field.fill((await field.inputValue()).replaceAll('billing/sa/invoices', 'billing/sa/nobody'));
    await administrator.getByRole('button', { name: 'Rehearse' }).click();
    const result = administrator.locator('#result');
    await result.waitFor(PATIENCE);
    expect(await result.textContent()).toContain('ns/billing/sa/invoices');
    expect(await result.textContent()).toContain('lose access');
    const [cluster] = shop.clusters;
    if (cluster !== undefined) expect(await shop.exchange(cluster, 'billing', 'invoices')).toBe(200);
  });

  it('distrusts a key, and its tokens are refused from then on', async () => {
    const [cluster] = shop.clusters;
    if (cluster === undefined) throw new Error('no cluster');
    await administrator.goto(at(`/projects/shop/clusters/${shop.pool}/${cluster.id}`));
    const row = administrator.locator('#keys tbody tr', { hasText: `${cluster.id}-2026-10` });
    await row.getByRole('button', { name: 'Distrust for ever' }).click();
    await expect.poll(async () => row.textContent(), PATIENCE).toContain('distrusted');
    expect(await row.getByRole('button').count()).toBe(0);
    expect(await shop.exchange(cluster, 'billing', 'invoices')).not.toBe(200);
  });

  it('rotates the signing keys', async () => {
    const before = await shop.world.must('GET', '/v1/projects/shop/signingKeys');
    await administrator.goto(at('/projects/shop/keys'));
    await administrator.getByLabel('Algorithm', { exact: true }).selectOption('ES256');
    await administrator.getByRole('button', { name: 'Rotate' }).click();
    await administrator.getByText('The rotation has begun').waitFor(PATIENCE);
    expect(await shop.world.must('GET', '/v1/projects/shop/signingKeys')).not.toEqual(before);
  });

  it('signs out, and neither the back button nor another tab shows anything', async () => {
    const other = await administrator.context().newPage();
    await other.goto(at('/projects/shop/keys'));
    await administrator.getByRole('button', { name: 'Sign out' }).click();
    await administrator.waitForURL(at('/signed-out'));
    await administrator.goBack();
    await expect.poll(async () => administrator.getByRole('heading', { name: 'Sign in' }).count(), PATIENCE).toBe(1);
    expect(await administrator.locator('#keys').count()).toBe(0);
    await other.getByRole('button', { name: 'Rotate' }).click();
    await other.getByRole('heading', { name: 'Sign in' }).waitFor(PATIENCE);
    expect(await other.content()).toContain('Nothing was changed');
  });

  it('met no error and no breach of the policy on the whole way', () => {
    expect(faults).toEqual([[], []]);
  });
});
