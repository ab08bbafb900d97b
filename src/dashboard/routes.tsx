/** Every address of the dashboard. A page needs a session; a form needs that it came from a page of this very session. */
import type { Hono } from 'hono';
import { HonoBase } from 'hono/hono-base';
import { TrieRouter } from 'hono/router/trie-router';
import { activityCsv, activityPage } from './activity.tsx';
import { createAssets } from './assets.ts';
import { clustersPage } from './clusters.tsx';
import { explainPage } from './explain.tsx';
import { BASE, cookieIn, isOwnForm, isSameToken, safeNext, withHeaders } from './guard.ts';
import { comparePage, historyPage } from './history.tsx';
import { entryPage, restoreEntry } from './history-entry.tsx';
import { homePage } from './home.tsx';
import { keysPage, rotateKeys } from './keys.tsx';
import { policyPage } from './policy.tsx';
import type { DashboardPorts } from './ports.ts';
import { distrust, providerPage } from './provider.tsx';
import { quotaPage, setOwnLimit } from './quota.tsx';
import { rehearsePage, setPolicy } from './rehearse.tsx';
import { requestPage, review, withdraw } from './request.tsx';
import { askForMore, requestsPage } from './requests.tsx';
import { createRest } from './rest.ts';
import { isFresh, proveAgain, provePage, signIn, signInPage, signOut } from './sign-in.tsx';
import {
  answerPage,
  type Form,
  formInProject,
  type FormHandler,
  type Handler,
  htmlOf,
  inProject,
  type Page,
  refusedPage,
  render,
  under,
  type Visit,
} from './visit.tsx';

type App = Hono<{ Variables: { requestId: string } }>;

const MAX_FORM_BYTES = 1_048_576;
/** Of somebody who is not known yet. */
const MAX_SIGN_IN_BYTES = 65_536;
const FORM = /^application\/x-www-form-urlencoded\s*(;|$)/i;

interface Asked {
  readonly req: { readonly raw: Request; param(name: string): string | undefined };
  get(key: 'requestId'): string;
}

