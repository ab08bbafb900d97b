/** History: who changed what, when and from where; two moments side by side; and the way back to one of them. */
import type { JsonObject, JsonValue } from '../core/json.ts';
import { count, visible } from './format.ts';
import { Alert, Badge, Empty, Field, FormToken, Name, Panel, Table, Time } from './layout.tsx';
import { PrincipalName } from './names.tsx';
import { listAt, objectAt, type Refused, segment, textAt } from './rest.ts';
import { can } from './rights.ts';
import { type Form, type Page, type ProjectVisit, refusedPage, under } from './visit.tsx';

const ENTRIES_A_PAGE = 50;
const DIFFERENCES_A_PAGE = 20;
/** Of one side of one row: a policy may have a megabyte, a page may not. */
const MAX_SHOWN_CHARACTERS = 12_000;
const MAX_OF_A_PAGE = 60_000;

function Integrity({ of }: { of: JsonObject }) {
  if (textAt(of, 'integrity') === 'INTACT') return <Badge tone="good">chain intact</Badge>;
  return (
    <>
      <Badge tone="bad">chain in doubt</Badge>{' '}
      {listAt(of, 'faults')
        .slice(0, 5)
        .map((fault) => visible(`${textAt(fault, 'sequence')} ${textAt(fault, 'description')}`))
        .join('; ')}
    </>
  );
}

export async function historyPage(visit: ProjectVisit): Promise<Page> {
  const { rest, project, rights, url } = visit;
  const resource = url.searchParams.get('resource') || undefined;
  const listed = await rest.get(`projects/${segment(project)}/history`, {
    pageSize: String(ENTRIES_A_PAGE),
    pageToken: url.searchParams.get('pageToken') ?? undefined,
    resource,
  });
  if (!listed.ok) return { ...refusedPage(listed.error), tab: 'history' };
  const entries = listAt(listed.value, 'entries');
  const next = textAt(listed.value, 'nextPageToken');
  const mayLook = can(rights, 'sts.history.get');
  return {
    title: `History of ${project}`,
    tab: 'history',
    body: (
      <>
        <div class="page-head">
          <h1>History</h1>
          <div class="aside">
            <Integrity of={listed.value} />
          </div>
        </div>
        {mayLook ? (
          <Panel title="Compare two moments" id="compare">
            <form method="get" action={under(project, 'history/compare')} class="fields">
              <Field label="After entry" name="from">
                <input id="from" name="from" inputmode="numeric" pattern="[0-9]+" required />
              </Field>
              <Field label="And after entry" name="to" hint="Empty: now.">
                <input id="to" name="to" inputmode="numeric" pattern="[0-9]*" />
              </Field>
              <div class="field">
                <span aria-hidden="true">&nbsp;</span>
                <div>
                  <button class="quiet">Compare</button>
                </div>
              </div>
            </form>
          </Panel>
        ) : null}
        <Panel
          title={resource === undefined ? 'All changes' : `Changes of ${resource}`}
          id="entries"
          {...(resource === undefined ? {} : { aside: <a href={under(project, 'history')}>Show all</a> })}
        >
          {entries.length === 0 ? (
            <Empty>Nothing was changed here yet.</Empty>
          ) : (
            <Table
              label="Changes"
              columns={[
                { label: 'Entry', isNumber: true },
                { label: 'When' },
                { label: 'Who' },
                { label: 'From' },
                { label: 'Command' },
                { label: 'What' },
              ]}
              rows={entries.map((entry) => {
                const sequence = textAt(entry, 'sequence');
                return [
                  mayLook ? <a href={under(project, `history/${sequence}`)}>{sequence}</a> : sequence,
                  <Time at={textAt(entry, 'time')} />,
                  <PrincipalName text={textAt(entry, 'actor')} />,
                  <Name text={textAt(entry, 'address') || '–'} />,
                  <code>{visible(textAt(entry, 'command'))}</code>,
                  <a href={`?resource=${encodeURIComponent(textAt(entry, 'resource'))}`}>
                    <Name text={textAt(entry, 'resource')} />
                  </a>,
                ];
              })}
            />
          )}
          {next === '' ? null : (
            <a
              href={`?${new URLSearchParams({ ...(resource === undefined ? {} : { resource }), pageToken: next }).toString()}`}
            >
              Older changes
            </a>
          )}
        </Panel>
      </>
    ),
  };
}

