/** Quota: how much is used against which limit, who used it, and the limits of single providers and principals. */
import { TOKEN_EXCHANGES } from '../core/admin/quotas.ts';
import type { JsonObject } from '../core/json.ts';
import { Legend, UsageChart, UsageTable } from './chart.tsx';
import { count, duration, share } from './format.ts';
import { LiveState } from './home.tsx';
import { Choice, Empty, Fault, Meter, number, PageHead, Panel, Stat, Table, Time } from './layout.tsx';
import { type LimitNow, limitOf } from './limit.ts';
import { consumerName } from './names.tsx';
import { listAt, type Refused, segment, textAt } from './rest.ts';
import { can } from './rights.ts';
import { DIMENSIONS, type Dimension, rangeNamed, RANGES, readUsage, topConsumers, type Usage } from './usage.ts';
import { type Form, goTo, type Page, type ProjectVisit, queryOf, refusedPage, under } from './visit.tsx';
import { OwnLimits } from './own-limits.tsx';

export async function quotaPage(visit: ProjectVisit, fault?: Refused): Promise<Page> {
  const { rest, rights, project, url, nowMs } = visit;
  const range = rangeNamed(url.searchParams.get('range'));
  const by = DIMENSIONS.find(({ name }) => name === url.searchParams.get('by')) ?? DIMENSIONS[0];
  const isZoomed = url.searchParams.get('scale') === 'usage';
  const [limit, usage, top] = await Promise.all([
    limitOf(rest, project),
    readUsage(rest, project, range, nowMs),
    topConsumers(rest, project, by, nowMs),
  ]);
  if (!usage.ok && limit === undefined) return refusedPage(usage.error);
  const here = (change: Record<string, string>): string =>
    queryOf({ range: range.name, by: by.name, scale: isZoomed ? 'usage' : undefined, ...change });
  return {
    title: `Quota of ${project}`,
    refreshSeconds: fault === undefined ? range.refreshSeconds : undefined,
    status: fault?.status,
    body: (
      <>
        <PageHead title="Quota">
          <LiveState />
          <Choice
            label="Range"
            options={RANGES.map(({ name, label }) => ({
              label,
              href: here({ range: name }),
              isChosen: name === range.name,
            }))}
          />
        </PageHead>
        <Fault of={fault?.message} />
        <Stats limit={limit} usage={usage.ok ? usage.value : undefined} label={range.label.toLowerCase()} />
        <Panel
          title="Usage against the limit"
          id="usage"
          isLive
          aside={
            <Choice
              label="Scale"
              options={[
                { label: 'To the limit', href: here({ scale: 'limit' }), isChosen: !isZoomed },
                { label: 'To the usage', href: here({ scale: 'usage' }), isChosen: isZoomed },
              ]}
            />
          }
        >
          {usage.ok ? (
            <>
              <UsageChart usage={usage.value} range={range} isZoomed={isZoomed} limitPerMinute={limit?.perMinute} />
              <Legend range={range} isZoomed={isZoomed} limitPerMinute={limit?.perMinute} />
              <Caveats usage={usage.value} project={project} />
              <UsageTable usage={usage.value} />
            </>
          ) : (
            <Empty>{usage.error.message}</Empty>
          )}
        </Panel>
        <div class="grid">
          <Panel
            title="Who uses it"
            id="top"
            isLive
            aside={
              <Choice
                label="By"
                options={DIMENSIONS.map(({ name, label }) => ({
                  label,
                  href: `${here({ by: name })}#top`,
                  isChosen: name === by.name,
                }))}
              />
            }
          >
            {top.ok ? <Top consumers={top.value} by={by} /> : <Empty>{top.error.message}</Empty>}
          </Panel>
          <Panel title={`Refused, by reason (${range.label.toLowerCase()})`} id="reasons" isLive>
            {usage.ok && usage.value.reasons.length > 0 ? (
              <Table
                label="Refusals by reason"
                columns={['Reason', number('Exchanges'), number('Share')]}
                rows={usage.value.reasons.map(([reason, many]) => [
                  can(rights, 'sts.recentExchanges.list') ? (
                    <a href={`${under(project, 'activity')}${queryOf({ outcome: 'refused', reason })}`}>
                      <code>{reason}</code>
                    </a>
                  ) : (
                    <code>{reason}</code>
                  ),
                  count(many),
                  share(many, usage.value.refused),
                ])}
              />
            ) : (
              <Empty>Nothing was refused in this time.</Empty>
            )}
          </Panel>
        </div>
        {limit === undefined ? null : <OwnLimits visit={visit} limit={limit} />}
      </>
    ),
  };
}

