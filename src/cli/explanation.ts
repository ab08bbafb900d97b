/** An explanation in words: the verdict first, then each rule and binding on the path, those that decide before those that do not matter. */
import { isResource, type Resource } from '../client/administration.ts';
import { cell } from './columns.ts';
import { visible, type Paint } from './terminal.ts';

export function explanationText(answer: Resource, paint: Paint): string {
  const { overallAccessState, accessTuple, tokenExplanation, exchange } = answer;
  const tuple = documentIn(accessTuple);
  const lines = [
    verdict(overallAccessState, paint),
    row('who', tuple['principal'] ?? 'nobody that the token proves', paint),
    row('asks for', tuple['permission'] ?? tuple['target'] ?? 'a token', paint),
    row('on', tuple['fullResourceName'], paint),
    ...tokenLines(tokenExplanation, paint),
    ...exchangeLines(exchange, paint),
    ...denyLines(answer['denyPolicyExplanation'], paint),
    ...allowLines(answer['allowPolicyExplanation'], paint),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function verdict(state: unknown, paint: Paint): string {
  if (state === 'CAN_ACCESS') return paint('green', 'Yes: this would be granted.');
  if (state === 'CANNOT_ACCESS') return paint('red', 'No: this would be refused.');
  return paint('yellow', 'Unknown: it depends on what only a token, or something that did not answer, would tell.');
}

function tokenLines(token: unknown, paint: Paint): readonly string[] {
  if (!isResource(token)) return [];
  const { provider, verified, reason, check, takenOnce } = token;
  const held = verified === true ? 'holds' : `does not hold: ${cell(check ?? reason)}`;
  return [
    row('token', `${held}, for ${cell(provider)}`, paint),
    ...(verified === true && reason !== undefined
      ? [row('', `refused all the same: ${cell(check ?? reason)}`, paint)]
      : []),
    ...(takenOnce === true ? [row('', 'is taken once only; whether it was is not looked at', paint)] : []),
  ];
}

function exchangeLines(exchange: unknown, paint: Paint): readonly string[] {
  if (!isResource(exchange)) return [];
  const { outcome, reason, check, roles, binding, expiresIn } = exchange;
  const said =
    outcome === 'granted'
      ? `granted for ${cell(expiresIn)} s with ${listOf(roles)}`
      : `refused: ${cell(check ?? reason ?? 'no role is left')}`;
  return [row('exchange', said, paint), ...(binding === undefined ? [] : [row('let in by', binding, paint)])];
}

function denyLines(explanation: unknown, paint: Paint): readonly string[] {
  return documentsIn(documentIn(explanation)['ruleExplanations'])
    .filter(({ denyAccessState }) => denyAccessState !== 'DENY_ACCESS_STATE_NOT_DENIED')
    .flatMap((rule) => [
      '',
      `${paint('red', 'deny rule')} ${visible(cell(rule['rule']))} (${stateWord(rule['denyAccessState'])})`,
      row('takes', listOf(rule['deniedRoles']), paint),
      ...conditionLines(rule, paint),
    ]);
}

function allowLines(explanation: unknown, paint: Paint): readonly string[] {
  return documentsIn(documentIn(explanation)['explainedPolicies']).flatMap(
    ({ fullResourceName, bindingExplanations }) => {
      const bindings = documentsIn(bindingExplanations);
      const near = bindings.filter(({ rolePermission }) => rolePermission === 'ROLE_PERMISSION_INCLUDED');
      return [
        '',
        `${paint('bold', `policy of ${visible(cell(fullResourceName))}`)}: ${bindings.length} bindings, ${near.length} of a role that counts here`,
        ...near.flatMap((binding) => bindingLines(binding, paint)),
      ];
    },
  );
}

function bindingLines(binding: Resource, paint: Paint): readonly string[] {
  const { allowAccessState, role, memberships } = binding;
  const isGranted = allowAccessState === 'ALLOW_ACCESS_STATE_GRANTED';
  const members = Object.entries(documentIn(memberships)).slice(0, SHOWN_MEMBERS);
  return [
    `  ${isGranted ? paint('green', 'grants') : paint('dim', 'does not grant')} ${visible(cell(role))}`,
    ...members.map(([member, told]) => `    ${memberWord(documentIn(told)['membership'])} ${visible(member)}`),
    ...conditionLines(binding, paint).map((line) => `  ${line}`),
  ];
}

const SHOWN_MEMBERS = 5;

function conditionLines({ condition, conditionExplanation }: Resource, paint: Paint): readonly string[] {
  if (!isResource(condition)) return [];
  const { value, errors, evaluationStates } = documentIn(conditionExplanation);
  const outcome =
    value === undefined
      ? documentsIn(errors)
          .map(({ message }) => cell(message))
          .join('; ')
      : cell(value);
  return [
    row('condition', `${cell(condition['expression'])} → ${outcome || 'not known'}`, paint),
    ...documentsIn(evaluationStates).map((one) => {
      const said =
        one['value'] === undefined
          ? documentsIn(one['errors'])
              .map(({ message }) => cell(message))
              .join('; ')
          : cell(one['value']);
      return row('', `${cell(one['expression'])} is ${said}`, paint);
    }),
  ];
}

function memberWord(membership: unknown): string {
  if (membership === 'MEMBERSHIP_MATCHED') return 'is     ';
  return membership === 'MEMBERSHIP_NOT_MATCHED' ? 'is not ' : 'maybe  ';
}

function stateWord(state: unknown): string {
  return cell(state).replace('DENY_ACCESS_STATE_', '').replaceAll('_', ' ').toLowerCase();
}

function row(name: string, value: unknown, paint: Paint): string {
  return `  ${paint('dim', name.padEnd(10))} ${visible(cell(value))}`;
}

function listOf(value: unknown): string {
  return Array.isArray(value) && value.length > 0 ? value.map(cell).join(', ') : 'nothing';
}

function documentIn(value: unknown): Resource {
  return isResource(value) ? value : {};
}

function documentsIn(value: unknown): readonly Resource[] {
  return Array.isArray(value) ? value.filter(isResource) : [];
}
