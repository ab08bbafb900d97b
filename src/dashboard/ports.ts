/** What the dashboard is handed. It has no way to configuration, keys or quota but the REST administration itself. */
import type { AuthenticateAdmin } from '../core/admin/authenticated.ts';
import type { ReadAsset } from '../core/assets.ts';
import type { Sessions } from '../core/admin/sessions.ts';

export interface DashboardPorts {
  readonly publicOrigin: string;
  readonly authenticate: AuthenticateAdmin;
  readonly sessions: Sessions;
  readonly readAsset: ReadAsset;
  nowMs(): number;
  /** A body of at most so many bytes of UTF-8; undefined for any other, and for one that does not come to its end. */
  readText(request: Request, maxBytes: number): Promise<string | undefined>;
  /** The REST administration (`/v1/…`): who asks, whether he may, and the answer, exactly as for any other client. */
  ask(request: Request, requestId: string): Promise<Response>;
}
