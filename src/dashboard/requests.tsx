/** Requests for more quota: a tenant asks and withdraws, an administrator of the organization grants, cuts or refuses. */
import type { JsonObject } from '../core/json.ts';
import { count } from './format.ts';
import { Alert, Badge, Empty, Field, FormToken, Name, Panel, Table, Time, type Tone } from './layout.tsx';
import { limitOf } from './limit.ts';
import { QUOTA_ID } from './quota.tsx';
import { listAt, numberAt, objectAt, type Refused, segment, textAt } from './rest.ts';
import { can, mayReview } from './rights.ts';
import { type Form, goTo, type Page, type ProjectVisit, refusedPage, under } from './visit.tsx';

const STATES: Readonly<Record<string, readonly [Tone, string]>> = {
  PENDING: ['warn', 'waiting'],
  GRANTED: ['good', 'granted'],
  GRANTED_PARTIALLY: ['good', 'granted in part'],
  REFUSED: ['bad', 'refused'],
  EXPIRED: ['calm', 'over'],
  WITHDRAWN: ['calm', 'withdrawn'],
  SUPERSEDED: ['calm', 'replaced'],
};

function State({ of }: { of: JsonObject }) {
  const [tone, label] = STATES[textAt(of, 'state')] ?? ['calm', textAt(of, 'state')];
  return <Badge tone={tone}>{label}</Badge>;
}

/** `quotaId`s are long; there are two. */
function Which({ of }: { of: JsonObject }) {
  return <>{textAt(of, 'quotaId') === QUOTA_ID ? 'Token exchanges' : 'Generated credentials'}</>;
}

const preferences = (project: string): string => `projects/${segment(project)}/locations/global/quotaPreferences`;
const idOf = (wish: JsonObject): string => textAt(wish, 'name').split('/').at(-1) ?? '';

export async function requestsPage(visit: ProjectVisit, fault?: Refused, typed: Form = () => ''): Promise<Page> {
  const { rest, project, rights, session, url } = visit;
  const [listed, limit] = await Promise.all([
    rest.get(preferences(project), { pageSize: '25', pageToken: url.searchParams.get('pageToken') ?? undefined }),
    limitOf(rest, project),
  ]);
  if (!listed.ok) return { ...refusedPage(listed.error), tab: 'requests' };
  const wishes = listAt(listed.value, 'quotaPreferences').toSorted((a, b) =>
    textAt(a, 'updateTime') < textAt(b, 'updateTime') ? 1 : -1,
  );
  const next = textAt(listed.value, 'nextPageToken');
  return {
    title: `Requests of ${project}`,
    tab: 'requests',
    ...(fault === undefined ? {} : { status: fault.status }),
    body: (
      <>
        <div class="page-head">
          <h1>Requests for more quota</h1>
          {limit === undefined ? null : (
            <div class="aside muted">{`Limit in force: ${count(limit.perMinute)} exchanges a minute`}</div>
          )}
        </div>
        {fault === undefined ? null : <Alert kind="bad">{fault.message}</Alert>}
        <Panel title="All requests" id="requests">
          {wishes.length === 0 ? (
            <Empty>Nobody has asked for more yet. Ask below; an administrator of the organization decides.</Empty>
          ) : (
            <Table
              label="Requests"
              columns={[
                { label: 'Request' },
                { label: 'Quota' },
                { label: 'Asked for', isNumber: true },
                { label: 'In force', isNumber: true },
                { label: 'State' },
                { label: 'Until' },
                { label: 'Changed' },
              ]}
              rows={wishes.map((wish) => [
                <a href={under(project, `requests/${encodeURIComponent(idOf(wish))}`)}>
                  <Name text={idOf(wish)} />
                </a>,
                <Which of={wish} />,
                count(numberAt(objectAt(wish, 'quotaConfig'), 'preferredValue')),
                textAt(objectAt(wish, 'quotaConfig'), 'grantedValue') === ''
                  ? '–'
                  : count(numberAt(objectAt(wish, 'quotaConfig'), 'grantedValue')),
                <State of={wish} />,
                textAt(wish, 'expireTime') === '' ? (
                  <span class="muted">for good</span>
                ) : (
                  <Time at={textAt(wish, 'expireTime')} />
                ),
                <Time at={textAt(wish, 'updateTime')} />,
              ])}
            />
          )}
          {next === '' ? null : <a href={`?pageToken=${encodeURIComponent(next)}`}>More requests</a>}
        </Panel>
        {can(rights, 'cloudquotas.quotas.update') ? (
          <Panel title="Ask for more" id="ask">
            <form method="post" action={under(project, 'requests')} data-once>
              <FormToken token={session.formToken} />
              <div class="fields">
                <Field label="Exchanges a minute" name="preferredValue" hint="What the limit should be.">
                  <input
                    id="preferredValue"
                    name="preferredValue"
                    inputmode="numeric"
                    pattern="[0-9]{1,6}"
                    required
                    value={typed('preferredValue')}
                  />
                </Field>
                <Field label="Until (UTC)" name="until" hint="Empty: for good.">
                  <input id="until" name="until" type="datetime-local" data-utc-hint value={typed('until')} />
                </Field>
                <Field label="Name of the request" name="id" hint="Empty: one is made up.">
                  <input id="id" name="id" maxlength={63} value={typed('id')} />
                </Field>
                <Field label="Contact e-mail" name="contactEmail">
                  <input
                    id="contactEmail"
                    name="contactEmail"
                    type="email"
                    maxlength={254}
                    value={typed('contactEmail')}
                  />
                </Field>
              </div>
              <Field label="Why" name="justification" hint="Whoever reviews this reads it.">
                <textarea id="justification" name="justification" maxlength={1_000} required>
                  {typed('justification')}
                </textarea>
              </Field>
              <button>Ask</button>
            </form>
          </Panel>
        ) : null}
      </>
    ),
  };
}

