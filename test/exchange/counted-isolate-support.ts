/** An isolate and a cluster for it, with everything counted that leaves the isolate. */
import { env } from 'cloudflare:workers';
import { createBroker } from '../../src/worker.ts';
import {
  addCluster,
  addRole,
  addTarget,
  type Answer,
  createProject,
  type Fetch,
  member,
  ORIGIN,
  postToken,
  setPolicy,
  tokenForm,
} from '../support/broker.ts';
import { countingKv, silenceableObjects } from '../support/faulty-bindings.ts';

/** A project whose cluster may have tokens for one target. */
export async function busyCluster() {
  const project = await createProject();
  const cluster = await addCluster(project);
  const target = await addTarget(project);
  const members = [member(project, cluster.pool, '*', 'principalSet')];
  await setPolicy(target.path, [{ role: await addRole(project), members }]);
  return { cluster, target };
}

/** An isolate of which everything that leaves it is counted. */
export function countedIsolate({ cluster, target }: Awaited<ReturnType<typeof busyCluster>>) {
  const cache = countingKv(env.CACHE);
  const quota = silenceableObjects(env.QUOTA);
  const others = [
    silenceableObjects(env.REGISTRY),
    silenceableObjects(env.KEY_RING),
    silenceableObjects(env.ISSUER_KEYS),
  ];
  const [registry, keyRing, issuerKeys] = others;
  const bound = {
    ...env,
    CACHE: cache.kv,
    QUOTA: quota.namespace,
    REGISTRY: registry?.namespace,
    KEY_RING: keyRing?.namespace,
    ISSUER_KEYS: issuerKeys?.namespace,
  } as Env;
  const broker = createBroker(bound);
  const edge: Fetch = async (request) => broker.fetch(request, bound);
  const form = async () => tokenForm(cluster.audience, await cluster.token(), { resource: target.uri });
  return {
    ask: async (): Promise<Answer> => postToken(await form(), {}, edge),
    request: async () => new Request(`${ORIGIN}/v1/token`, { method: 'POST', body: new URLSearchParams(await form()) }),
    fetch: edge,
    quota,
    elsewhere: () => cache.reads() + others.reduce((sum, one) => sum + one.calls(), 0),
    silenceAll: () => {
      quota.silence();
      for (const one of others) one.silence();
    },
  };
}
