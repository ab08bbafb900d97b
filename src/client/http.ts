/** One question over HTTP and its answer: what a refusal says, in whichever dialect it comes. */

/** As much of `fetch` as is used here; the global one of every runtime fits. */
export type Fetch = (
  url: string,
  init: { readonly method: string; readonly headers: Record<string, string>; readonly body?: string },
) => Promise<{
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}>;

export interface ClientOptions {
  /** Without a trailing slash, e.g. `https://sts.example.com`. */
  readonly origin: string;
  /** The administrator's bearer token; an exchange needs none. */
  readonly token?: string;
  readonly fetch: Fetch;
}

export interface ApiError {
  readonly status: number;
  /** `ALREADY_EXISTS` and its like from the administration, `invalid_target` and its like from the token endpoint. */
  readonly code: string;
  readonly message: string;
  /** google.rpc.Status's details, where there are any: which fields are wrong, which permission is missing. */
  readonly details?: readonly unknown[];
}

export type Reply<T> =
  | { readonly ok: true; readonly value: T; readonly requestId: string }
  | { readonly ok: false; readonly error: ApiError; readonly requestId: string };

/** A document is asked for and read whole; anything but a 200 with JSON is a refusal. Throws what `fetch` throws. */
export async function ask<T>(
  { origin, fetch }: ClientOptions,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
): Promise<Reply<T>> {
  const response = await fetch(
    `${origin}${path}`,
    body === undefined ? { method, headers } : { method, headers, body },
  );
  const text = await response.text();
  const requestId = response.headers.get('x-request-id') ?? '';
  const document = parseJson(text);
  if (response.status === 200 && document !== undefined) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the contract says the shape; the broker is whom we ask
    return { ok: true, value: document as T, requestId };
  }
  return { ok: false, error: readError(response.status, document, text), requestId };
}

const EXCERPT_CHARACTERS = 200;

/** Three dialects: google.rpc.Status, OAuth, and whatever stands between us and the broker. */
function readError(status: number, document: unknown, text: string): ApiError {
  const { error, error_description: description } = record(document);
  if (typeof error === 'string') return { status, code: error, message: asText(description) };
  const { status: code, message, details } = record(error);
  if (typeof code === 'string') {
    return { status, code, message: asText(message), ...(Array.isArray(details) ? { details } : {}) };
  }
  return { status, code: 'UNKNOWN', message: text.slice(0, EXCERPT_CHARACTERS) };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function parseJson(text: string): unknown {
  try {
    const document: unknown = JSON.parse(text);
    return document;
  } catch {
    return undefined;
  }
}
