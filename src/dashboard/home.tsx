/** Home: the projects that the person may see, each with how full it is, so that several can be told apart at one look. */
import type { JsonObject } from '../core/json.ts';
import { count, share } from './format.ts';
import { BASE } from './guard.ts';
import { Alert, Badge, Choice, Empty, Meter, Name, PageHead, Panel, Table } from './layout.tsx';
import { Legend, UsageChart } from './chart.tsx';
import { limitOf, type LimitNow } from './limit.ts';
import { listAt, type Rest, segment, textAt } from './rest.ts';
import { rangeNamed, RANGES, readUsage } from './usage.ts';
import { More, type Page, refusedPage, under, type Visit } from './visit.tsx';

/** Two questions each, and a chart each side by side: what one page asks for stays bounded. */
const PROJECTS_A_PAGE = 12;

export async function homePage(visit: Visit): Promise<Page> {
  const { rest, url } = visit;
  const listed = await rest.get('projects', {
    pageSize: String(PROJECTS_A_PAGE),
    pageToken: url.searchParams.get('pageToken'),
  });
  if (!listed.ok && listed.error.status !== 403) return refusedPage(listed.error);
  const projects = listed.ok ? listAt(listed.value, 'projects') : [];
  const next = listed.ok ? textAt(listed.value, 'nextPageToken') : '';
  const isSideBySide = url.searchParams.get('view') === 'charts';
  return {
    title: 'Projects',
    refreshSeconds:
      projects.length === 0 ? undefined : isSideBySide ? rangeNamed(url.searchParams.get('range')).refreshSeconds : 5,
    body: (
      <>
        <PageHead title="Projects">
          {projects.length === 0 ? null : (
            <>
              <LiveState />
              <Choice
                label="View"
                options={[
                  { label: 'List', href: BASE, isChosen: !isSideBySide },
                  { label: 'Charts', href: `${BASE}?view=charts`, isChosen: isSideBySide },
                ]}
              />
            </>
          )}
        </PageHead>
        {url.searchParams.get('said') === 'not-out' ? (
          <Alert kind="bad">Signing out did not reach the server. You are still signed in; try again.</Alert>
        ) : null}
        {projects.length === 0 ? (
          <NoProjects />
        ) : isSideBySide ? (
          await charts(visit, projects)
        ) : (
          await list(rest, projects)
        )}
        <More next={next} query={{ view: isSideBySide ? 'charts' : undefined }}>
          More projects
        </More>
      </>
    ),
  };
}

export function LiveState() {
  return (
    <span class="live">
      <span id="live-state" role="status"></span>
      <button type="button" class="quiet" id="live-pause" aria-pressed="false" hidden>
        Pause
      </button>
    </span>
  );
}

function NoProjects() {
  return (
    <Panel title="No project is shown to you" id="none">
      <Empty>
        Either there is none yet, or no allow policy lets you see one. An administrator makes a project with{' '}
        <code>POST /v1/projects</code>, and lets you see its quota with the role <code>roles/cloudquotas.viewer</code>{' '}
        on it, or all of it with <code>roles/iam.securityReviewer</code>.
      </Empty>
    </Panel>
  );
}

async function list(rest: Rest, projects: readonly JsonObject[]) {
  const rows = await Promise.all(
    projects.map(async (project) => {
      const id = textAt(project, 'projectId');
      const [limit, waiting] = await Promise.all([limitOf(rest, id), waitingWishes(rest, id)]);
      return [
        <>
          <a href={under(id, 'quota')}>
            <Name text={id} />
          </a>
          <div class="muted">
            <Name text={textAt(project, 'displayName')} />
          </div>
        </>,
        <code>{textAt(project, 'projectNumber')}</code>,
        stateOf(project),
        <Used limit={limit} />,
        waiting === 0 ? (
          <span class="muted">none</span>
        ) : (
          <a href={under(id, 'requests')}>{`${count(waiting)} waiting`}</a>
        ),
      ];
    }),
  );
  return (
    <Panel title="Quota now" id="projects" isLive>
      <Table
        label="Projects"
        columns={['Project', 'Number', 'State', 'Counts against the limit now', 'Requests']}
        rows={rows}
      />
    </Panel>
  );
}

function stateOf(project: JsonObject) {
  return textAt(project, 'state') === 'ACTIVE' ? <Badge tone="good">active</Badge> : <Badge tone="bad">deleted</Badge>;
}

function Used({ limit }: { limit: LimitNow | undefined }) {
  if (limit === undefined) return <span class="muted">not shown to you</span>;
  const text = `${count(limit.used)} of ${count(limit.perMinute)} a minute`;
  return (
    <>
      {text} <span class="muted">{`(${share(limit.used, limit.perMinute)})`}</span>
      <Meter used={limit.used} limit={limit.perMinute} label={text} />
    </>
  );
}

async function waitingWishes(rest: Rest, id: string): Promise<number> {
  const wishes = await rest.get(`projects/${segment(id)}/locations/global/quotaPreferences`, { pageSize: '100' });
  return wishes.ok
    ? listAt(wishes.value, 'quotaPreferences').filter((wish) => textAt(wish, 'state') === 'PENDING').length
    : 0;
}

async function charts({ rest, url, nowMs }: Visit, projects: readonly JsonObject[]) {
  const range = rangeNamed(url.searchParams.get('range'));
  const panels = await Promise.all(
    projects.map(async (project, at) => {
      const id = textAt(project, 'projectId');
      const [limit, usage] = await Promise.all([limitOf(rest, id), readUsage(rest, id, range, nowMs)]);
      return (
        <Panel title={id} id={`project-${at}`} isLive aside={<a href={under(id, 'quota')}>Open</a>}>
          {usage.ok ? (
            <UsageChart usage={usage.value} range={range} isSmall limitPerMinute={limit?.perMinute} />
          ) : (
            <Empty>{usage.error.message}</Empty>
          )}
        </Panel>
      );
    }),
  );
  return (
    <>
      <p>
        <Choice
          label="Range"
          options={RANGES.map(({ name, label }) => ({
            label,
            href: `${BASE}?view=charts&range=${name}`,
            isChosen: name === range.name,
          }))}
        />
      </p>
      <div class="grid">{panels}</div>
      <Legend range={range} />
    </>
  );
}
