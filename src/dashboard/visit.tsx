/** One request of a person who is signed in: who it is, what he asks REST with, and how a page or a refusal is answered. */
import type { Child, JSX, WithChildren } from './jsx/jsx-runtime.ts';
import type { SessionContent } from '../core/admin/sessions.ts';
import type { Assets } from './assets.ts';
import { BASE, withHeaders } from './guard.ts';
import { Alert, Document, type Frame, PageHead } from './layout.tsx';
import type { DashboardPorts } from './ports.ts';
import type { Refused, Rest } from './rest.ts';
import { type Rights, rightsOn } from './rights.ts';

export interface Visit {
  readonly request: Request;
  readonly url: URL;
  readonly ports: DashboardPorts;
  readonly rest: Rest;
  readonly session: SessionContent;
  readonly secret: string;
  readonly nowMs: number;
  readonly assets: Assets;
  param(name: string): string;
}

export interface ProjectVisit extends Visit {
  readonly project: string;
  readonly rights: Rights;
  readonly tab: string;
}

export interface Page {
  readonly title: string;
  readonly body: Child;
  readonly status?: number | undefined;
  readonly refreshSeconds?: number | undefined;
}

export type Handler<V extends Visit> = (visit: V) => Promise<Page | Response>;
export type FormHandler<V extends Visit> = (visit: V, form: Form) => Promise<Page | Response>;

/** A form's fields; one that is not there is an empty text. */
export type Form = (name: string) => string;

export function render(frame: Frame, body: Child, status = 200): Response {
  return htmlOf(<Document {...frame}>{body}</Document>, status);
}

export function htmlOf(document: JSX.Element, status = 200): Response {
  const headers = { 'Content-Type': 'text/html; charset=utf-8' };
  return withHeaders(new Response(`<!doctype html>${document.toString()}`, { status, headers }));
}

export function answerPage(visit: Visit | ProjectVisit, { title, body, status, refreshSeconds }: Page): Response {
  const { session, assets } = visit;
  const project = 'project' in visit ? { id: visit.project, rights: visit.rights, tab: visit.tab } : undefined;
  return render(
    {
      title,
      assets: assets.urls,
      person: { name: session.name, formToken: session.formToken },
      project,
      refreshSeconds,
    },
    body,
    status,
  );
}

/** After a form, so that to load the page again sends nothing again. */
export function goTo(path: string): Response {
  return withHeaders(new Response(null, { status: 303, headers: { Location: path } }));
}

export function refusedPage({ status, message }: Refused, title = titleOf(status), back: string = BASE): Page {
  return {
    title,
    status,
    body: (
      <>
        <PageHead title={title} />
        <Alert kind="bad">
          <p>{message}</p>
        </Alert>
        <p>
          <a href={back}>Go back</a>
        </p>
      </>
    ),
  };
}

function titleOf(status: number): string {
  if (status === 403) return 'You may not see this';
  if (status === 404) return 'There is nothing here';
  return status >= 500 ? 'The broker could not answer' : 'This was refused';
}

/** A page of one project. What the person holds there is asked for at each request, and is gone with his right. */
export function inProject(handle: Handler<ProjectVisit>): Handler<Visit> {
  return async (visit) => {
    const scoped = await scopedTo(visit);
    const answer = await handle(scoped);
    return answer instanceof Response ? answer : answerPage(scoped, answer);
  };
}

export function formInProject(handle: FormHandler<ProjectVisit>): FormHandler<Visit> {
  return async (visit, form) => {
    const scoped = await scopedTo(visit);
    const answer = await handle(scoped, form);
    return answer instanceof Response ? answer : answerPage(scoped, answer);
  };
}

async function scopedTo(visit: Visit): Promise<ProjectVisit> {
  const project = visit.param('project');
  // `/dashboard/projects/ID/TAB…`
  const [, , , , tab = ''] = visit.url.pathname.split('/');
  return { ...visit, project, tab, rights: await rightsOn(visit.rest, project) };
}

/** `?name=value…` of those that say something. */
export function queryOf(fields: Readonly<Record<string, string | undefined>>): string {
  const filled = Object.entries(fields).filter((field): field is [string, string] => (field[1] ?? '') !== '');
  return filled.length === 0 ? '' : `?${new URLSearchParams(filled).toString()}`;
}

/** The way on where a list is longer than its page; `query` is what this page was asked by. */
export function More({
  next,
  query = {},
  children,
}: WithChildren<{ next: string; query?: Readonly<Record<string, string | undefined>> }>) {
  return next === '' ? null : (
    <p>
      <a href={queryOf({ ...query, pageToken: next })}>{children}</a>
    </p>
  );
}

/** A page of this project; whatever ids hold, each is one segment. */
export function under(project: string, path: string, ...ids: readonly string[]): string {
  return [`${BASE}/projects/${encodeURIComponent(project)}/${path}`, ...ids.map(encodeURIComponent)].join('/');
}
