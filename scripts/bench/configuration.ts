/** A large configuration applied as a whole: a thousand clusters and a hundred thousand bindings, over HTTP, as the command line sends them. */
import { generateKeyPairSync } from 'node:crypto';
import { createAdministration } from '../../src/client/administration.ts';
import { createClient } from '../../src/client/client.ts';
import { SentWish } from '../../src/cli/config/broker.ts';
import { exportedYaml } from '../../src/cli/config/export.ts';
import { readYaml } from '../../src/cli/config/yaml-document.ts';
import type { Figure } from './sections.ts';
import { ADMIN_TOKEN } from './world.ts';

const PROVIDERS = 1_000;
const TARGETS = 100;
const BINDINGS_OF_A_TARGET = 1_000;
const PROJECT = { projectId: 'large-one', projectNumber: '900000000001' };
const POOL = `${PROJECT.projectId}.svc.id.goog`;
const IN_POOL = `principal://iam.googleapis.com/projects/${PROJECT.projectNumber}/locations/global/workloadIdentityPools/${POOL}`;
/** Too many for one person's rights to be written by hand, few enough that conditions are compiled once. */
const CONDITIONS = [
  'request.time < timestamp("2030-01-01T00:00:00Z")',
  'request.time.getHours("UTC") < 6',
  'resource.name.startsWith("orders")',
];

interface Change {
  readonly resource: string;
  readonly document: Readonly<Record<string, unknown>>;
}

function changes(): readonly Change[] {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const jwksJson = JSON.stringify({
    keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'bench', alg: 'RS256', use: 'sig' }],
  });
  const times = (count: number, make: (index: number) => Change) =>
    Array.from({ length: count }, (_, index) => make(index));
  return [
    { resource: 'role/reader', document: { includedPermissions: ['orders.get'] } },
    ...times(TARGETS, (index) => ({
      resource: `target/target-${index}`,
      document: { uri: `https://target-${index}.example.com` },
    })),
    ...times(PROVIDERS, (index) => ({
      resource: `provider/${POOL}/cluster-${index}`,
      document: {
        kubernetes: {
          clusterUri: `https://clusters.example.com/${index}`,
          issuerUri: 'https://kubernetes.default.svc.cluster.local',
          jwksJson,
        },
      },
    })),
    ...times(TARGETS, (index) => ({
      resource: `policy/target/target-${index}`,
      document: { bindings: bindings(index) },
    })),
  ];
}

function bindings(target: number): readonly object[] {
  return Array.from({ length: BINDINGS_OF_A_TARGET }, (_, index) => ({
    role: `projects/${PROJECT.projectId}/roles/reader`,
    members: [`${IN_POOL}/subject/ns/team-${target}/sa/app-${index}`],
    condition: { title: `grant ${index}`, expression: CONDITIONS[index % CONDITIONS.length] },
  }));
}

export async function measureConfiguration(origin: string, say: (line: string) => void): Promise<readonly Figure[]> {
  const options = { origin, token: ADMIN_TOKEN, fetch };
  const administration = createAdministration(options);
  const made = await createClient(options).createProject(PROJECT);
  if (!made.ok) throw new Error(`no project: ${made.error.message}`);
  const wished = changes();
  const figures: Figure[] = [];
  const timed = async <T>(name: string, work: () => Promise<T> | T): Promise<T> => {
    const startMs = performance.now();
    const value = await work();
    const seconds = (performance.now() - startMs) / 1_000;
    say(`${name}: ${seconds.toFixed(1)} s`);
    figures.push({ section: 'configuration', name, value: seconds, unit: 's' });
    return value;
  };
  const text = exportedYaml(
    wished.map((change) => ({ ...change })),
    { server: origin, projectId: PROJECT.projectId },
  );
  const yaml = await timed('reading its YAML', () => readYaml({ name: 'bench.yaml', text }));
  if (yaml.faults.length > 0) throw new Error(JSON.stringify(yaml.faults.slice(0, 3)));
  // The places of its nodes are asked for only where something is wrong.
  const documents = wished.map(({ resource, document }, index) => {
    const read = yaml.documents[index + 1];
    if (read === undefined) throw new Error('a document is missing');
    return { resource, desired: document, document: read };
  });
  const wish = { project: PROJECT.projectNumber, documents, owner: 'bench', prune: true, takeOver: false, refused: [] };
  const what = `${PROVIDERS} providers and ${TARGETS * BINDINGS_OF_A_TARGET} bindings`;
  const sent = new SentWish(administration, wish, () => undefined);
  const looked = await timed(`looking at ${what}`, () => sent.look());
  if (!looked.ok) throw new Error(looked.error.message);
  const applied = await timed(`applying ${what}`, () => sent.apply(String(looked.value['etag'])));
  if (!applied.ok) throw new Error(applied.error.message);
  const again = await timed('an empty diff of them', () => new SentWish(administration, wish, () => undefined).look());
  if (!again.ok || JSON.stringify(again.value['steps']) !== '[]') throw new Error('the diff is not empty');
  return figures;
}
