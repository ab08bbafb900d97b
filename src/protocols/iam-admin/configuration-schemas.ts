/** A configuration as it is wished: the documents of each kind, and the calls that carry them. The JSON Schema of the YAML files is made of these. */
import * as v from 'valibot';
import type { JsonObject } from '../../core/json.ts';
import { document, isJsonDocument, textMap } from '../body-shape.ts';
import { allowBinding, denyRules, pool, project, provider, role, serviceAccount, target } from './schemas.ts';

const text = v.exactOptional(v.string());
const flag = v.exactOptional(v.boolean());

const allowPolicyDocument = document({ bindings: v.array(allowBinding) });

const denyPolicyDocument = document({
  displayName: text,
  annotations: textMap,
  rules: v.array(denyRules),
});

/** By the kind that a resource's name begins with. */
export const DOCUMENTS = {
  project,
  pool,
  provider,
  target,
  serviceAccount,
  role,
  policy: allowPolicyDocument,
  denyPolicy: denyPolicyDocument,
} as const;

export const desiredChange = document({
  resource: v.string(),
  etag: text,
  /** Null: it is to be gone. */
  desired: v.nullable(v.custom<JsonObject>(isJsonDocument, 'Invalid type: Expected an object, or null')),
});

/** Each is looked at by itself, so that one that is wrong does not hide what is wrong with the others. */
const changes = v.exactOptional(v.array(v.custom<JsonObject>(isJsonDocument, 'Invalid type: Expected an object')));

export const applyConfiguration = document({
  changes,
  changeSet: text,
  stagedParts: v.exactOptional(v.number()),
  owner: text,
  prune: flag,
  takeOver: flag,
  etag: text,
  /** Resources that the sender knows to be wrong, where he only looks: who needs them is not refused for that as well. */
  refused: v.exactOptional(v.array(v.string())),
  validateOnly: flag,
});

export const stageChanges = document({ part: v.number(), changes });
