/** Activity: who asked for what lately and how it ended, filtered, explained, and taken along as CSV. */
import type { JsonObject } from '../core/json.ts';
import { ok, type Result } from '../core/result.ts';
import { count, csvLine, lastOf, visible } from './format.ts';
import { withHeaders } from './guard.ts';
import { InputField, SelectField } from './forms.tsx';
import { Badge, Empty, PageHead, Panel, Table, Time } from './layout.tsx';
import { LastName, PrincipalName } from './names.tsx';
import { meaningOf, REASONS } from './reasons.ts';
import { listAt, numberAt, type Refused, segment, textAt } from './rest.ts';
import { can } from './rights.ts';
import { More, type Page, type ProjectVisit, queryOf, refusedPage, under } from './visit.tsx';

/** How much is looked through at once: pages of the list, and when there is enough. What one page of the list held is shown whole. */
interface Depth {
  readonly pageSize: number;
  readonly pages: number;
  readonly enough: number;
}

const NEWEST: Depth = { pageSize: 50, pages: 1, enough: 50 };
const FILTERED: Depth = { pageSize: 50, pages: 20, enough: 15 };
const EXPORTED: Depth = { pageSize: 1_000, pages: 4, enough: Infinity };

interface Filter {
  readonly outcome: string;
  readonly reason: string;
  readonly principal: string;
  readonly provider: string;
  readonly target: string;
}

interface Found {
  readonly records: readonly JsonObject[];
  readonly looked: number;
  readonly oldest: string;
  readonly dropped: number;
  /** Where to look on. */
  readonly next: string;
}

export async function activityPage(visit: ProjectVisit): Promise<Page> {
  const { project, rights, url } = visit;
  const filter = filterIn(url.searchParams);
  const isFiltered = Object.values(filter).some((text) => text !== '');
  const found = await search(
    visit,
    filter,
    isFiltered ? FILTERED : NEWEST,
    url.searchParams.get('pageToken') ?? undefined,
  );
  if (!found.ok) return refusedPage(found.error);
  const { records, looked, oldest, dropped, next } = found.value;
  const mayExplain = can(rights, 'sts.policies.troubleshoot');
  return {
    title: `Activity of ${project}`,
    body: (
      <>
        <PageHead title="Activity">
          <a class="button quiet" href={`${under(project, 'activity.csv')}${queryOf({ ...filter })}`} download>
            Export as CSV
          </a>
        </PageHead>
        <Panel title="Filter" id="filter">
          <form method="get" action={under(project, 'activity')}>
            <div class="fields">
              <SelectField label="Outcome" name="outcome">
                {['', 'granted', 'refused'].map((one) => (
                  <option value={one} selected={filter.outcome === one}>
                    {one === '' ? 'any' : one}
                  </option>
                ))}
              </SelectField>
              <SelectField label="Reason" name="reason">
                <option value="">any</option>
                {Object.keys(REASONS).map((one) => (
                  <option value={one} selected={filter.reason === one}>
                    {one}
                  </option>
                ))}
              </SelectField>
              <InputField label="Principal contains" name="principal" value={filter.principal} maxlength={300} />
              <InputField label="Cluster contains" name="provider" value={filter.provider} maxlength={300} />
              <InputField label="Target contains" name="target" value={filter.target} maxlength={300} />
            </div>
            <div class="row">
              <button>Filter</button>
              {isFiltered ? <a href={under(project, 'activity')}>Show all</a> : null}
            </div>
          </form>
        </Panel>
        <Panel
          title={isFiltered ? 'Exchanges that fit' : 'Recent exchanges'}
          id="exchanges"
          aside={<LookedAt looked={looked} oldest={oldest} dropped={dropped} />}
        >
          {records.length === 0 ? (
            <Empty>
              {isFiltered
                ? 'Nothing that was looked at fits. Look further back, or show all.'
                : 'Nobody exchanged anything in the time that is kept. An exchange stands here a few seconds after it ended.'}
            </Empty>
          ) : (
            <Table
              label="Exchanges"
              columns={['When', 'Outcome', 'Principal', 'Cluster', 'Target', '']}
              rows={records.map((record) => [
                <Time at={textAt(record, 'time')} />,
                <Outcome of={record} />,
                <PrincipalName text={textAt(record, 'principal')} />,
                <LastName text={textAt(record, 'provider')} />,
                textAt(record, 'target') === '' ? (
                  <span class="muted">the broker</span>
                ) : (
                  <LastName text={textAt(record, 'target')} />
                ),
                mayExplain ? <a href={explainLink(project, record)}>Explain</a> : '',
              ])}
            />
          )}
          <More next={next} query={{ ...filter }}>
            Further back
          </More>
        </Panel>
      </>
    ),
  };
}

