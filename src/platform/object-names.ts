/** Names of objects. Of the Registry: `directory` is the one of all projects; each project has its own for its configuration. */
export function projectRegistryName(projectNumber: string): string {
  return `project/${projectNumber}`;
}

/** A project's second Quota object: what its service accounts' credentials cost never counts against its exchanges. */
export function credentialQuotaName(projectNumber: string): string {
  return `${projectNumber}/credentials`;
}

export const DIRECTORY_NAME = 'directory';
