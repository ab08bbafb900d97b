/** `string.extract(template)` of Google's conditions: what stands where the template has its `{name}`. */
import { Refusal } from './budget.ts';

export function extract(text: string, template: string): string {
  const { prefix, suffix } = parseTemplate(template);
  const prefixAt = text.indexOf(prefix);
  if (prefixAt < 0) return '';
  const start = prefixAt + prefix.length;
  if (suffix === '') return text.slice(start);
  const end = text.indexOf(suffix, start);
  return end < 0 ? '' : text.slice(start, end);
}

/** Throws a Refusal unless the template is some text, one `{name}`, and some text. */
export function parseTemplate(template: string): { readonly prefix: string; readonly suffix: string } {
  const parts = /^([^{}]*)\{[A-Za-z0-9_]+\}([^{}]*)$/.exec(template);
  if (parts === null) throw new Refusal('a template has exactly one {name}, made of letters, digits and _');
  return { prefix: parts[1] ?? '', suffix: parts[2] ?? '' };
}
