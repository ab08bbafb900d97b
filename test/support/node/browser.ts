/** A real Chromium out of a package, for Linux x64; elsewhere there is none, and whoever wants one is told so. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import chromium from '@sparticuz/chromium';
import { type Browser, type BrowserContext, chromium as playwright, type Page } from 'playwright-core';

export const HAS_BROWSER = process.platform === 'linux' && process.arch === 'x64';
export const NO_BROWSER = `the dashboard's browser tests did not run: there is no Chromium for ${process.platform} ${process.arch} here`;

export async function launchBrowser(): Promise<Browser> {
  const executablePath = await chromium.executablePath();
  return playwright.launch({
    executablePath,
    // Not those that the package proposes: they switch off what keeps one site from reading another.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--hide-scrollbars'],
    headless: true,
    env: { ...process.env, FONTCONFIG_FILE: fontsOf(dirname(executablePath)) },
  });
}

/** The one font that the package brings, and what the machine has of those with letters of one width. */
function fontsOf(folder: string): string {
  const home = mkdtempSync(join(tmpdir(), 'edge-sts-fonts-'));
  const file = join(home, 'fonts.conf');
  const folders = [join(folder, 'fonts'), '/usr/share/fonts'].map((one) => `<dir>${one}</dir>`).join('');
  writeFileSync(file, `<fontconfig>${folders}<cachedir>${home}</cachedir></fontconfig>`);
  process.once('exit', () => rmSync(home, { recursive: true, force: true }));
  return file;
}

export interface Look {
  readonly theme: 'light' | 'dark';
  readonly width: number;
}

/** What a page did that it must not: errors on the console, breaches of its own policy, dialogs. */
export interface Watched {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly faults: readonly string[];
}

export async function openPage(
  browser: Browser,
  { theme, width }: Look = { theme: 'light', width: 1_280 },
  options: { readonly javaScriptEnabled?: boolean } = {},
): Promise<Watched> {
  const context = await browser.newContext({
    colorScheme: theme,
    viewport: { width, height: 860 },
    timezoneId: 'Europe/Berlin',
    locale: 'en-GB',
    ...options,
  });
  const faults: string[] = [];
  const page = await context.newPage();
  page.on('console', (message) => {
    // A refusal is an answer like any other; the browser tells of each that is no 2xx.
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text()))
      faults.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (fault) => faults.push(`error: ${fault.message}`));
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return { page, context, faults };
}

export const AXE = fileURLToPath(new URL('../../../node_modules/axe-core/axe.min.js', import.meta.url));

/** By the form, as a person does it; ends on the page that was wanted. */
export async function signIn(page: Page, origin: string, token: string, path: string): Promise<void> {
  await page.goto(`${origin}/dashboard${path}`);
  await page.getByLabel('Token', { exact: true }).fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
}
