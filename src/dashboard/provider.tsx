/** One provider: what it is, how its keys stand, and shutting one of them out for ever. */
import type { JsonObject } from '../core/json.ts';
import { count, duration } from './format.ts';
import { PostForm } from './forms.tsx';
import { Alert, Badge, Empty, Fact, Fault, Name, PageHead, Panel, Table, Time } from './layout.tsx';
import { LastName } from './names.tsx';
import { objectAt, type Refused, segment, textAt, textsAt } from './rest.ts';
import { can } from './rights.ts';
import { type Form, goTo, type Page, type ProjectVisit, queryOf, refusedPage, under } from './visit.tsx';
import { Standing, ageOf, issuerOf, pools } from './provider-facts.tsx';

export async function providerPage(visit: ProjectVisit, fault?: Refused): Promise<Page> {
  const { rest, project, rights, nowMs } = visit;
  const [pool, id] = [visit.param('pool'), visit.param('provider')];
  const read = await rest.get(`${pools(project)}/${segment(pool)}/providers/${segment(id)}`);
  const back = `${under(project, 'clusters')}${queryOf({ pool })}`;
  if (!read.ok) return refusedPage(read.error, undefined, back);
  const provider = read.value;
  const keys = objectAt(provider, 'keys');
  const cluster = textAt(objectAt(provider, 'kubernetes'), 'clusterUri');
  return {
    title: `Provider ${id}`,
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
        <Fault of={fault?.message} />
        {textAt(keys, 'lastError') === '' ? null : (
          <Alert kind="warn">
            The issuer's last answer was not taken: <Name text={textAt(keys, 'lastError')} />
          </Alert>
        )}
        <div class="grid">
          <Panel title="What it is" id="facts">
            <dl class="facts">
              <TextFact name="Name" text={textAt(provider, 'displayName')} />
              <TextFact name="Cluster" text={cluster} />
              <TextFact name="Issuer" text={issuerOf(provider)} />
              <TextFact name="Condition" text={textAt(provider, 'attributeCondition')} isCode />
              <TextFact name="On trial" text={textAt(provider, 'dryRunCondition')} isCode />
              <TextFact name="Algorithms" text={textsAt(provider, 'allowedAlgorithms').join(', ')} />
              <TextFact name="Token lifetime" text={`at most ${lifeOf(textAt(provider, 'maxTokenLifetime'))}`} />
              <TextFact name="Each token once" text={provider['singleUse'] === true ? 'yes' : 'no'} />
              <TextFact name="Cluster is asked" text={textAt(objectAt(provider, 'tokenReview'), 'url') || 'no'} />
            </dl>
          </Panel>
          <Panel title="Where its keys come from" id="source">
            <dl class="facts">
              <TextFact name="Source" text={textAt(provider, 'keySource')} />
              <Fact name="Read or set">
                <Time at={textAt(keys, 'updateTime')} />
              </Fact>
              <TextFact name="Age" text={ageOf(textAt(keys, 'updateTime'), nowMs)} />
              {textAt(keys, 'expireTime') === '' ? null : (
                <Fact name="Pushed keys end">
                  <Time at={textAt(keys, 'expireTime')} />
                </Fact>
              )}
              {textAt(keys, 'nextRefreshTime') === '' ? null : (
                <Fact name="Asked again">
                  <Time at={textAt(keys, 'nextRefreshTime')} />
                </Fact>
              )}
              <TextFact name="Served stale for" text={lifeOf(textAt(provider, 'maxStale'))} />
              <TextFact name="New keys wait" text={lifeOf(textAt(provider, 'newKeyHold'))} />
              {textsAt(keys, 'warnings').map((warning) => (
                <TextFact name="Warning" text={warning} />
              ))}
            </dl>
          </Panel>
        </div>
        <Keys visit={visit} provider={provider} />
        {can(rights, 'sts.history.list') ? (
          <p>
            <a href={`${under(project, 'history')}${queryOf({ resource: `provider/${pool}/${id}` })}`}>Its history</a>
          </p>
        ) : null}
      </>
    ),
  };
}

function lifeOf(seconds: string): string {
  return duration(Number.parseInt(seconds, 10) || 0);
}

function TextFact({ name, text, isCode = false }: { name: string; text: string; isCode?: boolean }) {
  if (text === '') return null;
  return (
    <Fact name={name}>
      {isCode ? (
        <code>
          <Name text={text} />
        </code>
      ) : (
        <Name text={text} />
      )}
    </Fact>
  );
}

function Keys({ visit, provider }: { visit: ProjectVisit; provider: JsonObject }) {
  const { project, rights, session } = visit;
  const keys = objectAt(provider, 'keys');
  const [kids, thumbprints] = [textsAt(keys, 'kids'), textsAt(keys, 'thumbprints')];
  const distrusted = textsAt(provider, 'distrustedThumbprints');
  const here = under(project, 'clusters', visit.param('pool'), visit.param('provider'));
  const mayDistrust = can(rights, 'iam.workloadIdentityPoolProviders.update');
  return (
    <Panel title="Keys" id="keys">
      {thumbprints.length === 0 ? (
        <Empty>No key is known: nobody is let in by this provider until keys are uploaded, pushed or discovered.</Empty>
      ) : (
        <Table
          label="Keys"
          columns={['Key id', 'Thumbprint', 'Standing', ...(mayDistrust ? [''] : [])]}
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
  return answer.ok ? goTo(`${under(project, 'clusters', pool, id)}#keys`) : providerPage(visit, answer.error);
}
