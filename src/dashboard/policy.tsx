/** Policy: who may what by which binding, why somebody may or may not, and who would gain or lose by a change before it is made. */
import { isJsonObject, type JsonObject, parseStrictJson } from '../core/json.ts';
import { meaningOf } from './reasons.ts';
import { count, visible } from './format.ts';
import { Alert, Badge, Empty, Field, FormToken, Name, Panel, Table, Time, type Tone } from './layout.tsx';
import { LastName, PrincipalName } from './names.tsx';
import { Trace } from './trace.tsx';
import { listAt, numberAt, objectAt, type Refused, segment, textAt, textsAt } from './rest.ts';
import { can } from './rights.ts';
import { type Form, goTo, type Page, type ProjectVisit, refusedPage, under } from './visit.tsx';

const MEMBERS_SHOWN = 20;
const TARGETS_SHOWN = 100;

/** The project itself, or a target of it. */
function placeOf(project: string, target: string): string {
  return target === '' ? `projects/${segment(project)}` : `projects/${segment(project)}/targets/${segment(target)}`;
}

async function readPolicy({ rest, project }: ProjectVisit, target: string) {
  return rest.post(`${placeOf(project, target)}:getIamPolicy`, { options: { requestedPolicyVersion: 3 } });
}

export async function policyPage(visit: ProjectVisit): Promise<Page> {
  const { rest, project, rights, url } = visit;
  const target = url.searchParams.get('target') ?? '';
  const [policy, targets] = await Promise.all([
    readPolicy(visit, target),
    can(rights, 'sts.targets.list')
      ? rest.get(`projects/${segment(project)}/targets`, { pageSize: String(TARGETS_SHOWN) })
      : undefined,
  ]);
  const mayAsk = can(rights, 'sts.policies.troubleshoot') || can(rights, 'sts.policies.simulate');
  if (!policy.ok && !mayAsk) return { ...refusedPage(policy.error), tab: 'policy' };
  const ids =
    targets?.ok === true
      ? listAt(targets.value, 'targets').map((one) => textAt(one, 'name').split('/').at(-1) ?? '')
      : [];
  const query = target === '' ? '' : `?target=${encodeURIComponent(target)}`;
  return {
    title: `Policy of ${project}`,
    tab: 'policy',
    body: (
      <>
        <div class="page-head">
          <h1>Policy</h1>
          <div class="aside">
            {can(rights, 'sts.policies.troubleshoot') ? (
              <a class="button quiet" href={`${under(project, 'policy/explain')}${query}`}>
                Explain
              </a>
            ) : null}
            {can(rights, 'sts.policies.simulate') ? (
              <a class="button quiet" href={`${under(project, 'policy/rehearse')}${query}`}>
                Rehearse a change
              </a>
            ) : null}
          </div>
        </div>
        {ids.length === 0 ? null : (
          <Panel title="Whose policy" id="of">
            <form method="get" class="row">
              <label for="target">Policy of</label>
              <select id="target" name="target">
                <option value="">the project, and with it all its targets</option>
                {ids.map((id) => (
                  <option value={id} selected={id === target}>{`target ${id}`}</option>
                ))}
              </select>
              <button class="quiet">Show</button>
            </form>
          </Panel>
        )}
        <Panel title={target === '' ? 'Bindings of the project' : `Bindings of target ${target}`} id="bindings">
          {policy.ok ? <Bindings policy={policy.value} /> : <Empty>{policy.error.message}</Empty>}
        </Panel>
      </>
    ),
  };
}

function Bindings({ policy }: { policy: JsonObject }) {
  const bindings = listAt(policy, 'bindings');
  if (bindings.length === 0) {
    return <Empty>There is no binding: by this policy nobody may anything. Rehearse one before you set it.</Empty>;
  }
  return (
    <Table
      label="Bindings"
      columns={[{ label: 'Role' }, { label: 'Members' }, { label: 'While' }]}
      rows={bindings.map((binding) => {
        const members = textsAt(binding, 'members');
        return [
          <LastName text={textAt(binding, 'role')} />,
          <>
            {members.slice(0, MEMBERS_SHOWN).map((member) => (
              <div>
                <PrincipalName text={member} />
              </div>
            ))}
            {members.length > MEMBERS_SHOWN ? (
              <span class="muted">{`and ${count(members.length - MEMBERS_SHOWN)} more`}</span>
            ) : null}
          </>,
          <Conditions binding={binding} />,
        ];
      })}
    />
  );
}

