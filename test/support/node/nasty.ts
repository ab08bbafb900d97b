/** Nasty texts, and every place of a broker that takes a text from somebody. */
import { createIssuer } from '../issuer.ts';
import { naughtyStrings } from '../vectors.ts';
import type { Shop } from './dashboard-world.ts';

/** The Big List of Naughty Strings, and some of our own: directions, templates, formulas, attributes that end early. */
export const STRINGS: readonly string[] = [
  ...naughtyStrings(),
  '"><img src=x onerror=alert(1)>',
  "'-alert(1)-'",
  '</title><script>alert(1)</script>',
  '</textarea><script>alert(1)</script>',
  '</option></select><script>alert(1)</script>',
  '{{constructor.constructor("alert(1)")()}}${alert(1)}#{alert(1)}<%= alert(1) %>',
  'javascript:alert(1)',
  '=HYPERLINK("http://evil.example","x")',
  '\u202Egnp.exe',
  'a\u0000b',
  'x'.repeat(1_048_576),
];

interface Stored {
  readonly principals: number;
  readonly names: number;
  readonly wishes: number;
  readonly titles: number;
  readonly pages: readonly string[];
}

export async function storeEverywhere(shop: Shop): Promise<Stored> {
  const { world, origin } = shop;
  const pools = '/v1/projects/shop/locations/global/workloadIdentityPools';
  const issuer = await createIssuer('ES256');
  await world.must('POST', `${pools}?workloadIdentityPoolId=nasty`, {});
  await world.must('POST', `${pools}/nasty/providers?workloadIdentityPoolProviderId=subjects`, {
    oidc: { issuerUri: 'https://issuer.example.com', jwksJson: issuer.jwksJson },
    attributeMapping: { 'google.subject': 'assertion.sub' },
  });
  const audience =
    '//iam.googleapis.com/projects/300000000003/locations/global/workloadIdentityPools/nasty/providers/subjects';
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const some = STRINGS.filter((text) => text.length < 10_000);
  let [principals, names, wishes, titles] = [0, 0, 0, 0];
  for (let from = 0; from < some.length; from += 20) {
    const statuses = await Promise.all(
      some.slice(from, from + 20).map(async (sub) => {
        const times = { iat: nowSeconds, nbf: nowSeconds, exp: nowSeconds + 600 };
        const token = await issuer.sign({ iss: 'https://issuer.example.com', aud: `https:${audience}`, sub, ...times });
        const body = new URLSearchParams({
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          audience,
          subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
          subject_token: token,
        });
        const answer = await fetch(`${origin}/v1/token`, { method: 'POST', body });
        await answer.arrayBuffer();
        return answer.status;
      }),
    );
    principals += statuses.filter((status) => status === 200).length;
  }
  // A name each, and a key id each, eight to a provider.
  const pages: string[] = ['clusters/nasty/subjects'];
  const poolOf = (at: number): string => (at < 200 ? 'nasty' : `nasty-${Math.floor(at / 200)}`);
  for (let from = 0; from < some.length; from += 8) {
    const kids = some.slice(from, from + 8);
    const keys = await Promise.all(
      kids.map(async (kid, at) => ({
        ...(await createIssuer('ES256', `k${from + at}`)).publicJwk,
        kid: kid.slice(0, 200),
      })),
    );
    if (from % 200 === 0 && from > 0) {
      await world.must('POST', `${pools}?workloadIdentityPoolId=${poolOf(from)}`, {});
      pages.push(`clusters?pool=${poolOf(from)}`);
    }
    for (const [at, displayName] of kids.entries()) {
      const id = `nasty-${from + at}`;
      const oidc = {
        issuerUri: `https://issuer-${from + at}.example.com`,
        jwksJson: at === 0 ? JSON.stringify({ keys }) : issuer.jwksJson,
      };
      const make = async (more: object): Promise<number> =>
        (
          await world.admin('POST', `${pools}/${poolOf(from)}/providers?workloadIdentityPoolProviderId=${id}`, {
            oidc,
            attributeMapping: { 'google.subject': 'assertion.sub' },
            ...more,
          })
        ).status;
      if ((await make({ displayName: displayName.slice(0, 32), description: displayName.slice(0, 256) })) === 200)
        names += 1;
      else if (at === 0) await make({});
      if (at === 0) pages.push(`clusters/${poolOf(from)}/${id}`);
    }
  }
  // A project keeps a hundred.
  for (const [at, text] of some.entries()) {
    const project = at < 90 ? 'shop' : `nasty-${Math.floor(at / 90)}`;
    if (at > 0 && at % 90 === 0) {
      await world.must('POST', '/v1/projects', { projectId: project });
      pages.push(`../${project}/requests`);
    }
    const preferences = `/v1/projects/${project}/locations/global/quotaPreferences`;
    const id = `nasty-${at}`;
    const wish = {
      service: 'sts',
      quotaId: 'TokenExchangeRequestsPerMinutePerProject',
      quotaConfig: { preferredValue: '7000', annotations: { note: text.slice(0, 200) } },
      justification: text.slice(0, 900),
    };
    if ((await world.admin('POST', `${preferences}?quotaPreferenceId=${id}`, wish)).status !== 200) continue;
    wishes += 1;
    await world.admin('POST', `${preferences}/${id}:refuse`, { comment: text.slice(0, 900) || 'no' });
    if (wishes % 6 === 0) pages.push(`../${project}/requests/${id}`);
  }
  const bindings = some.map((text) => ({
    role: 'roles/iam.workloadIdentityPoolViewer',
    members: [shop.principal('nobody', 'nobody')],
    condition: {
      title: text.slice(0, 90),
      expression: `request.time < timestamp("2030-01-01T00:00:00Z") || ${JSON.stringify(text.slice(0, 60))} == ""`,
    },
  }));
  for (let from = 0; from < bindings.length; from += 20) {
    const policy = { version: 3, bindings: bindings.slice(from, from + 20) };
    if ((await world.admin('POST', '/v1/projects/shop:setIamPolicy', { policy })).status === 200) titles += 20;
    else
      for (const binding of bindings.slice(from, from + 20)) {
        if (
          (await world.admin('POST', '/v1/projects/shop:setIamPolicy', { policy: { version: 3, bindings: [binding] } }))
            .status === 200
        )
          titles += 1;
      }
  }
  const history = (await world.must('GET', '/v1/projects/shop/history?pageSize=1'))['entries'] as {
    sequence: string;
  }[];
  const newest = Number(history[0]?.sequence ?? '1');
  for (let ago = 0; ago < 60; ago += 1) if (newest - ago > 0) pages.push(`history/${newest - ago}`);
  return { principals, names, wishes, titles, pages };
}
