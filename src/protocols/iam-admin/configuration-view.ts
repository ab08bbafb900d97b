/** What a configuration came to, and what it is, as REST shows it. */
import type { Answer } from '../../core/admin/commands.ts';
import { isJsonObject, type JsonObject, parseStrictJson } from '../../core/json.ts';
import { nextPageToken } from './query.ts';

export function renderConfigured(answer: Extract<Answer, { kind: 'configured' }>): JsonObject {
  const { changeSet, steps, left, warnings, etag } = answer;
  return {
    changeSet,
    steps: steps.map(({ resource, action, before, after }) => ({
      resource,
      action,
      ...(before === undefined ? {} : { before: documentOf(before) }),
      ...(after === undefined ? {} : { after: documentOf(after) }),
    })),
    left: left.map(({ resource, reason }) => ({ resource, reason })),
    warnings: warnings.map(({ resource, warning }) => ({ resource, warning })),
    etag,
  };
}

export function renderConfiguration({ resources, next }: Extract<Answer, { kind: 'configuration' }>): JsonObject {
  return {
    resources: resources.map(({ resource, document, etag, owner }) => ({
      resource,
      document: documentOf(document),
      etag,
      ...(owner === undefined ? {} : { owner }),
    })),
    ...nextPageToken(next),
  };
}

/** Our own texts, from the rows. */
function documentOf(text: string): JsonObject {
  const json = parseStrictJson(text);
  return json.ok && isJsonObject(json.value) ? json.value : {};
}
