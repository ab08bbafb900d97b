/** Why somebody may, or may not: the question, and the trace of the answer. */
import { meaningOf } from './reasons.ts';
import { visible } from './format.ts';
import { InputField } from './forms.tsx';
import { Alert, Badge, Fact, Name, PageHead, Panel, Time, type Tone } from './layout.tsx';
import { Trace } from './trace.tsx';
import { segment, textAt } from './rest.ts';
import { can } from './rights.ts';
import { type Page, type ProjectVisit, under } from './visit.tsx';

const ACCESS: Readonly<Record<string, readonly [Tone, string]>> = {
  CAN_ACCESS: ['good', 'May'],
  CANNOT_ACCESS: ['bad', 'May not'],
  UNKNOWN_INFO: ['warn', 'Only a token would tell'],
};

/** What is asked stands in the address, so that the answer can be handed on; a token never does, and is not taken here. */
export async function explainPage(visit: ProjectVisit): Promise<Page> {
  const { rest, project, rights, url } = visit;
  const asked = (name: string): string => (url.searchParams.get(name) ?? '').slice(0, 2_000);
  const body = Object.fromEntries(
    ['principal', 'target', 'permission', 'time'].map((name) => [name, asked(name)]).filter(([, text]) => text !== ''),
  );
  // Who may not ask is told so before he has typed anything.
  const isReady = asked('principal') !== '' || !can(rights, 'sts.policies.troubleshoot');
  const answer = !isReady ? undefined : await rest.post(`projects/${segment(project)}:troubleshoot`, body);
  const [tone, word] =
    ACCESS[answer?.ok === true ? textAt(answer.value, 'overallAccessState') : ''] ?? (['calm', ''] as const);
  return {
    title: `Explain, ${project}`,
    status: answer?.ok === false ? answer.error.status : undefined,
    body: (
      <>
        <PageHead title="Why may somebody, or may not?">
          <a href={under(project, 'policy')}>Policy</a>
        </PageHead>
        {asked('outcome') === '' ? null : <ThatExchange visit={visit} asked={asked} />}
        <Panel title="Question" id="question">
          <form method="get" action={under(project, 'policy/explain')}>
            <InputField
              label="Principal"
              name="principal"
              hint="As the audit line and the activity page spell it: principal://iam.googleapis.com/…/subject/…"
              value={asked('principal')}
              required
              maxlength={2_000}
            />
            <div class="fields">
              <InputField
                label="Target"
                name="target"
                hint="Its id or uri. with no permission: the broker itself."
                value={asked('target')}
                maxlength={2_000}
              />
              <InputField
                label="Or a permission"
                name="permission"
                hint="Such as sts.usage.get."
                value={asked('permission')}
                maxlength={200}
              />
              <InputField
                label="When"
                name="time"
                hint="For conditions about time. Empty: now."
                value={asked('time')}
                maxlength={40}
                placeholder="2026-01-31T12:00:00Z"
              />
            </div>
            <button>Explain</button>
          </form>
        </Panel>
        {answer === undefined ? null : answer.ok ? (
          <Panel title="Answer, by the policies as they are now" id="answer" aside={<Badge tone={tone}>{word}</Badge>}>
            <Trace answer={answer.value} />
          </Panel>
        ) : (
          <Alert kind="bad">{answer.error.message}</Alert>
        )}
      </>
    ),
  };
}

/** The exchange that led here: most refusals are no policy's affair. */
function ThatExchange({ visit: { project }, asked }: { visit: ProjectVisit; asked: (name: string) => string }) {
  const isRefused = asked('outcome') === 'refused';
  return (
    <Panel
      title="The exchange"
      id="exchange"
      aside={<Badge tone={isRefused ? 'bad' : 'good'}>{isRefused ? 'refused' : 'granted'}</Badge>}
    >
      <dl class="facts">
        <Fact name="When">
          <Time at={asked('time')} />
        </Fact>
        <Fact name="Reason">
          <code>{visible(asked('reason'))}</code> <code>{visible(asked('check'))}</code>
        </Fact>
        {meaningOf(asked('reason')) === '' ? null : <Fact name="Which means">{meaningOf(asked('reason'))}</Fact>}
        <Fact name="Request">
          <Name text={asked('request')} />
        </Fact>
      </dl>
      <p class="hint">So says the link that led here; the answer below is the broker's own.</p>
      {asked('reason') === 'over_quota' ? (
        <p>
          <a href={under(project, 'quota')}>Who used the quota up</a>
        </p>
      ) : null}
    </Panel>
  );
}
