/** Keys: the life of the project's own signing keys, and the next one before its time. */
import { duration } from './format.ts';
import { PostForm, SelectField } from './forms.tsx';
import { Alert, Badge, Empty, Fault, Name, number, PageHead, Panel, Table, Time, type Tone } from './layout.tsx';
import { listAt, type Refused, segment, textAt } from './rest.ts';
import { can } from './rights.ts';
import { type Form, goTo, type Page, type ProjectVisit, refusedPage, under } from './visit.tsx';

const STATES: Readonly<Record<string, readonly [Tone, string, string]>> = {
  NEXT: ['calm', 'next', 'published, does not sign yet'],
  ACTIVE: ['good', 'signs', 'signs every new token'],
  RETIRING: ['warn', 'retiring', 'signs no more, still published'],
  DISTRUSTED: ['bad', 'distrusted', 'taken out of the published keys'],
};

export async function keysPage(visit: ProjectVisit, fault?: Refused): Promise<Page> {
  const { rest, project, rights, session, nowMs, url } = visit;
  const listed = await rest.get(`projects/${segment(project)}/signingKeys`);
  if (!listed.ok) return refusedPage(listed.error);
  const keys = listAt(listed.value, 'keys');
  return {
    title: `Keys of ${project}`,
    status: fault?.status,
    body: (
      <>
        <PageHead title="Signing keys" />
        <Fault of={fault?.message} />
        {url.searchParams.get('done') === 'rotated' ? (
          <Alert kind="good">The rotation has begun; the keys below are the new ones.</Alert>
        ) : null}
        <Panel title="The life of each key" id="keys" aside="published, then signs, then is only published, then gone">
          {keys.length === 0 ? (
            <Empty>There is no key yet; the first token makes one.</Empty>
          ) : (
            <Table
              label="Signing keys"
              columns={['Key id', 'Algorithm', 'State', 'Published', 'Signs from', 'Signs until', number('Left')]}
              rows={keys.map((key) => {
                const [tone, label, meaning] = STATES[textAt(key, 'state')] ?? ['calm', textAt(key, 'state'), ''];
                const leftSeconds = (Date.parse(textAt(key, 'signUntil')) - nowMs) / 1_000;
                return [
                  <Name text={textAt(key, 'kid')} />,
                  textAt(key, 'alg'),
                  <span title={meaning}>
                    <Badge tone={tone}>{label}</Badge>
                  </span>,
                  <Time at={textAt(key, 'publishTime')} />,
                  <Time at={textAt(key, 'signFrom')} />,
                  <Time at={textAt(key, 'signUntil')} />,
                  leftSeconds > 0 && textAt(key, 'state') !== 'DISTRUSTED' ? duration(leftSeconds) : '–',
                ];
              })}
            />
          )}
        </Panel>
        {can(rights, 'sts.signingKeys.rotate') ? (
          <Panel title="Rotate" id="rotate">
            <p class="muted">
              Keys rotate by themselves. Before their time, the next one signs once everybody can have fetched it. In an
              emergency the signing key is taken out at once:{' '}
              <strong>every token it signed is good for nothing from then on</strong>.
            </p>
            <PostForm session={session} to={under(project, 'keys/rotate')} hidden={{ from: under(project, 'keys') }}>
              <div class="fields">
                <SelectField label="Algorithm" name="alg">
                  <option value="">both</option>
                  <option value="ES256">ES256</option>
                  <option value="RS256">RS256</option>
                </SelectField>
                <SelectField label="How" name="how">
                  <option value="">in its turn: nothing breaks</option>
                  <option value="emergency">emergency: the key was stolen</option>
                </SelectField>
              </div>
              <button class="danger">Rotate</button>
            </PostForm>
          </Panel>
        ) : null}
      </>
    ),
  };
}

export async function rotateKeys(visit: ProjectVisit, form: Form): Promise<Page | Response> {
  const { rest, project } = visit;
  const alg = form('alg');
  const answer = await rest.post(`projects/${segment(project)}/signingKeys:rotate`, {
    ...(alg === '' ? {} : { alg }),
    ...(form('how') === 'emergency' ? { emergency: true } : {}),
  });
  return answer.ok ? goTo(`${under(project, 'keys')}?done=rotated`) : keysPage(visit, answer.error);
}
