/** The measurements, one after the other; each starts what it needs, and ends it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Bundles, buildBundles } from './bundles.ts';
import { measureConfiguration } from './configuration.ts';
import { inspect, profile, usedHeapMib } from './inspector.ts';
import { type LoadGenerator, startLoadGenerator, writePool } from './load.ts';
import type { BenchOptions, Section } from './options.ts';
import { DEX_NAME, findDex, startDex } from './peers/dex.ts';
import { alternate, type Contender, median, type Row, type Summary, summarize } from './rounds.ts';
import { freePort, newFolder, type Server, startBroker, startProcess, startWorker } from './servers.ts';
import { variablesOf } from './variables.ts';
import { BASE, claimsOfAnAnswer, makeWorld, type World, type WorldShape } from './world.ts';

export interface Figure {
  readonly section: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

export interface Measured {
  readonly rows: readonly Row[];
  readonly summaries: readonly Summary[];
  /** What is no load: times of a start, sizes. */
  readonly figures: readonly Figure[];
  /** What was left out, and why. */
  readonly notes: readonly string[];
}

const BROKER = 'edge-sts';
const CEILING = 'ceiling';

export async function measure(options: BenchOptions, say: (line: string) => void): Promise<Measured> {
  const folder = newFolder();
  const load = startLoadGenerator(options.autocannon);
  const rows: Row[] = [];
  const summaries: Summary[] = [];
  const figures: Figure[] = [];
  const notes: string[] = [];
  const rig = new Rig(folder, await buildBundles(folder), load, options, say);
  try {
    for (const section of options.sections) {
      say(section);
      const came = await SECTION[section](rig);
      rows.push(...(came.rows ?? []));
      summaries.push(...(came.summaries ?? []));
      figures.push(...(came.figures ?? []));
      notes.push(...(came.notes ?? []));
      await rig.stopAll();
    }
    return { rows, summaries, figures, notes };
  } finally {
    load.stop();
    await rig.stopAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

const FIRST_ONES = 20;

class Rig {
  readonly #folder: string;
  readonly #load: LoadGenerator;
  readonly #running: Server[] = [];
  #pools = 0;
  readonly bundles: Bundles;
  readonly options: BenchOptions;
  readonly say: (line: string) => void;

  constructor(
    folder: string,
    bundles: Bundles,
    load: LoadGenerator,
    options: BenchOptions,
    say: (line: string) => void,
  ) {
    this.#folder = folder;
    this.bundles = bundles;
    this.#load = load;
    this.options = options;
    this.say = say;
  }

  async broker(
    name: string,
    shape: Partial<WorldShape> = {},
    bundle = this.bundles.broker,
    { inspected = false, core }: { readonly inspected?: boolean; readonly core?: number } = {},
  ) {
    const server = await startBroker(bundle, variablesOf, { inspected, core });
    this.keep(server);
    const world = await makeWorld(server.origin, { ...BASE, ...shape });
    // Not all at once: of those who come while KV is behind a policy just written, only so many may ask whether it is (docs/state.md).
    for (const request of world.requests.slice(0, FIRST_ONES)) await claimsOfAnAnswer(server.origin, request);
    const contender: Contender = { name, server, poolPath: this.pool(world.requests), tokens: world.requests.length };
    return { server, world, contender };
  }

  /** The Workers that a broker is held against, with its tokens and answers as long as its own. */
  async reference(
    name: string,
    bundle: string,
    { server, world }: { server: Server; world: World },
    shape: Partial<WorldShape> = {},
    core?: number,
  ) {
    const [first] = world.requests;
    if (first === undefined) throw new Error('there is no request');
    const { algIn, algOut } = { ...BASE, ...shape };
    const variables = {
      CLAIMS: await claimsOfAnAnswer(server.origin, first),
      JWK: world.publicJwk,
      ISSUER: world.issuer,
      ALG_IN: algIn,
      ALG_OUT: algOut,
    };
    const worker = this.keep(await startWorker(bundle, variables, { core }));
    return { name, server: worker, poolPath: this.pool(world.requests) };
  }

  /** With the tokens of a broker, whose keys and issuer it knows. */
  async oidcProvider({ world }: { world: World }, core?: number): Promise<Contender> {
    const port = await freePort();
    const peer = fileURLToPath(new URL('peers/oidc-provider.mjs', import.meta.url));
    const input = JSON.stringify({ port, publicJwk: world.publicJwk, issuer: world.issuer });
    const server = this.keep(await startProcess(process.execPath, [peer], port, { input, core }));
    const headers = { Authorization: `Basic ${Buffer.from('bench:bench-only').toString('base64')}` };
    const requests = world.requests.map(({ form }) => ({ path: '/token', headers, form }));
    return { name: 'oidc-provider', server, poolPath: this.pool(requests) };
  }

  pool(requests: Parameters<typeof writePool>[1]): string {
    this.#pools += 1;
    const path = join(this.#folder, `pool-${this.#pools}`);
    writePool(path, requests);
    return path;
  }

  async rounds(section: string, contenders: readonly Contender[], reference: string, extraRounds = 0) {
    const { rounds, seconds, connections } = this.options;
    const plan = { section, rounds: rounds + extraRounds, durationMs: seconds * 1_000, connections };
    const rows = await alternate(this.#load, plan, contenders, this.say);
    return { rows, summaries: summarize(rows, reference) };
  }

  drive(server: Server, poolPath: string, durationMs: number) {
    return this.#load.drive({ port: server.port, poolPath, connections: this.options.connections, durationMs });
  }

  keep<S extends Server>(server: S): S {
    this.#running.push(server);
    return server;
  }

  async stopAll(): Promise<void> {
    for (const server of this.#running.splice(0)) await server.stop();
  }
}

const SECTION: Readonly<Record<Section, (rig: Rig) => Promise<Partial<Measured>>>> = {
  exchange: exchangeSection,
  'one-core': oneCoreSection,
  algorithms: algorithmsSection,
  conditions: conditionsSection,
  size: sizeSection,
  connections: connectionsSection,
  quota: quotaSection,
  configuration: configurationSection,
  start: startSection,
  memory: memorySection,
  profile: profileSection,
};

async function exchangeSection(rig: Rig): Promise<Partial<Measured>> {
  const broker = await rig.broker(BROKER);
  const silent = await rig.broker(`${BROKER} without audit line`, {}, rig.bundles.brokerWithoutAudit);
  const contenders: Contender[] = [
    broker.contender,
    silent.contender,
    await rig.reference(CEILING, rig.bundles.ceiling, broker),
    await rig.reference('jose and formData()', rig.bundles.jose, broker),
    await rig.reference('echo', rig.bundles.echo, broker),
  ];
  contenders.push(await rig.oidcProvider(broker));
  const found = await findDex(rig.options.dex);
  const notes: string[] = [];
  if ('skipped' in found) notes.push(`${DEX_NAME} was left out: ${found.skipped}`);
  else {
    const dex = await startDex(found.binary, BASE.tokens);
    rig.keep(dex.server);
    contenders.push({ name: `${DEX_NAME} (signs RS256)`, server: dex.server, poolPath: rig.pool(dex.requests) });
  }
  return { ...(await rig.rounds('exchange', contenders, CEILING)), notes };
}

const CORE = 0;

/** Every thread of a contender on one core: Node's cryptography and V8's collector run beside the main thread else, and not in each of them. */
async function oneCoreSection(rig: Rig): Promise<Partial<Measured>> {
  const broker = await rig.broker(BROKER, {}, rig.bundles.broker, { core: CORE });
  const contenders: Contender[] = [
    broker.contender,
    await rig.reference(CEILING, rig.bundles.ceiling, broker, {}, CORE),
    await rig.oidcProvider(broker, CORE),
  ];
  return rig.rounds('one-core', contenders, 'oidc-provider');
}

/** Each pair of algorithms has a ceiling of its own. */
async function algorithmsSection(rig: Rig): Promise<Partial<Measured>> {
  const rows: Row[] = [];
  const summaries: Summary[] = [];
  for (const shape of [
    { algIn: 'RS256', algOut: 'ES256' },
    { algIn: 'ES256', algOut: 'ES256' },
    { algIn: 'RS256', algOut: 'RS256' },
    { algIn: 'ES256', algOut: 'RS256' },
  ] as const) {
    const name = `${shape.algIn} in, ${shape.algOut} out`;
    const broker = await rig.broker(name, shape);
    const ceiling = await rig.reference(`${CEILING}, ${name}`, rig.bundles.ceiling, broker, shape);
    const came = await rig.rounds('algorithms', [broker.contender, ceiling], ceiling.name);
    rows.push(...came.rows);
    summaries.push(...came.summaries);
    await rig.stopAll();
  }
  return { rows, summaries };
}

async function conditionsSection(rig: Rig): Promise<Partial<Measured>> {
  const withOne = await rig.broker('with a condition');
  const without = await rig.broker('without', { conditions: false });
  const ceiling = await rig.reference(CEILING, rig.bundles.ceiling, withOne);
  return rig.rounds('conditions', [withOne.contender, without.contender, ceiling], CEILING);
}

async function sizeSection(rig: Rig): Promise<Partial<Measured>> {
  const shapes = rig.options.full
    ? [
        { providers: 1, bindings: 1 },
        { providers: 100, bindings: 1_000 },
        { providers: 10_000, bindings: 100_000, tokens: 2_000 },
      ]
    : [
        { providers: 1, bindings: 1 },
        { providers: 100, bindings: 1_000 },
      ];
  const contenders: Contender[] = [];
  for (const shape of shapes) {
    rig.say(`size: making ${shape.providers} providers and ${shape.bindings} bindings`);
    const { contender } = await rig.broker(`${shape.providers} providers, ${shape.bindings} bindings`, shape);
    contenders.push(contender);
  }
  return rig.rounds('size', contenders, contenders[0]?.name ?? '');
}

async function connectionsSection(rig: Rig): Promise<Partial<Measured>> {
  const broker = await rig.broker(BROKER);
  const ceiling = await rig.reference(CEILING, rig.bundles.ceiling, broker);
  const rows: Row[] = [];
  const summaries: Summary[] = [];
  for (const connections of rig.options.full ? [1, 4, 16, 64, 256] : [1, 256]) {
    const at = ({ name, ...rest }: Contender): Contender => ({ ...rest, name: `${name}, ${connections}`, connections });
    const came = await rig.rounds('connections', [at(broker.contender), at(ceiling)], `${CEILING}, ${connections}`);
    rows.push(...came.rows);
    summaries.push(...came.summaries);
  }
  return { rows, summaries };
}

const PACED_PER_SECOND = 400;
const SHARE_OF_A_NEAR_LIMIT = 0.95;

/** The same load far from its limit and at 95 % of it, once a minute has filled. Each of the two has half of the time. */
async function quotaSection(rig: Rig): Promise<Partial<Measured>> {
  const limitPerMinute = Math.round((PACED_PER_SECOND * 30) / SHARE_OF_A_NEAR_LIMIT);
  const near = await rig.broker('quota near', { limitPerMinute });
  const far = await rig.broker('quota far');
  const paced = [near, far].map(({ contender }) => ({ ...contender, perSecond: PACED_PER_SECOND }));
  const filling = Math.ceil(60 / (paced.length * rig.options.seconds));
  const { rows } = await rig.rounds('quota', paced, 'quota far', filling);
  const filled = rows.filter(({ round }) => round > filling);
  return { rows, summaries: summarize(filled, 'quota far') };
}

async function configurationSection(rig: Rig): Promise<Partial<Measured>> {
  const server = rig.keep(await startBroker(rig.bundles.broker, variablesOf));
  return { figures: await measureConfiguration(server.origin, rig.say) };
}

const STARTS = 11;

/**
 * A fresh process over the state of the one before: nothing is compiled, no key is open, no lease is held, and KV is empty.
 * The empty Worker has the broker's surroundings, KV and files of objects too: what differs is the script that is loaded.
 */
async function startSection(rig: Rig): Promise<Partial<Measured>> {
  const { server, world } = await rig.broker(BROKER);
  const [first] = world.requests;
  if (first === undefined) throw new Error('there is no request');
  const empty = rig.keep(await startBroker(rig.bundles.emptyHono, variablesOf));
  const bare: number[] = [];
  const starts: number[] = [];
  const firsts: number[] = [];
  const seconds: number[] = [];
  const empties: number[] = [];
  for (let at = 0; at < STARTS; at += 1) {
    await server.restart();
    starts.push(server.startMs + (await healthMs(server)));
    firsts.push(await timed(server, first));
    seconds.push(await timed(server, first));
    await empty.restart();
    empties.push(empty.startMs + (await healthMs(empty)));
    const alone = await startWorker(rig.bundles.emptyHono, {});
    bare.push(alone.startMs + (await healthMs(alone)));
    await alone.stop();
  }
  const figure = (name: string, value: number, unit: string): Figure => ({ section: 'start', name, value, unit });
  return {
    figures: [
      figure('start-up of workerd with the broker', median(starts), 'ms'),
      figure('start-up of workerd with an empty Hono Worker and the CEL engine', median(empties), 'ms'),
      figure('ratio', median(starts) / median(empties), ''),
      figure('start-up of the empty one without KV and objects beside it', median(bare), 'ms'),
      figure('first exchange', median(firsts), 'ms'),
      figure('second exchange', median(seconds), 'ms'),
    ],
  };
}

/** Plain workerd runs a script when its first request comes, so the start-up ends with an answer that takes nothing else. */
async function healthMs(server: Server): Promise<number> {
  const sentMs = performance.now();
  await (await fetch(`${server.origin}/healthz`)).text();
  return performance.now() - sentMs;
}

async function timed(server: Server, { path, form }: World['requests'][number]): Promise<number> {
  const body = new URLSearchParams({ ...form });
  const sentMs = performance.now();
  const answer = await fetch(`${server.origin}${path}`, { method: 'POST', body });
  await answer.text();
  if (answer.status !== 200) throw new Error(`a fresh start answers ${answer.status}`);
  return performance.now() - sentMs;
}

const POOLS = 1_000;

/** One isolate that has exchanged in a thousand pools; its objects live in the same isolate, so their memory counts as well. */
async function memorySection(rig: Rig): Promise<Partial<Measured>> {
  rig.say(`memory: making ${POOLS} pools`);
  const shape = { providers: POOLS, poolOfItsOwn: true, bindings: 1, tokens: 2 * POOLS };
  const { server, contender } = await rig.broker('1,000 pools', shape, rig.bundles.broker, { inspected: true });
  await rig.drive(server, contender.poolPath, 5_000);
  const inspector = await inspect(server.inspectorPort ?? 0, 'owner');
  const heap = await usedHeapMib(inspector);
  inspector.close();
  return { figures: [{ section: 'memory', name: 'V8 used heap after 1,000 pools', value: heap, unit: 'MiB' }] };
}

const PROFILE_ROWS = 60;

/** Where the time goes: self time by function, of a bundle that keeps its names (numbers are its lines). */
async function profileSection(rig: Rig): Promise<Partial<Measured>> {
  const { server, contender } = await rig.broker(BROKER, {}, rig.bundles.brokerReadable, { inspected: true });
  await rig.drive(server, contender.poolPath, 3_000);
  const inspector = await inspect(server.inspectorPort ?? 0, 'owner');
  const rows = await profile(inspector, async () => void (await rig.drive(server, contender.poolPath, 5_000)));
  inspector.close();
  const bySelf = rows.toSorted((one, other) => other.self - one.self).slice(0, PROFILE_ROWS);
  return { figures: bySelf.map(({ name, self }) => ({ section: 'profile', name, value: self * 100, unit: '%' })) };
}
