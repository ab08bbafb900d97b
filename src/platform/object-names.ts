/** Names of Registry objects: `directory` is the one of all projects; each project has its own for its configuration. */
export function projectRegistryName(projectNumber: string): string {
  return `project/${projectNumber}`;
}

export const DIRECTORY_NAME = 'directory';
