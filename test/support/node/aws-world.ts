/** A running broker with an AWS account, a cluster whose tokens are made for `sts.amazonaws.com`, and a role with the trust policy of an EKS role. */
import type { STSClientConfig } from '@aws-sdk/client-sts';
import { workloadClaims, createIssuer, type Issuer, type WorkloadOptions } from '../issuer.ts';
import { startWorld, type World } from './demo-world.ts';

export const ACCOUNT = '111122223333';
export const EKS_ISSUER = 'https://oidc.eks.us-west-2.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE';
export const EKS_PREFIX = EKS_ISSUER.slice('https://'.length);
export const ROLE_ARN = `arn:aws:iam::${ACCOUNT}:role/shop/checkout`;

/** As `eksctl create iamserviceaccount` writes it. */
const EKS_TRUST_POLICY = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Federated: `arn:aws:iam::${ACCOUNT}:oidc-provider/${EKS_PREFIX}` },
      Action: 'sts:AssumeRoleWithWebIdentity',
      Condition: {
        StringEquals: {
          [`${EKS_PREFIX}:aud`]: 'sts.amazonaws.com',
          [`${EKS_PREFIX}:sub`]: 'system:serviceaccount:shop:checkout',
        },
      },
    },
  ],
};

export interface AwsWorld extends World {
  readonly endpoint: string;
  readonly providerPath: string;
  readonly eksIssuer: Issuer;
  eksToken(options?: Partial<WorkloadOptions>): Promise<string>;
  /** Audit lines since `from`. */
  attempts(from: number): Promise<readonly string[]>;
  addRole(accountId: string, awsRole: object): Promise<Record<string, unknown>>;
}

export async function startAwsWorld(): Promise<AwsWorld> {
  const world = await startWorld();
  const { projectNumber, pool } = world;
  await world.must('PATCH', `/v1/projects/${projectNumber}?updateMask=awsAccountId`, { awsAccountId: ACCOUNT });
  const eksIssuer = await createIssuer('RS256');
  const providerId = 'eks-cluster';
  const providers = `/v1/projects/${projectNumber}/locations/global/workloadIdentityPools/${pool}/providers`;
  await world.must('POST', `${providers}?workloadIdentityPoolProviderId=${providerId}`, {
    kubernetes: { clusterUri: 'https://clusters.example.com/eks', issuerUri: EKS_ISSUER, jwksJson: eksIssuer.jwksJson },
  });
  const addRole: AwsWorld['addRole'] = (accountId, awsRole) =>
    world.must('POST', `/v1/projects/${projectNumber}/serviceAccounts`, { accountId, serviceAccount: { awsRole } });
  await addRole('checkout', { arn: ROLE_ARN, trustPolicy: EKS_TRUST_POLICY });
  return {
    ...world,
    endpoint: `${world.broker.origin}/aws/sts`,
    providerPath: `${providers}/${providerId}`,
    eksIssuer,
    addRole,
    eksToken: (more = {}) =>
      eksIssuer.sign(workloadClaims({ issuerUri: EKS_ISSUER, audience: 'sts.amazonaws.com', ...more })),
    attempts: async (from) => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return world.lines.slice(from).filter((line) => line.includes('"event":"exchange"'));
    },
  };
}

export const clientConfig = (endpoint: string): STSClientConfig => ({ endpoint, region: 'eu-west-1' });
