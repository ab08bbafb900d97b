/** The table of URLs that nobody may make us ask, at the administrator's door (SECURITY.md T6, LESSONS.md §6, 7): refused, and nothing sent. */
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { admin, createProject, must, postToken, type TestProject, tokenForm } from '../support/broker.ts';
import { createIssuer, workloadClaims } from '../support/issuer.ts';
import { REFUSED_URLS } from '../support/refused-urls.ts';

let project: TestProject;
let providers: string;
let asked: string[] = [];

beforeAll(async () => {
  // For good: an alarm that comes late asks no real host either.
  vi.stubGlobal('fetch', async (url: unknown) => {
    asked.push(String(url));
    return new Response('{}');
  });
  project = await createProject();
  const pools = `/v1/projects/${project.number}/locations/global/workloadIdentityPools`;
  await must('POST', `${pools}?workloadIdentityPoolId=pool`, {});
  providers = `${pools}/pool/providers`;
});

beforeEach(() => {
  asked = [];
});

const oidc = (issuerUri: string, more: object = {}): object => ({
  oidc: { issuerUri },
  attributeMapping: { 'google.subject': 'assertion.sub' },
  ...more,
});

describe('an administrator who gives a URL', () => {
  it.each(REFUSED_URLS)('%j as issuer is told so: %s', async (issuerUri) => {
    const made = await admin('POST', `${providers}?workloadIdentityPoolProviderId=never-made`, oidc(issuerUri));
    expect(made).toMatchObject({ status: 400, body: { error: { status: 'INVALID_ARGUMENT' } } });
    expect(made.text).toContain('oidc.issuerUri');
    expect((await admin('GET', `${providers}/never-made`)).status).toBe(404);
    // Nor does a token that names it make us ask.
    const audience = `//iam.googleapis.com${providers.slice(3)}/never-made`;
    const token = await (await createIssuer()).sign(workloadClaims({ issuerUri, audience }));
    expect((await postToken(tokenForm(audience, token))).status).toBe(400);
    expect(asked).toEqual([]);
  });

  it('that an issuer may be is asked for its keys: the control', async () => {
    const issuerUri = 'https://issuer.example.net/id';
    await must('POST', `${providers}?workloadIdentityPoolProviderId=good-one`, oidc(issuerUri));
    const audience = `//iam.googleapis.com${providers.slice(3)}/good-one`;
    const token = await (await createIssuer()).sign(workloadClaims({ issuerUri, audience }));
    expect((await postToken(tokenForm(audience, token))).status).toBe(503);
    expect(new Set(asked)).toEqual(new Set([`${issuerUri}/.well-known/openid-configuration`]));
  });

  it('of a provider that is there cannot be changed into one of them', async () => {
    await must('POST', `${providers}?workloadIdentityPoolProviderId=changing`, oidc('https://issuer.example.org'));
    asked = [];
    for (const [issuerUri] of REFUSED_URLS) {
      const path = `${providers}/changing?updateMask=oidc.issuerUri`;
      expect([issuerUri, (await admin('PATCH', path, { oidc: { issuerUri } })).status]).toEqual([issuerUri, 400]);
    }
    expect(await must('GET', `${providers}/changing`)).toMatchObject({
      oidc: { issuerUri: 'https://issuer.example.org' },
    });
    expect(asked.filter((url) => !url.startsWith('https://issuer.example.org/'))).toEqual([]);
  });

  it.each([
    'https://kubernetes.default.svc',
    'https://kubernetes.default.svc.cluster.local',
    'https://issuer.example.io',
  ])('the audience of a cluster’s own API server (%s) is none of ours', async (audience) => {
    const kubernetes = {
      clusterUri: 'https://clusters.example.com/one',
      issuerUri: 'https://issuer.example.io',
      allowedAudiences: [audience],
      jwksJson: (await createIssuer()).jwksJson,
    };
    const path = `/v1/projects/${project.number}/locations/global/workloadIdentityPools/${project.builtInPool}/providers`;
    const made = await admin('POST', `${path}?workloadIdentityPoolProviderId=never-made`, { kubernetes });
    expect(made.status).toBe(400);
    expect(made.text).toContain("the API server's own audience");
  });
});