export function createDashboardRoutes(ports: DashboardPorts): App {
  const app: App = new HonoBase({ router: new TrieRouter() });
  const assets = createAssets(ports.readAsset);

  app.get(`${BASE}/assets/:name`, async (context) => {
    const found = (await assets()).byPath.get(new URL(context.req.url).pathname);
    if (found === undefined) return bare(NOT_FOUND);
    const headers = { 'Content-Type': found.type, 'Cache-Control': 'public, max-age=31536000, immutable' };
    return withHeaders(new Response(found.body, { headers }));
  });

  app.get(`${BASE}/sign-in`, async ({ req }) => signInPage(await factsOf(req.raw)));
  app.get(`${BASE}/signed-out`, async ({ req }) =>
    signInPage({ ...(await factsOf(req.raw)), next: BASE }, { said: 'out' }),
  );
  app.post(`${BASE}/sign-in`, async ({ req }) => {
    if (!isOwnForm(req.raw, ports.publicOrigin)) return bare(FOREIGN);
    const form = await readForm(req.raw, MAX_SIGN_IN_BYTES);
    if (form === undefined) return bare(UNREADABLE);
    const next = safeNext(form('next'), ports.publicOrigin);
    return signIn({ ...(await factsOf(req.raw)), next }, form, cookieIn(req.raw, ports.publicOrigin));
  });

  post('/sign-out', async (visit) => signOut(visit));
  get('/prove', async (visit) => provePage(visit, nextOf(visit.url)));
  post('/prove', proveAgain);

  get('', homePage);
  get('/projects/:project', async (visit) => redirect(under(visit.param('project'), 'quota')));
  get('/projects/:project/quota', inProject(quotaPage));
  post('/projects/:project/quota', formInProject(setOwnLimit));
  get('/projects/:project/requests', inProject(requestsPage));
  post('/projects/:project/requests', formInProject(askForMore));
  get('/projects/:project/requests/:request', inProject(requestPage));
  post('/projects/:project/requests/:request/review', formInProject(review));
  post('/projects/:project/requests/:request/withdraw', formInProject(withdraw));
  get('/projects/:project/activity', inProject(activityPage));
  get('/projects/:project/activity.csv', inProject(activityCsv));
  get('/projects/:project/clusters', inProject(clustersPage));
  get('/projects/:project/clusters/:pool/:provider', inProject(providerPage));
  dangerous('/projects/:project/clusters/:pool/:provider/distrust', formInProject(distrust));
  get('/projects/:project/policy', inProject(policyPage));
  get('/projects/:project/policy/explain', inProject(explainPage));
  get('/projects/:project/policy/rehearse', inProject(rehearsePage));
  post('/projects/:project/policy/rehearse', formInProject(rehearsePage));
  dangerous('/projects/:project/policy/set', formInProject(setPolicy));
  get('/projects/:project/keys', inProject(keysPage));
  dangerous('/projects/:project/keys/rotate', formInProject(rotateKeys));
  get('/projects/:project/history', inProject(historyPage));
  get('/projects/:project/history/compare', inProject(comparePage));
  get('/projects/:project/history/:sequence', inProject(entryPage));
  dangerous('/projects/:project/history/:sequence/restore', formInProject(restoreEntry));

  app.all(`${BASE}/*`, async () => bare(NOT_FOUND));
  return app;

  function get(path: string, handle: Handler<Visit>): void {
    app.get(`${BASE}${path}`, async (context) => {
      const visit = await visitOf(context);
      if (visit instanceof Response) return visit;
      const answer = await handle(visit);
      return answer instanceof Response ? answer : answerPage(visit, answer);
    });
  }

  function post(path: string, handle: FormHandler<Visit>, needsProof = false): void {
    app.post(`${BASE}${path}`, async (context) => {
      const { raw } = context.req;
      if (!isOwnForm(raw, ports.publicOrigin)) return bare(FOREIGN);
      const visit = await visitOf(context);
      if (visit instanceof Response) return visit;
      const form = await readForm(raw, MAX_FORM_BYTES);
      if (form === undefined) return bare(UNREADABLE);
      if (!isSameToken(form('formToken'), visit.session.formToken)) return answerPage(visit, STALE);
      // Back to the page that the form stood on, which then finds the proof fresh; the form is not sent by itself.
      if (needsProof && !isFresh(visit)) return provePage(visit, safeNext(form('from'), ports.publicOrigin), NOT_FRESH);
      const answer = await handle(visit, form);
      return answer instanceof Response ? answer : answerPage(visit, answer);
    });
  }

  /** What cannot be taken back easily: the credential must have been shown a moment ago (a session that was left open, or stolen). */
  function dangerous(path: string, handle: FormHandler<Visit>): void {
    post(path, handle, true);
  }

  /** Who it is, now: the credential is verified again at each request, and is good for nothing once it is retired, expired or shut out. */
  async function visitOf(context: Asked): Promise<Visit | Response> {
    const request = context.req.raw;
    const secret = cookieIn(request, ports.publicOrigin);
    if (secret === undefined || secret === '') return nobody(request);
    // A page that asks by itself keeps nobody signed in.
    const found = await ports.sessions.find(secret, !request.headers.has('x-live'));
    if (!found.ok) return bare(AWAY);
    const session = found.value;
    if (session === undefined) return nobody(request);
    const authenticated = await ports.authenticate({
      authorization: session.bearer === undefined ? undefined : `Bearer ${session.bearer}`,
      accessAssertion:
        session.bearer === undefined ? (request.headers.get('cf-access-jwt-assertion') ?? undefined) : undefined,
    });
    if (!authenticated.ok && authenticated.error.tag === 'unavailable') return bare(AWAY);
    if (!authenticated.ok || authenticated.value.name !== session.name) {
      await ports.sessions.end(secret);
      return nobody(request);
    }
    return {
      request,
      url: new URL(request.url),
      ports,
      rest: createRest(ports, request, session.bearer, context.get('requestId')),
      session,
      secret,
      nowMs: ports.nowMs(),
      assets: await assets(),
      param: (name) => context.req.param(name) ?? '',
    };
  }

  /**
   * A link from elsewhere comes without the cookie (`SameSite=Strict`). It is asked for once more, from a page of ours: what is only looked
   * at may be led to from anywhere, what changes something may not.
   */
  async function nobody(request: Request): Promise<Response> {
    const { headers, method } = request;
    const isLink = method === 'GET' && headers.get('sec-fetch-mode') === 'navigate';
    const { pathname, search } = new URL(request.url);
    if (
      isLink &&
      headers.get('sec-fetch-site') === 'cross-site' &&
      cookieIn(request, ports.publicOrigin) === undefined
    ) {
      const here = safeNext(`${pathname}${search}`, ports.publicOrigin);
      return htmlOf(<AskOnceMore here={here} />);
    }
    const next = method === 'GET' ? safeNext(`${pathname}${search}`, ports.publicOrigin) : BASE;
    const isFirst = pathname === BASE && cookieIn(request, ports.publicOrigin) === undefined && method === 'GET';
    return signInPage({ ...(await factsOf(request)), next }, { status: 401, ...(isFirst ? {} : { said: 'ended' }) });
  }

  async function readForm(request: Request, maxBytes: number): Promise<Form | undefined> {
    if (!FORM.test(request.headers.get('content-type') ?? '')) return undefined;
    const text = await ports.readText(request, maxBytes);
    if (text === undefined) return undefined;
    const fields = new URLSearchParams(text);
    return (name) => fields.get(name) ?? '';
  }

  async function factsOf(request: Request) {
    return { ports, request, assets: await assets(), next: nextOf(new URL(request.url)) };
  }

  function nextOf(url: URL): string {
    return safeNext(url.searchParams.get('next') ?? undefined, ports.publicOrigin);
  }

  async function bare({ title, body, status }: Page): Promise<Response> {
    return render({ title, assets: (await assets()).urls }, body, status);
  }
}

const FOREIGN = refused(
  'This was refused',
  403,
  'A form is taken from the dashboard’s own pages only. Nothing was changed.',
);
const UNREADABLE = refused(
  'This was refused',
  400,
  'The form could not be read, or is larger than 1 MiB. Nothing was changed.',
);
const NOT_FOUND = refused('There is nothing here', 404, 'No page has this address.');
const AWAY = refused(
  'The broker could not answer',
  503,
  'Who you are could not be checked just now. Nothing was changed. Try again.',
);
const STALE = refused(
  'This page is out of date',
  403,
  'The page that you sent this from belongs to another session. Nothing was changed. Load it again, and look at it once more.',
);

function refused(title: string, status: number, message: string): Page {
  return refusedPage({ status, code: '', message }, title);
}

const NOT_FRESH = { status: 401, fault: 'Show your token once more, then press the button again.' };

function AskOnceMore({ here }: { here: string }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>edge-sts</title>
        <meta http-equiv="refresh" content={`0;url=${here}`} />
      </head>
      <body>
        <a href={here}>Go on</a>
      </body>
    </html>
  );
}

function redirect(path: string): Response {
  return withHeaders(new Response(null, { status: 302, headers: { Location: path } }));
}
