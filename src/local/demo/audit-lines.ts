/** Finds the audit line of one exchange among what the broker writes to stdout. */
import type { Broker } from '../broker.ts';

export type AuditLine = Readonly<Record<string, unknown>>;

export interface AuditWatch {
  /** The line of that request, or an empty record where it does not come in time. */
  find(requestId: string): Promise<AuditLine>;
  end(): void;
}

const WAIT_MS = 2_000;
const LOOK_EVERY_MS = 20;

export function watchAuditLines(broker: Pick<Broker, 'onLine'>): AuditWatch {
  const seen: AuditLine[] = [];
  const end = broker.onLine((line) => {
    const parsed = parseAuditLine(line);
    if (parsed !== undefined) seen.push(parsed);
  });
  return {
    end,
    find: async (requestId) => {
      for (let waitedMs = 0; waitedMs < WAIT_MS; waitedMs += LOOK_EVERY_MS) {
        const found = seen.find((line) => line['requestId'] === requestId);
        if (found !== undefined) return found;
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
      return {};
    },
  };
}

function parseAuditLine(line: string): AuditLine | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const members = typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
    return members['event'] === 'exchange' ? members : undefined;
  } catch {
    return undefined;
  }
}
