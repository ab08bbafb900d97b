/** Nothing in a token makes us ask anybody (SECURITY.md §1.3, LESSONS.md §6, 1 and 7). */
import { env } from 'cloudflare:workers';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createBroker } from '../../src/worker.ts';
import { addCluster, type Cluster, createProject, type Fetch, postToken, tokenForm } from '../support/broker.ts';
import { countingObjects } from '../support/faulty-bindings.ts';
import { claimsFor } from './hostile-support.ts';

let ec: Cluster;

beforeAll(async () => {
  ec = await addCluster(await createProject());
});

describe('what a token says', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('causes no request to anybody, whatever its header and its issuer name', async () => {
    const asked: string[] = [];
    vi.stubGlobal('fetch', async (url: unknown) => {
      asked.push(String(url));
      return new Response('{}');
    });
    const objects = countingObjects(env.ISSUER_KEYS);
    const bound: Env = { ...env, ISSUER_KEYS: objects.namespace };
    const broker = createBroker(bound);
    const edge: Fetch = async (request) => broker.fetch(request, bound);
    const evil = 'https://evil.example';
    const tokens = [
      ...[
        { jku: `${evil}/jwks` },
        { x5u: `${evil}/cert.pem` },
        { jwk: ec.issuer.publicJwk },
        { x5c: ['MIIB'] },
        { kid: `${evil}/key` },
        { kid: `//${evil}` },
        { x5t: `${evil}/t` },
        { typ: `${evil}/t` },
        { crit: ['jku'], jku: evil },
        { iss: evil },
      ].map((more) => ec.issuer.sign(claimsFor(ec), more)),
      ...[
        { iss: evil },
        { iss: `${ec.issuerUri}.evil.example` },
        { aud: evil },
        { jwks_uri: evil },
        { _claim_sources: { src: { endpoint: evil } } },
      ].map((more) => ec.issuer.sign(claimsFor(ec, more))),
    ];
    const statuses = [];
    for (const token of await Promise.all(tokens)) {
      statuses.push((await postToken(tokenForm(ec.audience, token), {}, edge)).status);
      statuses.push((await postToken(tokenForm(undefined, token), {}, edge)).status);
    }
    expect(new Set(statuses)).toEqual(new Set([200, 400]));
    expect(asked).toEqual([]);
    expect(objects.names()).toEqual([]);
    // The counter counts.
    await fetch('https://control.example');
    expect(asked).toEqual(['https://control.example']);
  });
});
