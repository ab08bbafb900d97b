/** A change of policy before it is made: who would gain or lose by it, and then the change itself. */
import { isJsonObject, type JsonObject, parseStrictJson } from '../core/json.ts';
import { count, visible } from './format.ts';
import { PostForm, TextField } from './forms.tsx';
import { Alert, Badge, Empty, Name, number, PageHead, Panel, Table, Time } from './layout.tsx';
import { LastName, PrincipalName } from './names.tsx';
import { listAt, numberAt, objectAt, type Refused, textAt, textsAt } from './rest.ts';
import { can } from './rights.ts';
import { type Form, goTo, type Page, type ProjectVisit, queryOf, refusedPage, under } from './visit.tsx';
import { placeOf, readPolicy } from './policy-place.ts';

export async function rehearsePage(visit: ProjectVisit, form?: Form): Promise<Page> {
  const { rest, project, rights, session, url } = visit;
  const target = form?.('target') ?? url.searchParams.get('target') ?? '';
  const current = await readPolicy(visit, target);
  if (!current.ok) return refusedPage(current.error, undefined, under(project, 'policy'));
  const typed = form?.('policy') ?? JSON.stringify(current.value, null, 2);
  if (isTooLarge(typed)) return tooLargePage(visit);
  const parsed = parsePolicy(typed);
  const result =
    form === undefined
      ? undefined
      : parsed === undefined
        ? NO_POLICY
        : await rest.post(`${placeOf(project, target)}:simulate`, { policy: parsed });
  const maySet = can(rights, target === '' ? 'resourcemanager.projects.setIamPolicy' : 'sts.targets.setIamPolicy');
  const where = target === '' ? 'project' : `target ${target}`;
  return {
    title: `Rehearse, ${project}`,
    status: result?.ok === false ? result.error.status : undefined,
    body: (
      <>
        <PageHead title="Rehearse a change">
          <a href={under(project, 'policy')}>Policy</a>
        </PageHead>
        <p class="muted">
          Recent exchanges are decided once more by the policy below, as if it were set. Nothing is changed by that.
        </p>
        {result === undefined ? null : result.ok ? (
          <Rehearsal result={result.value} />
        ) : (
          <Alert kind="bad">{result.error.message}</Alert>
        )}
        <Panel title={`Proposed policy of the ${where}`} id="proposal">
          <PostForm session={session} to={under(project, 'policy/rehearse')} hidden={{ target }}>
            <TextField
              label="Policy as JSON"
              name="policy"
              hint="As setIamPolicy takes it. Its etag goes along: what somebody else wrote meanwhile is not overwritten."
              class="code"
              spellcheck="false"
            >
              {typed}
            </TextField>
            <button>Rehearse</button>
          </PostForm>
        </Panel>
        {result?.ok === true && maySet ? (
          <Panel title="Set it" id="set">
            <p>The policy takes effect at once in this place and within ten seconds everywhere.</p>
            <PostForm
              session={session}
              to={under(project, 'policy/set')}
              hidden={{
                target,
                from: `${under(project, 'policy/rehearse')}${queryOf({ target })}`,
              }}
            >
              <textarea name="policy" hidden aria-label="Policy as it was rehearsed">
                {typed}
              </textarea>
              <button class="danger">Set this policy</button>
            </PostForm>
          </Panel>
        ) : null}
      </>
    ),
  };
}

/** It stands in the page twice, and each quotation mark as six characters: with the rest of the page that stays below 100 KiB. */
const MAX_SHOWN_BYTES = 40_960;

function isTooLarge(text: string): boolean {
  const bytes = new TextEncoder().encode(text).length;
  return bytes > MAX_SHOWN_BYTES || bytes + 5 * (text.match(/["&'<>]/g)?.length ?? 0) > MAX_SHOWN_BYTES;
}

function tooLargePage({ project }: ProjectVisit): Page {
  return {
    title: `Rehearse, ${project}`,
    body: (
      <>
        <h1>Rehearse a change</h1>
        <Empty>
          This policy is too large to be edited in a page. On the command line <code>edge-sts export</code> writes it to
          a file, <code>edge-sts simulate</code> rehearses it and <code>edge-sts apply</code> sets it.
        </Empty>
        <p>
          <a href={under(project, 'policy')}>Policy</a>
        </p>
      </>
    ),
  };
}

const NO_POLICY: { readonly ok: false; readonly error: Refused } = {
  ok: false,
  error: { status: 400, code: 'INVALID_ARGUMENT', message: 'The policy is no JSON object.' },
};

function parsePolicy(text: string): JsonObject | undefined {
  const json = parseStrictJson(text);
  return json.ok && isJsonObject(json.value) ? json.value : undefined;
}

function Rehearsal({ result }: { result: JsonObject }) {
  const summary = objectAt(result, 'resultsSummary');
  const changes = listAt(result, 'results').slice(0, 100);
  return (
    <Panel
      title="Who would gain or lose"
      id="result"
      aside={`${count(numberAt(summary, 'logCount'))} exchanges decided again, ${count(numberAt(summary, 'differenceCount'))} otherwise`}
    >
      {textsAt(result, 'warnings').map((warning) => (
        <Alert kind="warn">
          <Name text={warning} />
        </Alert>
      ))}
      {changes.length === 0 ? (
        <Empty>
          {numberAt(summary, 'logCount') === 0
            ? 'No recent exchange is kept that could be decided again: this says nothing about the change.'
            : 'Nobody: every recent exchange would end as it did.'}
        </Empty>
      ) : (
        <Table
          label="Who would gain or lose"
          columns={['Principal', 'On', 'Would', 'Roles', number('Exchanges'), 'Last seen']}
          rows={changes.map((change) => {
            const tuple = objectAt(change, 'accessTuple');
            return [
              <PrincipalName text={textAt(tuple, 'principal')} />,
              <LastName text={textAt(tuple, 'fullResourceName')} />,
              <Change of={textAt(change, 'accessChange')} />,
              <>
                {textsAt(change, 'rolesGained').map((role) => (
                  <div>
                    + <LastName text={role} />
                  </div>
                ))}
                {textsAt(change, 'rolesLost').map((role) => (
                  <div>
                    − <LastName text={role} />
                  </div>
                ))}
              </>,
              count(numberAt(change, 'exchanges')),
              <Time at={textAt(change, 'lastSeenTime')} />,
            ];
          })}
        />
      )}
    </Panel>
  );
}

function Change({ of }: { of: string }) {
  if (/GAINED/.test(of)) return <Badge tone="warn">gain access</Badge>;
  if (/(REVOKED|LOST)/.test(of)) return <Badge tone="bad">lose access</Badge>;
  return <Badge tone="calm">{visible(of.toLowerCase().replaceAll('_', ' '))}</Badge>;
}

export async function setPolicy(visit: ProjectVisit, form: Form): Promise<Page | Response> {
  const { rest, project } = visit;
  const target = form('target');
  const policy = parsePolicy(form('policy'));
  const answer =
    policy === undefined ? NO_POLICY : await rest.post(`${placeOf(project, target)}:setIamPolicy`, { policy });
  if (answer.ok) return goTo(`${under(project, 'policy')}${queryOf({ target })}`);
  return refusedPage(answer.error, 'The policy was not set', under(project, 'policy'));
}