export async function entryPage(visit: ProjectVisit, restored?: Shown, fault?: Refused): Promise<Page> {
  const { rest, project, rights, session } = visit;
  const sequence = visit.param('sequence');
  const read = await rest.get(`projects/${segment(project)}/history/${segment(sequence)}`);
  if (!read.ok) return { ...refusedPage(read.error, undefined, under(project, 'history')), tab: 'history' };
  const entry = read.value;
  const resource = textAt(entry, 'resource');
  const here = under(project, `history/${encodeURIComponent(sequence)}`);
  return {
    title: `Entry ${sequence}`,
    tab: 'history',
    ...(fault === undefined ? {} : { status: fault.status }),
    body: (
      <>
        <div class="page-head">
          <h1>{`Entry ${visible(sequence)}`}</h1>
          <div class="aside">
            <Integrity of={entry} />
            <a href={under(project, 'history')}>History</a>
          </div>
        </div>
        {fault === undefined ? null : <Alert kind="bad">{fault.message}</Alert>}
        {restored === undefined ? null : <Restored {...restored} />}
        <Panel title="Who and when" id="head">
          <dl class="facts">
            <dt>When</dt>
            <dd>
              <Time at={textAt(entry, 'time')} />
            </dd>
            <dt>Who</dt>
            <dd>
              <PrincipalName text={textAt(entry, 'actor')} />
            </dd>
            <dt>From</dt>
            <dd>{visible(textAt(entry, 'address') || '–')}</dd>
            <dt>Request</dt>
            <dd>{visible(textAt(entry, 'requestId') || '–')}</dd>
            <dt>Command</dt>
            <dd>
              <code>{visible(textAt(entry, 'command'))}</code>
            </dd>
            <dt>What</dt>
            <dd>
              <Name text={resource} />
            </dd>
          </dl>
        </Panel>
        <Panel title="Before and after" id="sides">
          <Sides of={entry} />
        </Panel>
        {can(rights, 'sts.history.restore') ? (
          <Panel title="Back to the state after this entry" id="restore">
            <p class="muted">
              It is done by the commands a person would give, each with its own permission. Distrusted keys, denied
              uids, pushed keys and limits are never brought back. Look first, then restore.
            </p>
            <form method="post" action={`${here}/restore`} data-once>
              <FormToken token={session.formToken} />
              <input type="hidden" name="from" value={here} />
              <Field label="What" name="resource">
                <select id="resource" name="resource">
                  {resource === '' ? null : <option value={resource}>{`only ${visible(resource)}`}</option>}
                  <option value="">everything that was changed since</option>
                </select>
              </Field>
              <div class="row">
                <button class="quiet" name="how" value="look">
                  What would be done?
                </button>
                <button class="danger" name="how" value="restore">
                  Restore
                </button>
              </div>
            </form>
          </Panel>
        ) : null}
      </>
    ),
  };
}

interface Shown {
  readonly answer: JsonObject;
  readonly isDone: boolean;
}

