/** What a caller needs to exchange: the files of Google's and AWS's clients, and a pod that has the right token projected into it. Pure. */
import { stringify } from 'yaml';
import { impersonationUrl, tokenEndpoint } from '../client/endpoints.ts';

export interface CallerOf {
  /** The broker's origin. */
  readonly server: string;
  /** `projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/ID`. */
  readonly provider: string;
}

/** Where the kubelet puts the token in the pods that we print. */
const TOKEN_FOLDER = '/var/run/secrets/edge-sts';
export const TOKEN_FILE = `${TOKEN_FOLDER}/token`;
const CONFIG_FOLDER = '/etc/edge-sts';
const CONFIG_NAME = 'google-credentials.json';
const TOKEN_SECONDS = 3_600;

/** Google's `external_account` file, with the project's number, never its id (WIRE.md A.11). */
export function googleConfig(
  { server, provider }: CallerOf,
  tokenFile: string,
  serviceAccount?: string,
): Readonly<Record<string, unknown>> {
  return {
    type: 'external_account',
    audience: `//iam.googleapis.com/${provider}`,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: tokenEndpoint(server),
    credential_source: { file: tokenFile },
    ...(serviceAccount === undefined
      ? {}
      : {
          service_account_impersonation_url: impersonationUrl(server, serviceAccount),
        }),
  };
}

export interface AwsProfile {
  readonly profile: string;
  readonly roleArn: string;
  readonly tokenFile: string;
  readonly region: string;
  /** Another STS than AWS's own. */
  readonly stsEndpoint?: string;
}

/** A profile for `~/.aws/config`: any SDK then calls AssumeRoleWithWebIdentity with what stands in the file. */
export function awsProfile({ profile, roleArn, tokenFile, region, stsEndpoint }: AwsProfile): string {
  const services = `${profile}-sts`;
  return [
    `[profile ${profile}]`,
    `role_arn = ${roleArn}`,
    `web_identity_token_file = ${tokenFile}`,
    `region = ${region}`,
    ...(stsEndpoint === undefined
      ? []
      : [`services = ${services}`, '', `[services ${services}]`, 'sts =', `  endpoint_url = ${stsEndpoint}`]),
    '',
  ].join('\n');
}

/** The audience that the kubelet must be asked for; a provider takes it unless it names others. */
export function kubernetesAudience(provider: string): string {
  return `https://iam.googleapis.com/${provider}`;
}

export interface PodOf extends CallerOf {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** A target's uri, for the call that the pod makes; absent: the broker itself. */
  readonly resource?: string;
}

/** A ConfigMap with Google's file, and a pod that posts one exchange and says what came of it. */
export function podYaml({ server, provider, namespace, serviceAccount, resource }: PodOf): string {
  const config = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'edge-sts', namespace },
    data: { [CONFIG_NAME]: JSON.stringify(googleConfig({ server, provider }, TOKEN_FILE), null, 2) },
  };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'edge-sts-caller', namespace },
    spec: {
      serviceAccountName: serviceAccount,
      restartPolicy: 'Never',
      containers: [
        {
          name: 'caller',
          image: 'curlimages/curl:8.16.0',
          command: ['curl', ...curlArguments(server, provider, resource)],
          env: [{ name: 'GOOGLE_APPLICATION_CREDENTIALS', value: `${CONFIG_FOLDER}/${CONFIG_NAME}` }],
          volumeMounts: [
            { name: 'token', mountPath: TOKEN_FOLDER, readOnly: true },
            { name: 'config', mountPath: CONFIG_FOLDER, readOnly: true },
          ],
        },
      ],
      volumes: [
        {
          name: 'token',
          projected: {
            sources: [
              {
                serviceAccountToken: {
                  audience: kubernetesAudience(provider),
                  expirationSeconds: TOKEN_SECONDS,
                  path: 'token',
                },
              },
            ],
          },
        },
        { name: 'config', configMap: { name: 'edge-sts' } },
      ],
    },
  };
  return [config, pod].map((document) => stringify(document, { lineWidth: 0 })).join('---\n');
}

/** The token goes from its file into the body: it stands in no argument, and so in no list of processes. */
function curlArguments(server: string, provider: string, resource?: string): readonly string[] {
  const parameters = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience: `//iam.googleapis.com/${provider}`,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    ...(resource === undefined ? {} : { resource }),
  };
  return [
    '-sS',
    '--fail-with-body',
    tokenEndpoint(server),
    ...Object.entries(parameters).flatMap(([name, value]) => ['--data-urlencode', `${name}=${value}`]),
    '--data-urlencode',
    `subject_token@${TOKEN_FILE}`,
  ];
}