function Outcome({ of }: { of: JsonObject }) {
  const reason = textAt(of, 'reason');
  if (textAt(of, 'outcome') === 'granted') return <Badge tone="good">granted</Badge>;
  const check = textAt(of, 'check');
  return (
    <span title={`${meaningOf(reason)} ${visible(check)}`}>
      <Badge tone="bad">refused</Badge> <code>{visible(reason)}</code>
      {/* A sentence stands in the title and in the explanation. */}
      {check === '' || check.length > 40 ? null : <span class="muted"> {visible(check)}</span>}
    </span>
  );
}

function LookedAt({ looked, oldest, dropped }: { looked: number; oldest: string; dropped: number }) {
  return (
    <span>
      {`${count(looked)} looked at`}
      {oldest === '' ? null : (
        <>
          , back to <Time at={oldest} />
        </>
      )}
      {dropped === 0 ? null : `; ${count(dropped)} more were not kept`}
    </span>
  );
}

/** What was asked for goes along as it was; what it came to, so that the page can say why where policies were not asked. */
function explainLink(project: string, record: JsonObject): string {
  const target = textAt(record, 'target');
  const query = queryOf({
    principal: textAt(record, 'principal'),
    target: lastOf(target),
    time: textAt(record, 'time'),
    outcome: textAt(record, 'outcome'),
    reason: textAt(record, 'reason'),
    check: textAt(record, 'check'),
    request: textAt(record, 'requestId'),
  });
  return `${under(project, 'policy/explain')}${query}`;
}

function filterIn(query: URLSearchParams): Filter {
  const text = (name: string): string => (query.get(name) ?? '').slice(0, 300);
  return {
    outcome: text('outcome'),
    reason: text('reason'),
    principal: text('principal'),
    provider: text('provider'),
    target: text('target'),
  };
}

function fits(record: JsonObject, filter: Filter): boolean {
  return (
    (filter.outcome === '' || textAt(record, 'outcome') === filter.outcome) &&
    (filter.reason === '' || textAt(record, 'reason') === filter.reason) &&
    (['principal', 'provider', 'target'] as const).every((member) => textAt(record, member).includes(filter[member]))
  );
}

async function search(
  { rest, project }: ProjectVisit,
  filter: Filter,
  { pageSize, pages, enough }: Depth,
  from: string | undefined,
): Promise<Result<Found, Refused>> {
  const records: JsonObject[] = [];
  let [pageToken, looked, dropped, oldest] = [from, 0, 0, ''];
  for (let page = 0; page < pages && records.length < enough; page += 1) {
    const query = { pageSize: String(pageSize), pageToken };
    const answer = await rest.get(`projects/${segment(project)}/recentExchanges`, query);
    if (!answer.ok) return answer;
    const read = listAt(answer.value, 'recentExchanges');
    looked += read.length;
    dropped = Math.max(dropped, numberAt(answer.value, 'droppedCount'));
    oldest = textAt(read.at(-1) ?? {}, 'time') || oldest;
    records.push(...read.filter((record) => fits(record, filter)));
    pageToken = textAt(answer.value, 'nextPageToken') || undefined;
    if (pageToken === undefined) break;
  }
  return ok({ records, looked, oldest, dropped, next: pageToken ?? '' });
}

const COLUMNS = ['time', 'outcome', 'reason', 'check', 'principal', 'provider', 'target', 'requestId'];

export async function activityCsv(visit: ProjectVisit): Promise<Page | Response> {
  const found = await search(visit, filterIn(visit.url.searchParams), EXPORTED, undefined);
  if (!found.ok) return refusedPage(found.error);
  const lines = found.value.records.map((record) => csvLine(COLUMNS.map((column) => textAt(record, column))));
  const headers = {
    'Content-Type': 'text/csv; charset=utf-8',
    // Never shown, always kept as a file: no browser takes it for a page.
    'Content-Disposition': `attachment; filename="exchanges-${visit.project.replaceAll(/[^a-z0-9-]/g, '_')}.csv"`,
  };
  return withHeaders(new Response(`${csvLine(COLUMNS)}${lines.join('')}`, { headers }));
}
