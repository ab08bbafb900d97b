/** Limits of single providers and principals: shown beside the quota, set one at a time. */
import { count } from './format.ts';
import { InputField, PostForm } from './forms.tsx';
import { Empty, number, Panel, Table } from './layout.tsx';
import type { LimitNow } from './limit.ts';
import { LastName, PrincipalName } from './names.tsx';
import { can } from './rights.ts';
import { type ProjectVisit, under } from './visit.tsx';

const OWN_SHOWN = 40;

export function OwnLimits({ visit: { session, rights, project }, limit }: { visit: ProjectVisit; limit: LimitNow }) {
  const mayChange = can(rights, 'resourcemanager.projects.update') && can(rights, 'resourcemanager.projects.get');
  if (limit.own.length === 0 && !mayChange) return null;
  return (
    <Panel title="Limits of single providers and principals" id="own">
      {limit.own.length === 0 ? (
        <Empty>
          There are none: everybody shares the project's limit. One of its own keeps a noisy cluster from using up what
          the others need.
        </Empty>
      ) : (
        <Table
          label="Own limits"
          columns={['Whose', number('A minute'), ...(mayChange ? [''] : [])]}
          rows={limit.own.slice(0, OWN_SHOWN).map(({ kind, name, perMinute }) => [
            <>
              <span class="muted">{kind}</span>{' '}
              {kind === 'principal' ? <PrincipalName text={name} /> : <LastName text={name} />}
            </>,
            count(perMinute),
            ...(mayChange
              ? [
                  <PostForm session={session} hidden={{ name }}>
                    <button class="quiet" name="perMinute" value="">
                      Take away
                    </button>
                  </PostForm>,
                ]
              : []),
          ])}
        />
      )}
      {limit.own.length > OWN_SHOWN ? (
        <Empty>{`and ${count(limit.own.length - OWN_SHOWN)} more, over REST`}</Empty>
      ) : null}
      {mayChange ? (
        <details>
          <summary>Set a limit</summary>
          <PostForm session={session} to={under(project, 'quota')}>
            <div class="fields">
              <InputField
                label="Provider or principal"
                name="name"
                hint="projects/NUMBER/…/providers/ID, or principal://…"
                required
                maxlength={600}
              />
              <InputField
                label="Exchanges a minute"
                name="perMinute"
                hint={`At most the project's ${count(limit.perMinute)} count.`}
                inputmode="numeric"
                pattern="[0-9]{1,6}"
                required
              />
            </div>
            <button>Set the limit</button>
          </PostForm>
        </details>
      ) : null}
    </Panel>
  );
}
