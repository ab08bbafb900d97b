/** The documents stay true: links lead somewhere, the numbers of state.md are the code's, every reason is explained. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { TARGET_MAX_LIFETIME, TOKEN_EXCHANGES_PER_MINUTE, MAX_TOKEN_LIFETIME } from '../../src/core/admin/fields.ts';
import { COUNTED_AFTER_EXPIRY_MS, LEASE_MARGIN_MS, LONGEST_LEASE_MS } from '../../src/core/quota/numbers.ts';
import { MAX_RECENT_EXCHANGES, MAX_REFUSED_EXCHANGES, RECENT_RETENTION } from '../../src/core/recent.ts';
import { REFUSALS_AN_HOUR } from '../../src/core/refusal-share.ts';
import { KEEP_PUBLISHED_MS, PERIOD_MS, PUBLISH_LEAD_MS } from '../../src/platform/keys/rotation.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Tables are padded by the formatter: runs of blanks are one. */
const read = (path: string): string =>
  readFileSync(join(root, path), 'utf8').replaceAll(/ +/g, ' ').replaceAll(/\| -+/g, '| ---');

const DESIGN = readdirSync(join(root, 'docs/design')).map((name) => `docs/design/${name}`);

describe('commands to copy', () => {
  it.each(['README.md', 'docs/policy.md', ...DESIGN])(
    'of %s send the administrator’s header as README sets it',
    (file) => {
      const uses = read(file).match(/.{0,30}\$ADMIN.?/g) ?? [];
      expect(uses.filter((use) => !use.endsWith('-H "$ADMIN"'))).toEqual([]);
    },
  );

  it('of README use no other variable than it sets before', () => {
    const set = new Set(['HOME']);
    for (const [text] of read('README.md').matchAll(/\b([A-Z]{1,10})=|\$\{?([A-Z]{1,10})\b/g)) {
      const name = text.replaceAll(/[^A-Z]/g, '');
      if (text.endsWith('=')) set.add(name);
      else expect(set, text).toContain(name);
    }
  });
});

describe('links', () => {
  it.each([
    'README.md',
    'docs/audit-line.md',
    'docs/aws.md',
    'docs/service-accounts.md',
    'docs/design/aws.md',
    'docs/how-an-exchange-works.md',
    'docs/state.md',
    'docs/performance.md',
    'docs/dashboard.md',
    'docs/design/dashboard.md',
    'docs/security.md',
    'docs/cli.md',
    'docs/deploy.md',
    'docs/configuration.md',
    'docs/first-steps.md',
    'docs/conformance.md',
    ...DESIGN,
  ])('%s', (file) => {
    const targets = [...read(file).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map((match) => match[1] ?? '');
    const missing = targets.filter((target) => !existsSync(join(root, dirname(file), target)));
    expect(missing).toEqual([]);
  });
});

describe('docs/state.md', () => {
  const thousands = (value: number): string => value.toLocaleString('en-US');

  it.each([
    [
      `| exchanges a minute a project | ${thousands(TOKEN_EXCHANGES_PER_MINUTE.unset)} | 0 (closed) to ${thousands(TOKEN_EXCHANGES_PER_MINUTE.max)} |`,
    ],
    [
      `| ${thousands(MAX_TOKEN_LIFETIME.unset)} s | ${MAX_TOKEN_LIFETIME.min} s to ${thousands(MAX_TOKEN_LIFETIME.max)} s |`,
    ],
    [
      `| recent exchanges a project / kept for | ${thousands(MAX_RECENT_EXCHANGES)} / ${thousands(RECENT_RETENTION.unset)} s | 0 s (none) to ${thousands(RECENT_RETENTION.max)} s |`,
    ],
    [
      `| refused ones of them a project / of one principal an hour | ${thousands(MAX_REFUSED_EXCHANGES)} more / ${REFUSALS_AN_HOUR} |`,
    ],
    [`target ${TARGET_MAX_LIFETIME.min} s to ${thousands(TARGET_MAX_LIFETIME.max)} s`],
    [`| lease length / margin | ${LONGEST_LEASE_MS / 1_000} s at most / ${LEASE_MARGIN_MS} ms |`],
    [`| a permit counts | until ${COUNTED_AFTER_EXPIRY_MS / 1_000} s after its lease ends`],
    [`/ ${PUBLISH_LEAD_MS / 60_000 / 60 - 0.25} h 15 min / ${KEEP_PUBLISHED_MS / 3_600_000} h |`],
    [`| signing key period | ${PERIOD_MS / 86_400_000} days |`],
  ])('says %s', (text) => {
    expect(read('docs/state.md')).toContain(text);
  });

  it('has the limits of wrangler.toml', () => {
    const limits = [...read('wrangler.toml').matchAll(/limit = (\d+)/g)].map((match) => thousands(Number(match[1])));
    expect(read('docs/state.md')).toContain(limits.join(' / '));
  });
});

describe('docs/audit-line.md', () => {
  const unions = read('src/core/denial.ts');
  const tags = [...unions.matchAll(/readonly tag: '([a-z_]+)'/g)].map((match) => match[1] ?? '');
  const checks = [...(/export type Check =([^;]+);/.exec(unions)?.[1] ?? '').matchAll(/'([a-z_]+)'/g)].map(
    (match) => match[1] ?? '',
  );

  it('reads the unions', () => {
    expect(tags.length).toBeGreaterThan(15);
    expect(checks.length).toBeGreaterThan(20);
  });

  it.each([...new Set([...tags, ...checks])])('explains %s', (word) => {
    expect(read('docs/audit-line.md')).toContain(`\`${word}\``);
  });
});
