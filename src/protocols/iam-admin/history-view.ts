/** The history as REST shows it: rows in the form in which `GET` on them would show them. */
import type { Answer } from '../../core/admin/commands.ts';
import type { HistoryAnswer, HistoryFault, HistoryHead } from '../../core/admin/history/entry.ts';
import { type HistoryResource, readResourceKey } from '../../core/admin/history/resource-key.ts';
import type { JsonObject } from '../../core/json.ts';
import { projectName } from '../../core/names.ts';
import { renderAnswer, type View } from './answers.ts';
import { nextPageToken } from './query.ts';

/** `view` undefined: of the organization. */
export function renderHistory(answer: HistoryAnswer, view: View | undefined, publicOrigin: string): JsonObject {
  const integrity = integrityOf(answer.faults);
  const under = view === undefined ? 'organizations/1' : projectName(view.projectNumber);
  switch (answer.kind) {
    case 'entries': {
      const entries = answer.entries.map((entry) => renderHead(entry, under));
      return { entries, ...integrity, ...next(answer.next) };
    }
    case 'entry': {
      const { before, after, ...head } = answer.entry;
      return { ...renderHead(head, under), ...sides({ resource: head.resource, before, after }), ...integrity };
    }
    case 'differences':
      return { differences: answer.differences.map(sides), ...integrity, ...next(answer.next) };
  }

  function sides({ resource, before, after }: { resource: string; before: string | null; after: string | null }) {
    return {
      resource,
      ...(before === null ? {} : { before: shown(resource, before) }),
      ...(after === null ? {} : { after: shown(resource, after) }),
    };
  }

  function shown(resource: string, body: string): JsonObject {
    const row: unknown = JSON.parse(body);
    const kind = readResourceKey(resource)?.kind ?? (resource === 'policy/organization' ? 'policy' : 'project');
    return renderAnswer(answerOf(kind, row), view ?? { projectNumber: '', projectId: '', publicOrigin });
  }
}

/** Rows are written by the Registry alone, each under the name of its kind. */
function answerOf(kind: HistoryResource['kind'], row: unknown): Answer {
  const member = kind === 'denyPolicy' ? 'policy' : kind === 'quotaPreference' ? 'preference' : kind;
  const more = kind === 'provider' ? { warnings: [] } : {};
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the row is of this kind, as its name says
  return { kind, [member]: row, ...more } as unknown as Answer;
}

function renderHead(entry: HistoryHead, under: string): JsonObject {
  const { sequence, epoch, time, actor, address, requestId, command, resource } = entry;
  return {
    name: `${under}/history/${sequence}`,
    sequence: String(sequence),
    epoch: String(epoch),
    time,
    actor,
    ...(address === '' ? {} : { address }),
    ...(requestId === '' ? {} : { requestId }),
    command,
    ...(resource === '' ? {} : { resource }),
  };
}

function integrityOf(faults: readonly HistoryFault[]): JsonObject {
  const named = faults.map(({ sequence, description }) => ({
    ...(sequence === undefined ? {} : { sequence: String(sequence) }),
    description,
  }));
  return faults.length === 0 ? { integrity: 'INTACT' } : { integrity: 'DOUBTFUL', faults: named };
}

function next(at: number | undefined): JsonObject {
  return at === undefined ? {} : nextPageToken(String(at));
}