export async function askForMore(visit: ProjectVisit, form: Form): Promise<Page | Response> {
  const { rest, project } = visit;
  const id = form('id').trim();
  const answer = await rest.post(
    `${preferences(project)}${id === '' ? '' : `?quotaPreferenceId=${encodeURIComponent(id)}`}`,
    {
      service: 'sts',
      quotaId: QUOTA_ID,
      quotaConfig: { preferredValue: form('preferredValue').trim() },
      justification: form('justification'),
      ...filled({ contactEmail: form('contactEmail').trim(), expireTime: utcOf(form('until')) }),
    },
  );
  return answer.ok
    ? goTo(under(project, `requests/${encodeURIComponent(idOf(answer.value))}`))
    : requestsPage(visit, answer.error, form);
}

/** What `datetime-local` sends has no zone; the form says that it is UTC. */
function utcOf(local: string): string {
  const text = local.trim();
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/.test(text) ? `${text}:00Z` : text;
}

function filled(texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ''));
}

export async function requestPage(visit: ProjectVisit, fault?: Refused): Promise<Page> {
  const { rest, project, rights, session } = visit;
  const id = visit.param('request');
  const [read, isReviewer, limit] = await Promise.all([
    rest.get(`${preferences(project)}/${segment(id)}`, { view: 'FULL' }),
    mayReview(rest),
    limitOf(rest, project),
  ]);
  if (!read.ok) return { ...refusedPage(read.error, undefined, under(project, 'requests')), tab: 'requests' };
  const wish = read.value;
  const isPending = textAt(wish, 'state') === 'PENDING';
  const isRunning = textAt(wish, 'state').startsWith('GRANTED') && textAt(wish, 'expireTime') !== '';
  const config = objectAt(wish, 'quotaConfig');
  return {
    title: `Request ${id}`,
    tab: 'requests',
    ...(fault === undefined ? {} : { status: fault.status }),
    body: (
      <>
        <div class="page-head">
          <h1>
            Request <Name text={id} />
          </h1>
          <State of={wish} />
        </div>
        {fault === undefined ? null : <Alert kind="bad">{fault.message}</Alert>}
        <div class="grid">
          <Panel title="What is asked for" id="wish">
            <dl class="facts">
              <dt>Quota</dt>
              <dd>
                <Which of={wish} />, a minute
              </dd>
              <dt>Asked for</dt>
              <dd>{count(numberAt(config, 'preferredValue'))}</dd>
              <dt>In force by it</dt>
              <dd>{textAt(config, 'grantedValue') === '' ? 'nothing' : count(numberAt(config, 'grantedValue'))}</dd>
              {limit === undefined ? null : (
                <>
                  <dt>Limit now</dt>
                  <dd>{count(limit.perMinute)}</dd>
                </>
              )}
              <dt>Until</dt>
              <dd>{textAt(wish, 'expireTime') === '' ? 'for good' : <Time at={textAt(wish, 'expireTime')} />}</dd>
              <dt>Why</dt>
              <dd>
                <Name text={textAt(wish, 'justification')} shown={textAt(wish, 'justification')} />
              </dd>
              <dt>Contact</dt>
              <dd>
                <Name text={textAt(wish, 'contactEmail') || '–'} />
              </dd>
              <dt>Asked</dt>
              <dd>
                <Time at={textAt(wish, 'createTime')} />
              </dd>
              <dt>Word on it</dt>
              <dd>
                <Name text={textAt(config, 'stateDetail')} />
              </dd>
            </dl>
            {can(rights, 'cloudquotas.quotas.update') && (isPending || isRunning) ? (
              <form method="post" action={under(project, `requests/${encodeURIComponent(id)}/withdraw`)} data-once>
                <FormToken token={session.formToken} />
                <input type="hidden" name="etag" value={textAt(wish, 'etag')} />
                <p></p>
                <button class="quiet">{isPending ? 'Withdraw the request' : 'Give the raise back now'}</button>
              </form>
            ) : null}
          </Panel>
          {isPending && isReviewer ? <Review visit={visit} wish={wish} /> : <Events wish={wish} />}
        </div>
        {isPending && isReviewer ? <Events wish={wish} /> : null}
        <p>
          <a href={under(project, 'quota')}>Usage against the limit</a> ·{' '}
          <a href={under(project, 'requests')}>All requests</a>
        </p>
      </>
    ),
  };
}

