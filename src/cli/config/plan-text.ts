/** What a configuration changes, or has changed, for people. */
import { isResource, type Resource } from '../../client/administration.ts';
import { differencesText } from '../diff-text.ts';
import { visible, type Paint } from '../terminal.ts';
import type { Step } from './plan.ts';

const WORDS: Readonly<Record<string, string>> = {
  CREATED: 'created',
  CHANGED: 'changed',
  DELETED: 'deleted',
  UNDELETED: 'undeleted',
  ADOPTED: 'adopted: it was there already, and is the owner’s from now on',
  RELEASED: 'released: it is nobody’s from now on',
};

/** One line each, as kubectl has it. */
export function stepsText(steps: readonly Step[]): string {
  return steps.map(({ resource, action }) => `${visible(resource)} ${wordOf(action)}\n`).join('');
}

function wordOf(action: string): string {
  return (Object.hasOwn(WORDS, action) ? WORDS[action] : undefined) ?? visible(action);
}

/** Line by line; what changes only its owner, or is too much to be shown, is named. */
export function planText(steps: readonly Step[], paint: Paint): string {
  if (steps.length === 0) return 'No differences.\n';
  const isShown = ({ before, after }: Step): boolean => before !== undefined || after !== undefined;
  const compared = steps.filter((step) => isShown(step) && step.action !== 'ADOPTED' && step.action !== 'RELEASED');
  const named = steps.filter((step) => !compared.includes(step));
  const parts = [
    ...(compared.length > 0 ? [differencesText(compared, paint)] : []),
    ...(named.length > 0 ? [stepsText(named)] : []),
  ];
  return parts.join('\n');
}

/** What the broker would rather have said twice. */
export function notesOf({ warnings, left }: Resource): readonly string[] {
  const rows = (value: unknown): readonly Resource[] => (Array.isArray(value) ? value.filter(isResource) : []);
  return [
    ...rows(warnings).map(({ resource, warning }) => `warning: ${String(resource)}: ${String(warning)}`),
    ...rows(left).map(({ resource, reason }) => `note: ${String(resource)}: ${String(reason)}`),
  ];
}
