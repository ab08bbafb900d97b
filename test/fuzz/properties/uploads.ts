/** Uploaded key sets (`jwksJson`): a document is taken exactly when a second opinion takes it, and from then on its keys verify and no others. */
import fc from 'fast-check';
import { keyDocument, kidsOf } from '../key-documents.ts';
import { encode } from '../mutations.ts';
import { type ClusterName, CLUSTERS, POOL } from '../names.ts';
import { keySetOf } from '../oracle/key-sets.ts';
import { subjectOf } from '../oracle/tokens.ts';
import type { FuzzProperty } from '../property.ts';
import { administer, ask, expectExchange, expectTaken, letIn } from '../speak.ts';
import { claimsFor, exchangeOf, expectedOf, makeToken } from '../workload-tokens.ts';

const FRESH: ClusterName = {
  provider: `${POOL}/providers/cluster-n`,
  audience: `//iam.googleapis.com/${POOL}/providers/cluster-n`,
  issuerUri: CLUSTERS.uploaded.issuerUri,
};

export const uploads: FuzzProperty = {
  name: 'uploaded key sets',
  share: 6,
  check: (world, tally, options) =>
    fc.assert(
      fc.asyncProperty(keyDocument, fc.boolean(), fc.constantFrom('a', 'b', 'c'), async (document, isNew, signer) => {
        await world.reset();
        const issuer = world.issuers[signer];
        const cluster = isNew ? FRESH : CLUSTERS.uploaded;
        const jwksJson = document(world.issuers);
        const set = keySetOf(jwksJson, 'handed over');
        const { issuerUri } = cluster;
        const created = { kubernetes: { clusterUri: 'https://clusters.example.com/n', issuerUri, jwksJson } };
        const answer = isNew
          ? await administer(
              world,
              'POST',
              `/v1/${POOL}/providers?workloadIdentityPoolProviderId=cluster-n`,
              encode(created),
              tally,
            )
          : await administer(
              world,
              'PATCH',
              `/v1/${cluster.provider}?updateMask=kubernetes.jwksJson`,
              encode({ kubernetes: { jwksJson } }),
              tally,
            );
        expectTaken(world, answer, set !== undefined, jwksJson);
        const before = isNew ? undefined : keySetOf(world.issuers.a.jwksJson, 'handed over');
        const { token, header, payload } = await makeToken(issuer, claimsFor(cluster));
        const subject = subjectOf(header, payload, expectedOf(cluster, kidsOf(set ?? before, issuer)));
        const asked = await ask(world, '/v1/token', exchangeOf(cluster, token), tally);
        expectExchange(world, asked, letIn(subject), `a token of ${issuer.kid} after ${jwksJson}`);
      }),
      options,
    ),
};
