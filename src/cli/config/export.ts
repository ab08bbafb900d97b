/** What is configured → the files that make it again. */
import type { Resource } from '../../client/administration.ts';
import { toYaml } from '../output.ts';
import { locate } from './kinds.ts';

export interface ExportedHeader {
  readonly server: string;
  readonly projectId: string;
  readonly owner?: string;
}

/** `resources` as the broker lists them. */
export function exportedYaml(resources: readonly Resource[], { server, projectId, owner }: ExportedHeader): string {
  const header = { kind: 'Configuration', project: projectId, ...(owner === undefined ? {} : { owner }) };
  const documents = resources.flatMap(({ resource, document }) => {
    const located = typeof resource === 'string' ? locate(resource) : undefined;
    if (located === undefined) return [];
    // What is left out of the project's settings stays as it is, so nothing of these is left out.
    const spec = located.kind === 'Project' ? document : withoutEmpty(document);
    // The project's own pool comes with the project.
    const isBare = located.name === `${projectId}.svc.id.goog` && Object.keys(Object(spec)).length === 0;
    return located.kind === 'Pool' && isBare ? [] : [toYaml({ ...located, spec })];
  });
  const schema = `# yaml-language-server: $schema=${server}/configuration.schema.json\n`;
  return schema + [toYaml(header), ...documents].join('---\n');
}

/** Members at their empty default say nothing: left out they are the same. */
function withoutEmpty(document: unknown): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(Object(document)).filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  if (value === '' || value === false || value === null) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
