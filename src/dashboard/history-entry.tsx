/** One change of the history, with before and after, and the way back to it. */
import type { JsonObject } from '../core/json.ts';
import { count, visible } from './format.ts';
import { PostForm, SelectField } from './forms.tsx';
import { Empty, Fact, Fault, Name, PageHead, Panel, Table, Time } from './layout.tsx';
import { PrincipalName } from './names.tsx';
import { listAt, type Refused, segment, textAt } from './rest.ts';
import { can } from './rights.ts';
import { type Form, type Page, type ProjectVisit, refusedPage, under } from './visit.tsx';
import { Integrity, Sides } from './history-parts.tsx';

export async function entryPage(visit: ProjectVisit, restored?: Shown, fault?: Refused): Promise<Page> {
  const { rest, project, rights, session } = visit;
  const sequence = visit.param('sequence');
  const read = await rest.get(`projects/${segment(project)}/history/${segment(sequence)}`);
  if (!read.ok) return refusedPage(read.error, undefined, under(project, 'history'));
  const entry = read.value;
  const resource = textAt(entry, 'resource');
  const here = under(project, 'history', sequence);
  return {
    title: `Entry ${sequence}`,
    status: fault?.status,
    body: (
      <>
        <PageHead title={`Entry ${visible(sequence)}`}>
          <Integrity of={entry} />
          <a href={under(project, 'history')}>History</a>
        </PageHead>
        <Fault of={fault?.message} />
        {restored === undefined ? null : <Restored {...restored} />}
        <Panel title="Who and when" id="head">
          <dl class="facts">
            <Fact name="When">
              <Time at={textAt(entry, 'time')} />
            </Fact>
            <Fact name="Who">
              <PrincipalName text={textAt(entry, 'actor')} />
            </Fact>
            <Fact name="From">{visible(textAt(entry, 'address') || '–')}</Fact>
            <Fact name="Request">{visible(textAt(entry, 'requestId') || '–')}</Fact>
            <Fact name="Command">
              <code>{visible(textAt(entry, 'command'))}</code>
            </Fact>
            <Fact name="What">
              <Name text={resource} />
            </Fact>
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
            <PostForm session={session} to={`${here}/restore`} hidden={{ from: here }}>
              <SelectField label="What" name="resource">
                {resource === '' ? null : <option value={resource}>{`only ${visible(resource)}`}</option>}
                <option value="">everything that was changed since</option>
              </SelectField>
              <div class="row">
                <button class="quiet" name="how" value="look">
                  What would be done?
                </button>
                <button class="danger" name="how" value="restore">
                  Restore
                </button>
              </div>
            </PostForm>
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
          columns={['What', 'Step']}
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
            columns={['What', 'Why']}
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