function Restored({ answer, isDone }: Shown) {
  const [steps, left] = [listAt(answer, 'steps'), listAt(answer, 'left')];
  return (
    <Panel title={isDone ? 'Restored' : 'What would be done'} id="restored" aside={`${count(steps.length)} steps`}>
      {steps.length === 0 ? (
        <Empty>Nothing: it is as it was.</Empty>
      ) : (
        <Table
          label="Steps"
          columns={[{ label: 'What' }, { label: 'Step' }]}
          rows={steps
            .slice(0, 200)
            .map((step) => [<Name text={textAt(step, 'resource')} />, textAt(step, 'action').toLowerCase()])}
        />
      )}
      {left.length === 0 ? null : (
        <>
          <h3>Left as it is</h3>
          <Table
            label="Left as it is"
            columns={[{ label: 'What' }, { label: 'Why' }]}
            rows={left
              .slice(0, 200)
              .map((one) => [<Name text={textAt(one, 'resource')} />, <Name text={textAt(one, 'reason')} />])}
          />
        </>
      )}
    </Panel>
  );
}

/** To look changes nothing; but what is looked at here is about to be done, so both need the fresh proof. */
export async function restoreEntry(visit: ProjectVisit, form: Form): Promise<Page> {
  const { rest, project } = visit;
  const resource = form('resource');
  const isDone = form('how') === 'restore';
  const answer = await rest.post(`projects/${segment(project)}/history/${segment(visit.param('sequence'))}:restore`, {
    validateOnly: !isDone,
    ...(resource === '' ? {} : { resource }),
  });
  return answer.ok ? entryPage(visit, { answer: answer.value, isDone }) : entryPage(visit, undefined, answer.error);
}

export async function comparePage(visit: ProjectVisit): Promise<Page> {
  const { rest, project, url } = visit;
  const [from, to] = [url.searchParams.get('from') ?? '', url.searchParams.get('to') || undefined];
  const read = await rest.get(`projects/${segment(project)}/history:compare`, {
    from,
    to,
    pageSize: String(DIFFERENCES_A_PAGE),
    pageToken: url.searchParams.get('pageToken') ?? undefined,
  });
  if (!read.ok) return { ...refusedPage(read.error, undefined, under(project, 'history')), tab: 'history' };
  const differences = listAt(read.value, 'differences');
  const next = textAt(read.value, 'nextPageToken');
  let room = MAX_OF_A_PAGE;
  return {
    title: `Compare, ${project}`,
    tab: 'history',
    body: (
      <>
        <div class="page-head">
          <h1>{`After entry ${visible(from)} and ${to === undefined ? 'now' : `after entry ${visible(to)}`}`}</h1>
          <div class="aside">
            <Integrity of={read.value} />
            <a href={under(project, 'history')}>History</a>
          </div>
        </div>
        {differences.length === 0 ? <Empty>Nothing differs.</Empty> : null}
        {differences.map((difference, at) => {
          const size = JSON.stringify(difference).length;
          room -= size;
          return (
            <Panel title={visible(textAt(difference, 'resource'))} id={`difference-${at}`}>
              {room < 0 ? <Empty>Too much for this page; compare it by itself.</Empty> : <Sides of={difference} />}
            </Panel>
          );
        })}
        {next === '' ? null : (
          <a
            href={`?${new URLSearchParams({ from, ...(to === undefined ? {} : { to }), pageToken: next }).toString()}`}
          >
            More differences
          </a>
        )}
      </>
    ),
  };
}

function Sides({ of }: { of: JsonObject }) {
  return (
    <div class="diff">
      {(['before', 'after'] as const).map((side) => (
        <div>
          <h3>{side === 'before' ? 'Before' : 'After'}</h3>
          {of[side] === undefined ? (
            <Empty>It was not there.</Empty>
          ) : (
            <pre tabindex={0} aria-label={side}>
              {shownJson(objectAt(of, side))}
            </pre>
          )}
        </div>
      ))}
    </div>
  );
}

/** Line breaks of the layout stay, everything hidden inside of texts is made visible. */
function shownJson(document: JsonValue): string {
  const lines = JSON.stringify(document, null, 2).slice(0, MAX_SHOWN_CHARACTERS).split('\n');
  return lines.map((line) => visible(line, 2_000)).join('\n');
}
