/** Which broker is asked, as whom, about which project: options before environment before what was logged in to. */
import type { Command } from 'commander';
import { createAdministration, type Administration } from '../client/administration.ts';
import { createClient, type Client } from '../client/client.ts';
import type { ClientOptions } from '../client/http.ts';
import { readContexts, type Context } from './contexts.ts';
import { usageFault } from './fault.ts';
import { checked, readTokenFile } from './secret-input.ts';
import type { CliWorld } from './world.ts';

export interface GlobalOptions {
  readonly server?: string;
  readonly context?: string;
  readonly project?: string;
  readonly tokenFile?: string;
}

export interface Connection {
  /** The broker's origin. */
  readonly server: string;
  readonly project: string | undefined;
  readonly token: string | undefined;
  readonly administration: Administration;
  readonly client: Client;
}

/** Where `npm start` serves. */
export const LOCAL_SERVER = 'http://127.0.0.1:8787';

export async function connect(command: Command, world: CliWorld): Promise<Connection> {
  const options = command.optsWithGlobals<GlobalOptions>();
  const { server, context } = findServer(options, world);
  const token = await findToken(options, world, context);
  const clientOptions: ClientOptions = {
    origin: server,
    fetch: world.fetch,
    ...(token === undefined ? {} : { token }),
  };
  return {
    server,
    project: findProject(options, world, context),
    token,
    administration: createAdministration(clientOptions),
    client: createClient(clientOptions),
  };
}

/** The project is a part of most names; where none is known, the person is told how to say it. */
export function needProject({ project }: Pick<Connection, 'project'>): string {
  if (project === undefined) {
    throw usageFault('Which project? Say --project ID, set EDGE_STS_PROJECT, or log in with --project.');
  }
  return project;
}

interface FoundServer {
  readonly server: string;
  readonly context: Context | undefined;
}

/**
 * A context's token belongs to its own server. Where another server is named, the token stays at home: a foreign `EDGE_STS_SERVER` in a
 * checked-out folder's environment must not fetch the administrator's token.
 */
function findServer(options: GlobalOptions, world: CliWorld): FoundServer {
  const { current, contexts } = readContexts(world);
  const name = options.context ?? (world.env['EDGE_STS_CONTEXT'] || undefined) ?? current;
  const context = name === undefined || !Object.hasOwn(contexts, name) ? undefined : contexts[name];
  if (context === undefined && name !== undefined) {
    const known = Object.keys(contexts).join(', ') || 'none';
    throw usageFault(`There is no context ${JSON.stringify(name)}; known: ${known}.`);
  }
  // A context that is asked for by name is meant, whatever the environment says.
  const inEnvironment = options.context === undefined ? world.env['EDGE_STS_SERVER'] || undefined : undefined;
  const named = options.server ?? inEnvironment;
  const server = readServer(named ?? context?.server ?? LOCAL_SERVER);
  return { server, context: context?.server === server ? context : undefined };
}

/** The origin; https, or this machine itself. */
export function readServer(text: string): string {
  if (!URL.canParse(text)) throw usageFault(`${JSON.stringify(text)} is no URL: say https://HOST.`);
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') throw usageFault('A server is named without user or password.');
  const isOrigin = url.pathname === '/' && url.search === '' && url.hash === '';
  if (!isOrigin) throw usageFault(`${JSON.stringify(text)} has a path: only the origin is needed, ${url.origin}.`);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isThisMachine(url.origin))) {
    throw usageFault(`${url.origin} is not https: a token sent there could be read on the way.`);
  }
  return url.origin;
}

/** The token that lies beside a local broker goes nowhere else, whatever a folder's environment says. */
export function isThisMachine(origin: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(new URL(origin).hostname);
}

async function findToken(
  options: GlobalOptions,
  world: CliWorld,
  context: Context | undefined,
): Promise<string | undefined> {
  if (options.tokenFile !== undefined) return readTokenFile(world, options.tokenFile);
  const fromEnvironment = world.env['EDGE_STS_TOKEN'] || undefined;
  if (fromEnvironment !== undefined) return checked(fromEnvironment, 'EDGE_STS_TOKEN');
  if (context?.tokenFile !== undefined) return readTokenFile(world, context.tokenFile);
  return context?.token;
}

function findProject(options: GlobalOptions, world: CliWorld, context: Context | undefined): string | undefined {
  const found = options.project ?? (world.env['EDGE_STS_PROJECT'] || undefined) ?? context?.project;
  if (found !== undefined && !/^[a-z0-9-]{4,32}$/.test(found)) {
    throw usageFault(`${JSON.stringify(found)} is neither a project's id nor its number.`);
  }
  return found;
}