function Review({ visit: { project, session }, wish }: { visit: ProjectVisit; wish: JsonObject }) {
  const until = textAt(wish, 'expireTime').slice(0, 16);
  return (
    <Panel title="Review" id="review">
      <form method="post" action={under(project, `requests/${encodeURIComponent(idOf(wish))}/review`)} data-once>
        <FormToken token={session.formToken} />
        <input type="hidden" name="etag" value={textAt(wish, 'etag')} />
        <div class="fields">
          <Field label="Grant, a minute" name="grantedValue" hint="Less than was asked for cuts it.">
            <input
              id="grantedValue"
              name="grantedValue"
              inputmode="numeric"
              pattern="[0-9]{1,6}"
              value={textAt(objectAt(wish, 'quotaConfig'), 'preferredValue')}
            />
          </Field>
          <Field label="Until (UTC)" name="until" hint={until === '' ? 'Empty: for good.' : 'Empty: as asked.'}>
            <input id="until" name="until" type="datetime-local" data-utc-hint value={until} />
          </Field>
        </div>
        <Field label="Comment" name="comment" hint="The tenant reads it. A refusal needs one.">
          <textarea id="comment" name="comment" maxlength={1_000}></textarea>
        </Field>
        <div class="row">
          <button name="verdict" value="approve">
            Grant
          </button>
          <button class="danger" name="verdict" value="refuse">
            Refuse
          </button>
        </div>
      </form>
    </Panel>
  );
}

function Events({ wish }: { wish: JsonObject }) {
  return (
    <Panel title="What happened to it" id="events">
      <Table
        label="Events"
        columns={[
          { label: 'When' },
          { label: 'State' },
          { label: 'Value', isNumber: true },
          { label: 'Who' },
          { label: 'Comment' },
        ]}
        rows={listAt(wish, 'events')
          .toReversed()
          .map((event) => [
            <Time at={textAt(event, 'time')} />,
            <State of={event} />,
            count(numberAt(event, 'value')),
            <Name text={textAt(event, 'actor')} />,
            <Name text={textAt(event, 'comment')} />,
          ])}
      />
    </Panel>
  );
}

/** Of exactly what was looked at: the etag goes along. */
export async function review(visit: ProjectVisit, form: Form): Promise<Page | Response> {
  const { rest, project } = visit;
  const id = visit.param('request');
  const isGrant = form('verdict') === 'approve';
  const answer = await rest.post(`${preferences(project)}/${segment(id)}:${isGrant ? 'approve' : 'refuse'}`, {
    ...filled({
      comment: form('comment').trim(),
      ...(isGrant ? { grantedValue: form('grantedValue').trim(), expireTime: utcOf(form('until')) } : {}),
    }),
    etag: form('etag'),
  });
  return answer.ok ? goTo(under(project, `requests/${encodeURIComponent(id)}`)) : requestPage(visit, answer.error);
}

export async function withdraw(visit: ProjectVisit, form: Form): Promise<Page | Response> {
  const { rest, project } = visit;
  const id = visit.param('request');
  const answer = await rest.send(
    'DELETE',
    `${preferences(project)}/${segment(id)}?etag=${encodeURIComponent(form('etag'))}`,
  );
  return answer.ok ? goTo(under(project, `requests/${encodeURIComponent(id)}`)) : requestPage(visit, answer.error);
}
