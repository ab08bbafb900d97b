/** History: who changed what, when and from where; two moments side by side; and the way back to one of them. */
import { visible } from './format.ts';
import { InputField } from './forms.tsx';
import { Empty, Name, number, PageHead, Panel, Table, Time } from './layout.tsx';
import { PrincipalName } from './names.tsx';
import { listAt, segment, textAt } from './rest.ts';
import { can } from './rights.ts';
import { More, type Page, type ProjectVisit, queryOf, refusedPage, under } from './visit.tsx';
import { Integrity, Sides } from './history-parts.tsx';

const ENTRIES_A_PAGE = 50;

const DIFFERENCES_A_PAGE = 20;

const MAX_OF_A_PAGE = 60_000;

export async function historyPage(visit: ProjectVisit): Promise<Page> {
  const { rest, project, rights, url } = visit;
  const resource = url.searchParams.get('resource') || undefined;
  const listed = await rest.get(`projects/${segment(project)}/history`, {
    pageSize: String(ENTRIES_A_PAGE),
    pageToken: url.searchParams.get('pageToken'),
    resource,
  });
  if (!listed.ok) return refusedPage(listed.error);
  const entries = listAt(listed.value, 'entries');
  const next = textAt(listed.value, 'nextPageToken');
  const mayLook = can(rights, 'sts.history.get');
  return {
    title: `History of ${project}`,
    body: (
      <>
        <PageHead title="History">
          <Integrity of={listed.value} />
        </PageHead>
        {mayLook ? (
          <Panel title="Compare two moments" id="compare">
            <form method="get" action={under(project, 'history/compare')} class="fields">
              <InputField label="After entry" name="from" inputmode="numeric" pattern="[0-9]+" required />
              <InputField label="And after entry" name="to" hint="Empty: now." inputmode="numeric" pattern="[0-9]*" />
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
          aside={resource === undefined ? undefined : <a href={under(project, 'history')}>Show all</a>}
        >
          {entries.length === 0 ? (
            <Empty>Nothing was changed here yet.</Empty>
          ) : (
            <Table
              label="Changes"
              columns={[number('Entry'), 'When', 'Who', 'From', 'Command', 'What']}
              rows={entries.map((entry) => {
                const sequence = textAt(entry, 'sequence');
                return [
                  mayLook ? <a href={under(project, 'history', sequence)}>{sequence}</a> : sequence,
                  <Time at={textAt(entry, 'time')} />,
                  <PrincipalName text={textAt(entry, 'actor')} />,
                  <Name text={textAt(entry, 'address') || '–'} />,
                  <code>{visible(textAt(entry, 'command'))}</code>,
                  <a href={queryOf({ resource: textAt(entry, 'resource') })}>
                    <Name text={textAt(entry, 'resource')} />
                  </a>,
                ];
              })}
            />
          )}
          <More next={next} query={{ resource }}>
            Older changes
          </More>
        </Panel>
      </>
    ),
  };
}

export async function comparePage(visit: ProjectVisit): Promise<Page> {
  const { rest, project, url } = visit;
  const [from, to] = [url.searchParams.get('from') ?? '', url.searchParams.get('to') || undefined];
  const read = await rest.get(`projects/${segment(project)}/history:compare`, {
    from,
    to,
    pageSize: String(DIFFERENCES_A_PAGE),
    pageToken: url.searchParams.get('pageToken'),
  });
  if (!read.ok) return refusedPage(read.error, undefined, under(project, 'history'));
  const differences = listAt(read.value, 'differences');
  const next = textAt(read.value, 'nextPageToken');
  let room = MAX_OF_A_PAGE;
  return {
    title: `Compare, ${project}`,
    body: (
      <>
        <PageHead title={`After entry ${visible(from)} and ${to === undefined ? 'now' : `after entry ${visible(to)}`}`}>
          <Integrity of={read.value} />
          <a href={under(project, 'history')}>History</a>
        </PageHead>
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
        <More next={next} query={{ from, to }}>
          More differences
        </More>
      </>
    ),
  };
}
