/** The trace of a decision: every binding and deny rule on the way, whether it counted, and what its condition saw. */
import type { JsonObject } from '../core/json.ts';
import { duration, visible } from './format.ts';
import { Badge, Empty, Fact, Name, Table, type Tone } from './layout.tsx';
import { LastName, PrincipalName } from './names.tsx';
import { listAt, numberAt, objectAt, textAt, textsAt } from './rest.ts';

const SHOWN = 30;

const WORDS: Readonly<Record<string, readonly [Tone, string]>> = {
  ALLOW_ACCESS_STATE_GRANTED: ['good', 'grants'],
  ALLOW_ACCESS_STATE_NOT_GRANTED: ['calm', 'does not grant'],
  ALLOW_ACCESS_STATE_UNKNOWN_INFO: ['warn', 'only a token would tell'],
  DENY_ACCESS_STATE_DENIED: ['bad', 'denies'],
  DENY_ACCESS_STATE_NOT_DENIED: ['calm', 'does not deny'],
  DENY_ACCESS_STATE_UNKNOWN_INFO: ['warn', 'only a token would tell'],
  MEMBERSHIP_MATCHED: ['good', 'is meant'],
  MEMBERSHIP_NOT_MATCHED: ['calm', 'is not meant'],
  MEMBERSHIP_UNKNOWN_INFO: ['warn', 'only a token would tell'],
  ROLE_PERMISSION_INCLUDED: ['good', 'yes'],
  ROLE_PERMISSION_NOT_INCLUDED: ['calm', 'no'],
};

function Word({ of }: { of: string }) {
  const [tone, word] = WORDS[of] ?? ['calm', of];
  return <Badge tone={tone}>{visible(word)}</Badge>;
}

export function Trace({ answer }: { answer: JsonObject }) {
  const tuple = objectAt(answer, 'accessTuple');
  const exchange = objectAt(answer, 'exchange');
  const bindings = listAt(objectAt(answer, 'allowPolicyExplanation'), 'explainedPolicies').flatMap((policy) =>
    listAt(policy, 'bindingExplanations').map((binding) => ({ on: textAt(policy, 'fullResourceName'), binding })),
  );
  const rules = listAt(objectAt(answer, 'denyPolicyExplanation'), 'ruleExplanations');
  return (
    <>
      <dl class="facts">
        <Fact name="Who">
          <PrincipalName text={textAt(tuple, 'principal')} />
        </Fact>
        <Fact name="On">
          <Name text={textAt(tuple, 'fullResourceName')} />
        </Fact>
        {textAt(exchange, 'outcome') === '' ? null : (
          <Fact name="An exchange">
            would be {textAt(exchange, 'outcome')}
            {textAt(exchange, 'reason') === '' ? '' : `: ${visible(textAt(exchange, 'reason'))}`}
            {numberAt(exchange, 'expiresIn') === 0 ? '' : `, for ${duration(numberAt(exchange, 'expiresIn'))}`}
            {textsAt(exchange, 'roles').map((role) => (
              <>
                {' '}
                <LastName text={role} />
              </>
            ))}
          </Fact>
        )}
      </dl>
      <h3>Allow policies on the way</h3>
      {bindings.length === 0 ? (
        <Empty>No binding stands on the way.</Empty>
      ) : (
        <Table
          label="Bindings on the way"
          columns={['Binding', 'Role', 'Role counts', 'Principal', 'Condition', 'Outcome']}
          rows={bindings.slice(0, SHOWN).map(({ on, binding }) => [
            <>
              <Name text={textAt(binding, 'binding')} />
              <div class="muted">
                <LastName text={on} />
              </div>
            </>,
            <LastName text={textAt(binding, 'role')} />,
            <Word of={textAt(binding, 'rolePermission')} />,
            <Word of={textAt(objectAt(binding, 'combinedMembership'), 'membership')} />,
            <ConditionSaw of={binding} />,
            <Word of={textAt(binding, 'allowAccessState')} />,
          ])}
        />
      )}
      {bindings.length > SHOWN ? <Empty>{`and ${bindings.length - SHOWN} more bindings`}</Empty> : null}
      {rules.length === 0 ? null : (
        <>
          <h3>Deny rules on the way</h3>
          <Table
            label="Deny rules on the way"
            columns={['Rule', 'Denied', 'Excepted', 'Condition', 'Outcome']}
            rows={rules
              .slice(0, SHOWN)
              .map((rule) => [
                <Name text={textAt(rule, 'rule')} />,
                <Word of={textAt(objectAt(rule, 'combinedDeniedPrincipal'), 'membership')} />,
                <Word of={textAt(objectAt(rule, 'combinedExceptionPrincipal'), 'membership')} />,
                <ConditionSaw of={rule} />,
                <Word of={textAt(rule, 'denyAccessState')} />,
              ])}
          />
        </>
      )}
    </>
  );
}

function ConditionSaw({ of }: { of: JsonObject }) {
  const expression = textAt(objectAt(of, 'condition'), 'expression');
  if (expression === '') return <span class="muted">none</span>;
  const seen = objectAt(of, 'conditionExplanation');
  const value = seen['value'];
  return (
    <>
      <code>
        <Name text={expression} />
      </code>
      <div>
        {value === undefined ? (
          <Badge tone="warn">not evaluated</Badge>
        ) : (
          <Badge tone={value === true ? 'good' : 'bad'}>{value === true ? 'is true' : 'is not true'}</Badge>
        )}
      </div>
      {listAt(seen, 'evaluationStates')
        .slice(0, 6)
        .map((state) => (
          <div class="muted">
            <code>{visible(textAt(state, 'expression'), 120)}</code> ={' '}
            {visible(
              'value' in state ? JSON.stringify(state['value']) : textAt(listAt(state, 'errors')[0] ?? {}, 'message'),
            )}
          </div>
        ))}
    </>
  );
}
