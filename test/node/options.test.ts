/** What `npm start` understands, and what it says to nonsense. */
import { expect, test } from 'vitest';
import { parseOptions } from '../../src/local/options.ts';

const LONG_TOKEN = 'an-administrator-token-of-32-chars';

test('without anything: port 8787, state in the project folder, demo on', () => {
  expect(parseOptions([], {}, '/project')).toEqual({
    ok: true,
    value: { help: false, demo: true, port: 8787, stateFolder: '/project/.edge-sts/state' },
  });
});

test('everything given', () => {
  const env = { PORT: '9000', EDGE_STS_STATE: '/elsewhere', EDGE_STS_ADMIN_TOKEN: LONG_TOKEN };
  expect(parseOptions(['--no-demo'], env, '/project')).toEqual({
    ok: true,
    value: { help: false, demo: false, port: 9000, stateFolder: '/elsewhere', adminToken: LONG_TOKEN },
  });
});

test.each([
  // npm 10 and 11, other spellings of the same.
  { npm_config_demo: '' },
  { npm_config_demo: 'false' },
  { npm_config_no_demo: 'true' },
])('`npm start --no-demo` without the lone `--`, which reaches us as %j, is honoured', (env) => {
  expect(parseOptions([], env, '/project')).toMatchObject({ ok: true, value: { demo: false } });
});

test('`npm start --demo` is what it would do anyway', () => {
  expect(parseOptions([], { npm_config_demo: 'true' }, '/project')).toMatchObject({ ok: true, value: { demo: true } });
});

test.each([
  [['--nodemo'], {}, '--nodemo'],
  [['serve'], {}, 'serve'],
  [[], { PORT: '0' }, 'PORT'],
  [[], { PORT: '65536' }, 'PORT'],
  [[], { PORT: '80a' }, 'PORT'],
  [[], { PORT: '-1' }, 'PORT'],
  [[], { EDGE_STS_ADMIN_TOKEN: 'short' }, 'EDGE_STS_ADMIN_TOKEN'],
  [[], { EDGE_STS_ADMIN_TOKEN: `${LONG_TOKEN} with spaces` }, 'EDGE_STS_ADMIN_TOKEN'],
])('%j %j is refused in one sentence', (argv, env, named) => {
  const parsed = parseOptions(argv, env, '/project');
  expect(parsed).toMatchObject({ ok: false, error: expect.stringContaining(named) });
  expect(parsed.ok ? '' : parsed.error).not.toContain('\n');
});
