/** `GET /configuration.schema.json`: what the files of `edge-sts apply` may say, for editors. Made when the broker is built, so everybody may read it. */
import type { Hono } from 'hono';
import type { ReadAsset } from '../../core/assets.ts';
import { assetDocumentRoutes } from '../asset-document.ts';

export const CONFIGURATION_SCHEMA_PATH = '/configuration.schema.json';

export function createConfigurationSchemaRoutes(readAsset: ReadAsset): Hono {
  return assetDocumentRoutes(
    CONFIGURATION_SCHEMA_PATH,
    'configuration.schema.json',
    'application/schema+json',
    readAsset,
  );
}