function Conditions({ binding }: { binding: JsonObject }) {
  const [condition, trial] = [objectAt(binding, 'condition'), objectAt(binding, 'dryRunCondition')];
  const text = textAt(condition, 'expression');
  return (
    <>
      {text === '' ? (
        <span class="muted">always</span>
      ) : (
        <code>
          <Name text={text} shown={text} />
        </code>
      )}
      {textAt(condition, 'title') === '' ? null : (
        <div class="muted">
          <Name text={textAt(condition, 'title')} />
        </div>
      )}
      {textAt(trial, 'expression') === '' ? null : (
        <div>
          <Badge tone="calm">on trial</Badge> <code>{visible(textAt(trial, 'expression'))}</code>
        </div>
      )}
    </>
  );
}

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
    tab: 'policy',
    ...(answer?.ok === false ? { status: answer.error.status } : {}),
    body: (
      <>
        <div class="page-head">
          <h1>Why may somebody, or may not?</h1>
          <div class="aside">
            <a href={under(project, 'policy')}>Policy</a>
          </div>
        </div>
        {asked('outcome') === '' ? null : <ThatExchange visit={visit} asked={asked} />}
        <Panel title="Question" id="question">
          <form method="get" action={under(project, 'policy/explain')}>
            <Field
              label="Principal"
              name="principal"
              hint="As the audit line and the activity page spell it: principal://iam.googleapis.com/…/subject/…"
            >
              <input id="principal" name="principal" value={asked('principal')} required maxlength={2_000} />
            </Field>
            <div class="fields">
              <Field label="Target" name="target" hint="Its id or uri. Empty, with no permission: the broker itself.">
                <input id="target" name="target" value={asked('target')} maxlength={2_000} />
              </Field>
              <Field label="Or a permission" name="permission" hint="Such as sts.usage.get.">
                <input id="permission" name="permission" value={asked('permission')} maxlength={200} />
              </Field>
              <Field label="When" name="time" hint="For conditions about time. Empty: now.">
                <input id="time" name="time" value={asked('time')} maxlength={40} placeholder="2026-01-31T12:00:00Z" />
              </Field>
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
        <dt>When</dt>
        <dd>
          <Time at={asked('time')} />
        </dd>
        <dt>Reason</dt>
        <dd>
          <code>{visible(asked('reason'))}</code> <code>{visible(asked('check'))}</code>
        </dd>
        {meaningOf(asked('reason')) === '' ? null : (
          <>
            <dt>Which means</dt>
            <dd>{meaningOf(asked('reason'))}</dd>
          </>
        )}
        <dt>Request</dt>
        <dd>
          <Name text={asked('request')} />
        </dd>
      </dl>
      {asked('reason') === 'over_quota' ? (
        <p>
          <a href={under(project, 'quota')}>Who used the quota up</a>
        </p>
      ) : null}
    </Panel>
  );
}

export async function rehearsePage(visit: ProjectVisit, form?: Form): Promise<Page> {
  const { rest, project, rights, session, url } = visit;
  const target = form?.('target') ?? url.searchParams.get('target') ?? '';
  const current = await readPolicy(visit, target);
  if (!current.ok) return { ...refusedPage(current.error, undefined, under(project, 'policy')), tab: 'policy' };
  const typed = form?.('policy') ?? JSON.stringify(current.value, null, 2);
  const parsed = parsePolicy(typed);
  const result =
    form === undefined
      ? undefined
      : parsed === undefined
        ? NO_POLICY
        : await rest.post(`${placeOf(project, target)}:simulate`, { policy: parsed });
  const maySet = can(rights, target === '' ? 'resourcemanager.projects.setIamPolicy' : 'sts.targets.setIamPolicy');
  const where = target === '' ? 'project' : `target ${target}`;
  return {
    title: `Rehearse, ${project}`,
    tab: 'policy',
    ...(result?.ok === false ? { status: result.error.status } : {}),
    body: (
      <>
        <div class="page-head">
          <h1>Rehearse a change</h1>
          <div class="aside">
            <a href={under(project, 'policy')}>Policy</a>
          </div>
        </div>
        <p class="muted">
          Recent exchanges are decided once more by the policy below, as if it were set. Nothing is changed by that.
        </p>
        {result === undefined ? null : result.ok ? (
          <Rehearsal result={result.value} />
        ) : (
          <Alert kind="bad">{result.error.message}</Alert>
        )}
        <Panel title={`Proposed policy of the ${where}`} id="proposal">
          <form method="post" action={under(project, 'policy/rehearse')} data-once>
            <FormToken token={session.formToken} />
            <input type="hidden" name="target" value={target} />
            <Field
              label="Policy as JSON"
              name="policy"
              hint="As setIamPolicy takes it. Its etag goes along: what somebody else wrote meanwhile is not overwritten."
            >
              <textarea id="policy" name="policy" class="code" spellcheck={false}>
                {typed}
              </textarea>
            </Field>
            <button>Rehearse</button>
          </form>
        </Panel>
        {result?.ok === true && maySet ? (
          <Panel title="Set it" id="set">
            <p>The policy takes effect at once in this place and within ten seconds everywhere.</p>
            <form method="post" action={under(project, 'policy/set')} data-once>
              <FormToken token={session.formToken} />
              <input type="hidden" name="target" value={target} />
              <input
                type="hidden"
                name="from"
                value={`${under(project, 'policy/rehearse')}${target === '' ? '' : `?target=${encodeURIComponent(target)}`}`}
              />
              <textarea name="policy" hidden aria-label="Policy as it was rehearsed">
                {typed}
              </textarea>
              <button class="danger">Set this policy</button>
            </form>
          </Panel>
        ) : null}
      </>
    ),
  };
}

