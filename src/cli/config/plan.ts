/** `apply` and `diff` alike: files, the project they are about, and what the broker says they would change. */
import type { Command } from 'commander';
import { isResource, type Resource } from '../../client/administration.ts';
import type { ApiError } from '../../client/http.ts';
import { connect, needProject, type Connection } from '../connection.ts';
import { usageFault } from '../fault.ts';
import { startProgress, type Progress } from '../progress.ts';
import { answered, faultOf } from '../reply.ts';
import type { CliWorld } from '../world.ts';
import { SentWish } from './broker.ts';
import { type FileFault, faultOfFiles } from './fault.ts';
import { placedFaults } from './places.ts';
import { parseSources, type ProjectNames, readWishes, type WishedDocument } from './read.ts';
import { readSources } from './source.ts';

export interface FileOptions {
  readonly filename: readonly string[];
  readonly owner?: string;
  readonly prune?: boolean;
  readonly takeOver?: boolean;
}

export interface Step {
  readonly resource: string;
  readonly action: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

export interface Plan {
  readonly project: string;
  readonly answer: Resource;
  readonly steps: readonly Step[];
  /** Makes it so; a refusal ends the command. */
  apply(): Promise<Resource>;
}

export async function withPlan(command: Command, world: CliWorld, use: (plan: Plan) => Promise<void>): Promise<void> {
  const progress = startProgress(world);
  try {
    const plan = await planOf(command, world, progress);
    await use(plan);
  } finally {
    progress.end();
  }
}

async function planOf(command: Command, world: CliWorld, progress: Progress): Promise<Plan> {
  const options = command.opts<FileOptions>();
  const parsed = parseSources(await readSources(world, options.filename));
  const connection = await connect(command, world);
  const project = projectOf(connection, parsed.header.project);
  const names = await namesOf(connection, project);
  const { wishes, faults, refused } = readWishes(parsed.documents, names);
  const owner = options.owner ?? parsed.header.owner;
  if (wishes.length === 0 && faults.length === 0 && parsed.faults.length === 0 && owner === undefined) {
    throw usageFault('The files hold no document: each begins with kind.');
  }
  const wish = {
    project: names.projectNumber,
    documents: wishes,
    ...(owner === undefined ? {} : { owner }),
    prune: owner !== undefined && options.prune !== false,
    takeOver: options.takeOver === true,
    refused,
  };
  const local = [...parsed.faults, ...faults];
  const sent = new SentWish(connection.administration, wish, (text) => progress.say(text));
  const looked = await sent.look();
  // What the broker finds besides is told at the same time; where it cannot look, what is known is enough.
  if (local.length > 0)
    throw faultOfFiles([...local, ...(looked.ok ? [] : (placedFaults(looked.error, wishes) ?? []))]);
  if (!looked.ok) throw refusalOf(looked.error, wishes, looked.requestId);
  return {
    project: names.projectId,
    answer: looked.value,
    steps: stepsOf(looked.value),
    apply: async () => {
      const applied = await sent.apply(typeof looked.value['etag'] === 'string' ? looked.value['etag'] : '');
      if (!applied.ok) throw refusalOf(applied.error, wishes, applied.requestId);
      return applied.value;
    },
  };
}

/** Two names for one question are asked about, not guessed between. */
function projectOf(connection: Connection, named: string | undefined): string {
  if (named === undefined) return needProject(connection);
  return named;
}

async function namesOf({ administration }: Connection, project: string): Promise<ProjectNames> {
  const found = answered(
    `get projects/${project}`,
    await administration.get(`projects/${encodeURIComponent(project)}`),
  );
  const { projectId, projectNumber } = found;
  if (typeof projectId !== 'string' || typeof projectNumber !== 'string')
    throw usageFault(`projects/${project} has no names.`);
  return { projectId, projectNumber };
}

function refusalOf(error: ApiError, wishes: readonly WishedDocument[], requestId: string): Error {
  const faults: readonly FileFault[] | undefined = placedFaults(error, wishes);
  return faults === undefined ? faultOf('apply', error, requestId) : faultOfFiles(faults);
}

export function stepsOf({ steps }: Resource): readonly Step[] {
  if (!Array.isArray(steps)) return [];
  return steps.filter(isResource).map((step) => ({
    resource: String(step['resource']),
    action: String(step['action']),
    ...(step['before'] === undefined ? {} : { before: step['before'] }),
    ...(step['after'] === undefined ? {} : { after: step['after'] }),
  }));
}
