/** One request for more: what is asked for, what happened to it, and the review. */
import type { JsonObject } from '../core/json.ts';
import { count } from './format.ts';
import { InputField, PostForm, TextField } from './forms.tsx';
import { Fact, Fault, Name, number, PageHead, Panel, Table, Time } from './layout.tsx';
import { limitOf } from './limit.ts';
import { listAt, numberAt, objectAt, type Refused, segment, textAt } from './rest.ts';
import { can, mayReview } from './rights.ts';
import { type Form, goTo, type Page, type ProjectVisit, refusedPage, under } from './visit.tsx';
import { State, Which, idOf, preferences, utcOf, filled } from './wish.tsx';

export async function requestPage(visit: ProjectVisit, fault?: Refused): Promise<Page> {
  const { rest, project, rights, session } = visit;
  const id = visit.param('request');
  const [read, isReviewer, limit] = await Promise.all([
    rest.get(`${preferences(project)}/${segment(id)}`, { view: 'FULL' }),
    mayReview(rest),
    limitOf(rest, project),
  ]);
  if (!read.ok) return refusedPage(read.error, undefined, under(project, 'requests'));
  const wish = read.value;
  const isPending = textAt(wish, 'state') === 'PENDING';
  const isRunning = textAt(wish, 'state').startsWith('GRANTED') && textAt(wish, 'expireTime') !== '';
  const config = objectAt(wish, 'quotaConfig');
  return {
    title: `Request ${id}`,
    status: fault?.status,
    body: (
      <>
        <PageHead
          title={
            <>
              Request <Name text={id} />
            </>
          }
          state={<State of={wish} />}
        />
        <Fault of={fault?.message} />
        <div class="grid">
          <Panel title="What is asked for" id="wish">
            <dl class="facts">
              <Fact name="Quota">
                <Which of={wish} />, a minute
              </Fact>
              <Fact name="Asked for">{count(numberAt(config, 'preferredValue'))}</Fact>
              <Fact name="In force by it">
                {textAt(config, 'grantedValue') === '' ? 'nothing' : count(numberAt(config, 'grantedValue'))}
              </Fact>
              {limit === undefined ? null : <Fact name="Limit now">{count(limit.perMinute)}</Fact>}
              <Fact name="Until">
                {textAt(wish, 'expireTime') === '' ? 'for good' : <Time at={textAt(wish, 'expireTime')} />}
              </Fact>
              <Fact name="Why">
                <Name text={textAt(wish, 'justification')} />
              </Fact>
              <Fact name="Contact">
                <Name text={textAt(wish, 'contactEmail') || '–'} />
              </Fact>
              <Fact name="Asked">
                <Time at={textAt(wish, 'createTime')} />
              </Fact>
              <Fact name="Word on it">
                <Name text={textAt(config, 'stateDetail')} />
              </Fact>
            </dl>
            {can(rights, 'cloudquotas.quotas.update') && (isPending || isRunning) ? (
              <PostForm
                session={session}
                to={under(project, 'requests', id, 'withdraw')}
                hidden={{ etag: textAt(wish, 'etag') }}
              >
                <p></p>
                <button class="quiet">{isPending ? 'Withdraw the request' : 'Give the raise back now'}</button>
              </PostForm>
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
      <PostForm
        session={session}
        to={under(project, 'requests', idOf(wish), 'review')}
        hidden={{ etag: textAt(wish, 'etag') }}
      >
        <div class="fields">
          <InputField
            label="Grant, a minute"
            name="grantedValue"
            hint="Less than was asked for cuts it."
            inputmode="numeric"
            pattern="[0-9]{1,6}"
            value={textAt(objectAt(wish, 'quotaConfig'), 'preferredValue')}
          />
          <InputField
            label="Until (UTC)"
            name="until"
            hint={until === '' ? 'Empty: for good.' : 'Empty: as asked.'}
            type="datetime-local"
            data-utc-hint
            value={until}
          />
        </div>
        <TextField
          label="Comment"
          name="comment"
          hint="The tenant reads it. A refusal needs one."
          maxlength={1_000}
        ></TextField>
        <div class="row">
          <button name="verdict" value="approve">
            Grant
          </button>
          <button class="danger" name="verdict" value="refuse">
            Refuse
          </button>
        </div>
      </PostForm>
    </Panel>
  );
}

function Events({ wish }: { wish: JsonObject }) {
  return (
    <Panel title="What happened to it" id="events">
      <Table
        label="Events"
        columns={['When', 'State', number('Value'), 'Who', 'Comment']}
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
  return answer.ok ? goTo(under(project, 'requests', id)) : requestPage(visit, answer.error);
}

export async function withdraw(visit: ProjectVisit, form: Form): Promise<Page | Response> {
  const { rest, project } = visit;
  const id = visit.param('request');
  const answer = await rest.send(
    'DELETE',
    `${preferences(project)}/${segment(id)}?etag=${encodeURIComponent(form('etag'))}`,
  );
  return answer.ok ? goTo(under(project, 'requests', id)) : requestPage(visit, answer.error);
}