const NO_POLICY: { readonly ok: false; readonly error: Refused } = {
  ok: false,
  error: { status: 400, code: 'INVALID_ARGUMENT', message: 'The policy is no JSON object.' },
};

function parsePolicy(text: string): JsonObject | undefined {
  const json = parseStrictJson(text);
  return json.ok && isJsonObject(json.value) ? json.value : undefined;
}

function Rehearsal({ result }: { result: JsonObject }) {
  const summary = objectAt(result, 'resultsSummary');
  const changes = listAt(result, 'results').slice(0, 100);
  return (
    <Panel
      title="Who would gain or lose"
      id="result"
      aside={`${count(numberAt(summary, 'logCount'))} exchanges decided again, ${count(numberAt(summary, 'differenceCount'))} otherwise`}
    >
      {textsAt(result, 'warnings').map((warning) => (
        <Alert kind="warn">
          <Name text={warning} shown={warning} />
        </Alert>
      ))}
      {changes.length === 0 ? (
        <Empty>
          {numberAt(summary, 'logCount') === 0
            ? 'No recent exchange is kept that could be decided again: this says nothing about the change.'
            : 'Nobody: every recent exchange would end as it did.'}
        </Empty>
      ) : (
        <Table
          label="Who would gain or lose"
          columns={[
            { label: 'Principal' },
            { label: 'On' },
            { label: 'Would' },
            { label: 'Roles' },
            { label: 'Exchanges', isNumber: true },
            { label: 'Last seen' },
          ]}
          rows={changes.map((change) => {
            const tuple = objectAt(change, 'accessTuple');
            return [
              <PrincipalName text={textAt(tuple, 'principal')} />,
              <LastName text={textAt(tuple, 'fullResourceName')} />,
              <Change of={textAt(change, 'accessChange')} />,
              <>
                {textsAt(change, 'rolesGained').map((role) => (
                  <div>
                    + <LastName text={role} />
                  </div>
                ))}
                {textsAt(change, 'rolesLost').map((role) => (
                  <div>
                    − <LastName text={role} />
                  </div>
                ))}
              </>,
              count(numberAt(change, 'exchanges')),
              <Time at={textAt(change, 'lastSeenTime')} />,
            ];
          })}
        />
      )}
    </Panel>
  );
}

function Change({ of }: { of: string }) {
  if (/GAINED/.test(of)) return <Badge tone="warn">gain access</Badge>;
  if (/(REVOKED|LOST)/.test(of)) return <Badge tone="bad">lose access</Badge>;
  return <Badge tone="calm">{visible(of.toLowerCase().replaceAll('_', ' '))}</Badge>;
}

export async function setPolicy(visit: ProjectVisit, form: Form): Promise<Page | Response> {
  const { rest, project } = visit;
  const target = form('target');
  const policy = parsePolicy(form('policy'));
  const answer =
    policy === undefined ? NO_POLICY : await rest.post(`${placeOf(project, target)}:setIamPolicy`, { policy });
  if (answer.ok)
    return goTo(`${under(project, 'policy')}${target === '' ? '' : `?target=${encodeURIComponent(target)}`}`);
  return { ...refusedPage(answer.error, 'The policy was not set', under(project, 'policy')), tab: 'policy' };
}
