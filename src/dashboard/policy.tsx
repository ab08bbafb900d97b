/** Policy: who may what by which binding, why somebody may or may not, and who would gain or lose by a change before it is made. */
import type { JsonObject } from '../core/json.ts';
import { count, lastOf, visible } from './format.ts';
import { Badge, Empty, Name, PageHead, Panel, Table } from './layout.tsx';
import { LastName, PrincipalName } from './names.tsx';
import { listAt, objectAt, segment, textAt, textsAt } from './rest.ts';
import { can } from './rights.ts';
import { type Page, type ProjectVisit, queryOf, refusedPage, under } from './visit.tsx';
import { readPolicy } from './policy-place.ts';

/** A policy may have a megabyte, a page may not: whole bindings, as long as there is room. */
const ROOM_CHARACTERS = 24_000;

const MEMBERS_SHOWN = 12;

const TARGETS_SHOWN = 100;

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
  if (!policy.ok && !mayAsk) return refusedPage(policy.error);
  const ids = targets?.ok === true ? listAt(targets.value, 'targets').map((one) => lastOf(textAt(one, 'name'))) : [];
  const query = queryOf({ target });
  return {
    title: `Policy of ${project}`,
    body: (
      <>
        <PageHead title="Policy">
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
        </PageHead>
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
  let room = ROOM_CHARACTERS;
  const shown = bindings.filter((binding) => {
    const members = textsAt(binding, 'members').slice(0, MEMBERS_SHOWN);
    room -=
      members.join('').length + 2 * textAt(objectAt(binding, 'condition'), 'expression').slice(0, 600).length + 200;
    return room > 0;
  });
  return (
    <>
      <Table
        label="Bindings"
        columns={['Role', 'Members', 'While']}
        rows={shown.map((binding) => {
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
      {bindings.length > shown.length ? (
        <Empty>{`and ${count(bindings.length - shown.length)} more bindings, over REST`}</Empty>
      ) : null}
    </>
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
          <Name text={text} />
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
