/** Names of Registry objects: one directory of all projects, and one object for the configuration of each. */
export const DIRECTORY_NAME = 'directory';

export function projectRegistryName(projectNumber: string): string {
  return `project/${projectNumber}`;
}
