/** Composition root (placeholder while the rooms are being built). */
export { Registry } from './platform/registry/object.ts';
export { Quota } from './platform/quota/object.ts';
export { KeyRing } from './platform/keys/object.ts';
export { IssuerKeys } from './platform/issuer-keys/object.ts';

export default {
  fetch(): Response {
    return new Response('not built yet', { status: 503 });
  },
} satisfies ExportedHandler<Env>;
