/** `export`: a project as files that make it again. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { exportedYaml } from '../config/export.ts';
import { connect, needProject } from '../connection.ts';
import { addExamples } from '../examples.ts';
import { startProgress } from '../progress.ts';
import { print } from '../output.ts';
import { answered } from '../reply.ts';
import type { CliWorld } from '../world.ts';

interface ExportOptions {
  readonly owner?: string;
  readonly out?: string;
}

export function exportCommand(program: Command, world: CliWorld): void {
  const command = program
    .command('export')
    .description('Write a project as YAML that apply takes: an empty diff as long as nobody changes anything.')
    .option('--owner <name>', 'only what this owner has')
    .option('--out <file>', 'into a file instead of stdout')
    .action(async () => {
      const { owner, out } = command.opts<ExportOptions>();
      const connection = await connect(command, world);
      const project = needProject(connection);
      const { administration, server } = connection;
      const progress = startProgress(world);
      const listed = administration.configuration(`projects/${project}`, {
        query: { owner },
        onPage: (count) => progress.say(`${count} resources`),
      });
      const [found, reply] = await Promise.all([administration.get(`projects/${project}`), listed]).finally(() => {
        progress.end();
      });
      const { projectId } = answered(`get projects/${project}`, found);
      const resources = answered(`export projects/${project}`, reply);
      const header = { server, projectId: String(projectId), ...(owner === undefined ? {} : { owner }) };
      const text = exportedYaml(resources, header);
      if (out !== undefined) {
        writeFileSync(resolve(world.cwd, out), text);
        world.stderr.write(`${resources.length} resources written to ${out}\n`);
        return;
      }
      print(command, world, {
        value: resources,
        names: resources.map(({ resource }) => String(resource)),
        text: () => text,
        isFile: true,
      });
    });
  addExamples(
    command,
    'edge-sts export -p my-project > my-project.yaml',
    'edge-sts export --owner team-a --out team-a.yaml',
  );
}
