import type { AnswerDialect } from './answers.ts';
import type { Inbound, OriginalRequest, Unreadable } from './original-request.ts';

/** How a proxy that asks says the original request, and how it wants the answer. */
export interface ProxyDialect {
  /** In the path of its endpoint: `/api/authz/<name>`, `/api/authz/<tenant>/<name>`. */
  readonly name: string;
  /** What follows the endpoint in the path is the path that is asked about. */
  readonly appendsPath: boolean;
  /** @param appended what followed the endpoint; empty where nothing may */
  readonly readOriginal: (req: Inbound, appended: string) => OriginalRequest | Unreadable;
  readonly answers: AnswerDialect;
}
