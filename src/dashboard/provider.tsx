/** One provider: what it is, how its keys stand, and shutting one of them out for ever. */
import type { JsonObject } from '../core/json.ts';
import { count, duration } from './format.ts';
import { PostForm } from './forms.tsx';
import { Alert, Badge, Empty, Fault, Name, PageHead, Panel, Table, Time } from './layout.tsx';
import { LastName } from './names.tsx';
import { objectAt, type Refused, segment, textAt, textsAt } from './rest.ts';
import { can } from './rights.ts';
import { type Form, goTo, type Page, type ProjectVisit, refusedPage, under } from './visit.tsx';
import { Standing, ageOf, issuerOf, pools } from './provider-facts.tsx';

export async function providerPage(visit: ProjectVisit, fault?: Refused): Promise<Page> {
  const { rest, project, rights, nowMs } = visit;
  const [pool, id] = [visit.param('pool'), visit.param('provider')];
  const read = await rest.get(`${pools(project)}/${segment(pool)}/providers/${segment(id)}`);
  const back = `${under(project, 'clusters')}?pool=${encodeURIComponent(pool)}`;
  if (!read.ok) return { ...refusedPage(read.error, undefined, back), tab: 'clusters' };
  const provider = read.value;
  const keys = objectAt(provider, 'keys');
  const cluster = textAt(objectAt(provider, 'kubernetes'), 'clusterUri');
  return {
    title: `Provider ${id}`,
    tab: 'clusters',
    status: fault?.status,
    body: (
      <>
        <PageHead
          title={
            <>
              Provider <Name text={id} />
            </>
          }
          state={<Standing of={provider} />}
        >
          <a href={back}>All providers</a>
        </PageHead>
        <Fault of={fault} />
        {textAt(keys, 'lastError') === '' ? null : (
          <Alert kind="warn">
            The issuer's last answer was not taken: <Name text={textAt(keys, 'lastError')} />
          </Alert>
        )}
        <div class="grid">
          <Panel title="What it is" id="facts">
            <dl class="facts">
              <Fact name="Name" text={textAt(provider, 'displayName')} />
              <Fact name="Cluster" text={cluster} />
              <Fact name="Issuer" text={issuerOf(provider)} />
              <Fact name="Condition" text={textAt(provider, 'attributeCondition')} isCode />
              <Fact name="On trial" text={textAt(provider, 'dryRunCondition')} isCode />
              <Fact name="Algorithms" text={textsAt(provider, 'allowedAlgorithms').join(', ')} />
              <Fact name="Token lifetime" text={`at most ${lifeOf(textAt(provider, 'maxTokenLifetime'))}`} />
              <Fact name="Each token once" text={provider['singleUse'] === true ? 'yes' : 'no'} />
              <Fact name="Cluster is asked" text={textAt(objectAt(provider, 'tokenReview'), 'url') || 'no'} />
            </dl>
          </Panel>
          <Panel title="Where its keys come from" id="source">
            <dl class="facts">
              <Fact name="Source" text={textAt(provider, 'keySource')} />
              <dt>Read or set</dt>
              <dd>
                <Time at={textAt(keys, 'updateTime')} />
              </dd>
              <Fact name="Age" text={ageOf(textAt(keys, 'updateTime'), nowMs)} />
              {textAt(keys, 'expireTime') === '' ? null : (
                <>
                  <dt>Pushed keys end</dt>
                  <dd>
                    <Time at={textAt(keys, 'expireTime')} />
                  </dd>
                </>
              )}
              {textAt(keys, 'nextRefreshTime') === '' ? null : (
                <>
                  <dt>Asked again</dt>
                  <dd>
                    <Time at={textAt(keys, 'nextRefreshTime')} />
                  </dd>
                </>
              )}
              <Fact name="Served stale for" text={lifeOf(textAt(provider, 'maxStale'))} />
              <Fact name="New keys wait" text={lifeOf(textAt(provider, 'newKeyHold'))} />
              {textsAt(keys, 'warnings').map((warning) => (
                <Fact name="Warning" text={warning} />
              ))}
            </dl>
          </Panel>
        </div>
        <Keys visit={visit} provider={provider} />
        {can(rights, 'sts.history.list') ? (
          <p>
            <a href={`${under(project, 'history')}?resource=${encodeURIComponent(`provider/${pool}/${id}`)}`}>
              Its history
            </a>
          </p>
        ) : null}
      </>
    ),
  };
}

function lifeOf(seconds: string): string {
  return duration(Number.parseInt(seconds, 10) || 0);
}

function Fact({ name, text, isCode = false }: { name: string; text: string; isCode?: boolean }) {
  if (text === '') return null;
  return (
    <>
      <dt>{name}</dt>
      <dd>
        {isCode ? (
          <code>
            <Name text={text} />
          </code>
        ) : (
          <Name text={text} />
        )}
      </dd>
    </>
  );
}

function Keys({ visit, provider }: { visit: ProjectVisit; provider: JsonObject }) {
  const { project, rights, session } = visit;
  const keys = objectAt(provider, 'keys');
  const [kids, thumbprints] = [textsAt(keys, 'kids'), textsAt(keys, 'thumbprints')];
  const distrusted = textsAt(provider, 'distrustedThumbprints');
  const here = under(
    project,
    `clusters/${encodeURIComponent(visit.param('pool'))}/${encodeURIComponent(visit.param('provider'))}`,
  );
  const mayDistrust = can(rights, 'iam.workloadIdentityPoolProviders.update');
  return (
    <Panel title="Keys" id="keys">
      {thumbprints.length === 0 ? (
        <Empty>No key is known: nobody is let in by this provider until keys are uploaded, pushed or discovered.</Empty>
      ) : (
        <Table
          label="Keys"
          columns={[
            { label: 'Key id' },
            { label: 'Thumbprint' },
            { label: 'Standing' },
            ...(mayDistrust ? [{ label: '' }] : []),
          ]}
          rows={thumbprints.map((thumbprint, at) => {
            const isOut = distrusted.includes(thumbprint);
            return [
              <LastName text={kids[at] ?? ''} />,
              <code>{thumbprint}</code>,
              isOut ? <Badge tone="bad">distrusted</Badge> : <Badge tone="good">trusted</Badge>,
              ...(mayDistrust
                ? [
                    isOut ? (
                      ''
                    ) : (
                      <PostForm session={session} to={`${here}/distrust`} hidden={{ from: here, thumbprint }}>
                        <button class="danger">Distrust for ever</button>
                      </PostForm>
                    ),
                  ]
                : []),
            ];
          })}
        />
      )}
      {distrusted.length === 0 ? null : (
        <details>
          <summary>{`${count(distrusted.length)} distrusted for ever`}</summary>
          <ul>
            {distrusted.slice(0, 200).map((thumbprint) => (
              <li>
                <code>{thumbprint}</code>
              </li>
            ))}
          </ul>
        </details>
      )}
    </Panel>
  );
}

export async function distrust(visit: ProjectVisit, form: Form): Promise<Page | Response> {
  const { rest, project } = visit;
  const [pool, id] = [visit.param('pool'), visit.param('provider')];
  const answer = await rest.post(`${pools(project)}/${segment(pool)}/providers/${segment(id)}:distrustKey`, {
    thumbprint: form('thumbprint'),
  });
  return answer.ok
    ? goTo(under(project, `clusters/${encodeURIComponent(pool)}/${encodeURIComponent(id)}#keys`))
    : providerPage(visit, answer.error);
}
