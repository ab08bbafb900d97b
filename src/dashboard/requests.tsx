/** Requests for more quota: a tenant asks and withdraws, an administrator of the organization grants, cuts or refuses. */
import { count } from './format.ts';
import { InputField, PostForm, TextField } from './forms.tsx';
import { Empty, Fault, Name, number, PageHead, Panel, Table, Time } from './layout.tsx';
import { limitOf } from './limit.ts';
import { QUOTA_ID } from './quota.tsx';
import { listAt, numberAt, objectAt, type Refused, textAt } from './rest.ts';
import { can } from './rights.ts';
import { type Form, goTo, More, type Page, type ProjectVisit, refusedPage, under } from './visit.tsx';
import { State, Which, idOf, preferences, utcOf, filled } from './wish.tsx';

export async function requestsPage(visit: ProjectVisit, fault?: Refused, typed: Form = () => ''): Promise<Page> {
  const { rest, project, rights, session, url } = visit;
  const [listed, limit] = await Promise.all([
    rest.get(preferences(project), { pageSize: '25', pageToken: url.searchParams.get('pageToken') }),
    limitOf(rest, project),
  ]);
  if (!listed.ok) return refusedPage(listed.error);
  const wishes = listAt(listed.value, 'quotaPreferences').toSorted((a, b) =>
    textAt(a, 'updateTime') < textAt(b, 'updateTime') ? 1 : -1,
  );
  const next = textAt(listed.value, 'nextPageToken');
  return {
    title: `Requests of ${project}`,
    status: fault?.status,
    body: (
      <>
        <PageHead title="Requests for more quota">
          {limit === undefined ? null : (
            <span class="muted">{`Limit in force: ${count(limit.perMinute)} exchanges a minute`}</span>
          )}
        </PageHead>
        <Fault of={fault?.message} />
        <Panel title="All requests" id="requests">
          {wishes.length === 0 ? (
            <Empty>Nobody has asked for more yet. Ask below; an administrator of the organization decides.</Empty>
          ) : (
            <Table
              label="Requests"
              columns={['Request', 'Quota', number('Asked for'), number('In force'), 'State', 'Until', 'Changed']}
              rows={wishes.map((wish) => [
                <a href={under(project, 'requests', idOf(wish))}>
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
          <More next={next}>More requests</More>
        </Panel>
        {can(rights, 'cloudquotas.quotas.update') ? (
          <Panel title="Ask for more" id="ask">
            <PostForm session={session} to={under(project, 'requests')}>
              <div class="fields">
                <InputField
                  label="Exchanges a minute"
                  name="preferredValue"
                  hint="What the limit should be."
                  inputmode="numeric"
                  pattern="[0-9]{1,6}"
                  required
                  value={typed('preferredValue')}
                />
                <InputField
                  label="Until (UTC)"
                  name="until"
                  hint="Empty: for good."
                  type="datetime-local"
                  data-utc-hint
                  value={typed('until')}
                />
                <InputField
                  label="Name of the request"
                  name="id"
                  hint="Empty: one is made up."
                  maxlength={63}
                  value={typed('id')}
                />
                <InputField
                  label="Contact e-mail"
                  name="contactEmail"
                  type="email"
                  maxlength={254}
                  value={typed('contactEmail')}
                />
              </div>
              <TextField
                label="Why"
                name="justification"
                hint="Whoever reviews this reads it."
                maxlength={1_000}
                required
              >
                {typed('justification')}
              </TextField>
              <button>Ask</button>
            </PostForm>
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
  return answer.ok ? goTo(under(project, 'requests', idOf(answer.value))) : requestsPage(visit, answer.error, form);
}
