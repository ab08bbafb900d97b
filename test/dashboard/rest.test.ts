/** What a page asks of REST in a person's name: one credential, and a path that no text leads out of. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createRest, segment } from '../../src/dashboard/rest.ts';
import type { DashboardPorts } from '../../src/dashboard/ports.ts';
import { createMemorySessions } from '../support/memory-sessions.ts';
import { naughtyStrings } from '../support/vectors.ts';

const ORIGIN = 'https://sts.example.com';

function asking(outer: Request, bearer: string | undefined) {
  const asked: Request[] = [];
  const ports: DashboardPorts = {
    publicOrigin: ORIGIN,
    authenticate: async () => ({ ok: false, error: { tag: 'unauthenticated' } }),
    sessions: createMemorySessions(() => 0),
    nowMs: () => 0,
    readAsset: async () => undefined,
    readText: async (request) => request.text(),
    ask: async (request) => {
      asked.push(request);
      return Response.json({});
    },
  };
  return { asked, rest: createRest(ports, outer, bearer, 'request-1') };
}

const PAGE = new Request(`${ORIGIN}/dashboard`, {
  method: 'POST',
  headers: {
    'cf-access-jwt-assertion': 'word-of-access',
    authorization: 'Bearer of-somebody-else',
    cookie: '__Host-edge-sts=secret',
    'x-http-method-override': 'DELETE',
    'content-encoding': 'gzip',
  },
});

it('shows the one credential of its session, and hands on nothing else that the browser sent', async () => {
  const own = asking(PAGE, 'own-token');
  await own.rest.get('projects/p');
  const [first] = own.asked;
  expect([...(first?.headers ?? [])]).toEqual([['authorization', 'Bearer own-token']]);
  const access = asking(PAGE, undefined);
  await access.rest.post('projects/p:x', {});
  expect([...(access.asked[0]?.headers ?? [])]).toEqual([
    ['cf-access-jwt-assertion', 'word-of-access'],
    ['content-type', 'application/json'],
  ]);
});

it('whatever an id holds, it is one segment of the path that was meant', async () => {
  const { asked, rest } = asking(PAGE, 'own-token');
  const hostile = fc.oneof(
    fc.constantFrom('.', '..', '%2e%2e', '../..', '..\\..', 'a/../../b', '?x=1', '#', '\t..', '..\n'),
    fc.constantFrom(...naughtyStrings()),
    // A lone half of a character is none that a URL or a form can carry.
    fc.string({ unit: 'binary' }),
  );
  const isWhole = (text: string): boolean => /^\P{Cs}+$/u.test(text);
  await fc.assert(
    fc.asyncProperty(hostile.filter(isWhole), async (id) => {
      await rest.get(`projects/${segment(id)}/roles/${segment(id)}`);
      const { pathname, search, hash, origin } = new URL(asked.at(-1)?.url ?? '');
      expect({ origin, search, hash }).toEqual({ origin: ORIGIN, search: '', hash: '' });
      expect(pathname.split('/')).toHaveLength(6);
      expect(pathname.startsWith('/v1/projects/')).toBe(true);
    }),
  );
});