function Stats({ limit, usage, label }: { limit: LimitNow | undefined; usage: Usage | undefined; label: string }) {
  return (
    <dl class="stats" id="stats" data-live>
      {limit === undefined ? null : (
        <>
          <Stat label="Limit in force" value={count(limit.perMinute)} unit="a minute" note={<Raise limit={limit} />} />
          <Stat
            label="Counts against it now"
            value={count(limit.used)}
            unit={`(${share(limit.used, limit.perMinute)})`}
            tone={limit.used >= limit.perMinute ? 'bad' : undefined}
            note={
              <Meter
                used={limit.used}
                limit={limit.perMinute}
                label={`${count(limit.used)} of ${count(limit.perMinute)}`}
              />
            }
          />
          <Stat label="Forecast" {...forecastOf(limit)} />
        </>
      )}
      {usage === undefined ? null : (
        <>
          <Stat label={`Granted, last ${label}`} value={count(usage.granted)} unit="exchanges" />
          <Stat
            label={`Refused, last ${label}`}
            value={count(usage.refused)}
            unit="exchanges"
            note={`${share(usage.refused, usage.granted + usage.refused)} of all`}
            tone={usage.refused > 0 ? 'warn' : undefined}
          />
        </>
      )}
    </dl>
  );
}

function Raise({ limit }: { limit: LimitNow }) {
  if (limit.raisedUntil === undefined) return <>no raise runs</>;
  return (
    <>
      raised from {count(limit.baseValue ?? 0)} until <Time at={limit.raisedUntil} />
    </>
  );
}

function forecastOf(limit: LimitNow) {
  if (limit.used >= limit.perMinute)
    return { value: 'Refusing', note: 'what counts has reached the limit', tone: 'bad' as const };
  const seconds = limit.refusalsStartInSeconds;
  if (seconds === undefined)
    return { value: 'Holds', note: 'at the rate of the last 10 s nothing is refused', tone: 'good' as const };
  return {
    value: duration(seconds),
    note: 'until refusals start, at the rate of the last 10 s',
    tone: 'warn' as const,
  };
}

function Caveats({ usage, project }: { usage: Usage; project: string }) {
  if (usage.granted + usage.refused === 0) {
    return (
      <Empty>
        Nobody exchanged anything in this time. A workload's first exchange shows here within 15 seconds;{' '}
        <a href={under(project, 'clusters')}>clusters</a> says what may come in.
      </Empty>
    );
  }
  return (
    <>
      {usage.lost === 0 ? null : (
        <Empty>{`${count(usage.lost)} exchanges in all the time of this project may not have been counted.`}</Empty>
      )}
      {usage.isCut ? <Empty>There is more than one page may read: the newest part is left out.</Empty> : null}
    </>
  );
}

function Top({
  consumers,
  by,
}: {
  consumers: readonly { name: string; minute: number; hour: number; refusedInHour: number }[];
  by: Dimension;
}) {
  const [first] = consumers;
  if (first === undefined) return <Empty>Nobody in the last hour.</Empty>;
  return (
    <ol class="bars">
      {consumers.map(({ name, minute, hour, refusedInHour }) => (
        <li>
          <div class="line">
            {consumerName(name, by)}
            <span class="number">
              {count(hour)}{' '}
              <span class="muted">
                in the hour, {count(minute)} just now{refusedInHour > 0 ? `, ${count(refusedInHour)} refused` : ''}
              </span>
            </span>
          </div>
          <Meter used={hour} limit={first.hour * 1.26} label={`${count(hour)} in the last hour`} />
        </li>
      ))}
    </ol>
  );
}

export const QUOTA_ID = TOKEN_EXCHANGES.quotaId;

/** The list is replaced whole over REST: the project is read first, and its etag sent along, so that nobody else's limit is lost. */
export async function setOwnLimit(visit: ProjectVisit, form: Form): Promise<Page | Response> {
  const { rest, project } = visit;
  const read = await rest.get(`projects/${segment(project)}`);
  if (!read.ok) return quotaPage(visit, read.error);
  const name = form('name').trim();
  const member = name.startsWith('principal:') ? 'principal' : 'provider';
  const others = listAt(read.value, 'ownLimits').filter((one) => textAt(one, member) !== name);
  const wanted: JsonObject[] =
    form('perMinute') === '' ? [] : [{ [member]: name, tokenExchangesPerMinute: Number(form('perMinute')) }];
  const answer = await rest.send('PATCH', `projects/${segment(project)}?updateMask=ownLimits`, {
    ownLimits: [...others, ...wanted],
    etag: textAt(read.value, 'etag'),
  });
  return answer.ok ? goTo(`${under(project, 'quota')}#own`) : quotaPage(visit, answer.error);
}
