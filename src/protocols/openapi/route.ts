/** `GET /openapi.json`: what the API is, made from its schemas when the broker is built. It says nothing of any project, so everybody may read it. */
import type { Hono } from 'hono';
import type { ReadAsset } from '../../core/assets.ts';
import { assetDocumentRoutes } from '../asset-document.ts';

export const OPENAPI_PATH = '/openapi.json';

export function createOpenApiRoutes(readAsset: ReadAsset): Hono {
  return assetDocumentRoutes(OPENAPI_PATH, 'openapi.json', 'application/json', readAsset);
}
