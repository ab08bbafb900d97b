/** Clusters and providers: where the keys come from, how old they are, what went wrong last; and shutting a key out. */
import type { JsonObject } from '../core/json.ts';
import { count, lastOf } from './format.ts';
import { Empty, Name, number, PageHead, Panel, Table } from './layout.tsx';
import { listAt, objectAt, segment, textAt, textsAt } from './rest.ts';
import { can } from './rights.ts';
import { More, type Page, type ProjectVisit, queryOf, refusedPage, under } from './visit.tsx';
import { Standing, ageOf, issuerOf, pools } from './provider-facts.tsx';

const PROVIDERS_A_PAGE = 50;

export async function clustersPage(visit: ProjectVisit): Promise<Page> {
  const { rest, project, rights, url } = visit;
  const listed = await rest.get(pools(project), { pageSize: '100', showDeleted: 'true' });
  if (!listed.ok) return refusedPage(listed.error);
  const all = listAt(listed.value, 'workloadIdentityPools');
  const chosen = url.searchParams.get('pool') ?? lastOf(textAt(all[0] ?? {}, 'name'));
  const providers = can(rights, 'iam.workloadIdentityPoolProviders.list')
    ? await rest.get(`${pools(project)}/${segment(chosen)}/providers`, {
        pageSize: String(PROVIDERS_A_PAGE),
        pageToken: url.searchParams.get('pageToken'),
        showDeleted: 'true',
      })
    : undefined;
  return {
    title: `Clusters of ${project}`,
    body: (
      <>
        <PageHead title="Clusters and providers" />
        <Panel title="Pools" id="pools">
          <Table
            label="Pools"
            columns={['Pool', 'State', 'Issuer of its tokens', number('Shut out')]}
            rows={all.map((pool) => {
              const id = lastOf(textAt(pool, 'name'));
              return [
                id === chosen ? (
                  <strong>
                    <Name text={id} />
                  </strong>
                ) : (
                  <a href={queryOf({ pool: id })}>
                    <Name text={id} />
                  </a>
                ),
                <Standing of={pool} />,
                <code>{textAt(pool, 'issuer')}</code>,
                count(listAt(pool, 'deniedUids').length),
              ];
            })}
          />
        </Panel>
        <Panel title={`Providers of ${chosen}`} id="providers">
          {providers === undefined ? (
            <Empty>You may see pools, and not their providers.</Empty>
          ) : providers.ok ? (
            <Providers visit={visit} pool={chosen} answer={providers.value} />
          ) : (
            <Empty>{providers.error.message}</Empty>
          )}
        </Panel>
      </>
    ),
  };
}

function Providers({
  visit: { project, nowMs },
  pool,
  answer,
}: {
  visit: ProjectVisit;
  pool: string;
  answer: JsonObject;
}) {
  const all = listAt(answer, 'workloadIdentityPoolProviders');
  const next = textAt(answer, 'nextPageToken');
  if (all.length === 0) {
    return (
      <Empty>
        No cluster is registered here yet. <code>POST …/workloadIdentityPools/{pool}/providers</code> with its issuer
        and its keys makes one.
      </Empty>
    );
  }
  return (
    <>
      <Table
        label="Providers"
        columns={['Provider', 'State', 'Issuer', 'Keys from', number('Keys'), 'Key age']}
        rows={all.map((provider) => {
          const id = lastOf(textAt(provider, 'name'));
          const keys = objectAt(provider, 'keys');
          const isDiscovered = textAt(provider, 'keySource') === 'discovery';
          return [
            <>
              <a href={under(project, 'clusters', pool, id)}>
                <Name text={id} />
              </a>
              <div class="muted">
                <Name text={textAt(provider, 'displayName')} />
              </div>
            </>,
            <Standing of={provider} />,
            <Name text={issuerOf(provider)} />,
            textAt(provider, 'keySource'),
            isDiscovered ? '…' : count(textsAt(keys, 'kids').length),
            isDiscovered ? <span class="muted">open it to ask</span> : ageOf(textAt(keys, 'updateTime'), nowMs),
          ];
        })}
      />
      <More next={next} query={{ pool }}>
        More providers
      </More>
    </>
  );
}
