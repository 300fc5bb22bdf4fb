import type { AnswerDialect } from './answers.ts';
import type { Inbound, OriginalRequest, Unreadable } from './original-request.ts';

/** How a proxy describes the original request, and the form in which it expects the answer. */
export interface ProxyDialect {
  /** In the path of its endpoint: `/api/authz/<name>`, `/api/authz/<tenant>/<name>`. */
  readonly name: string;
  /** The rest of the path, behind the endpoint, is the path that is asked about. */
  readonly appendsPath: boolean;
  /** @param appended the rest of the path behind the endpoint; empty when the dialect allows none */
  readonly readOriginal: (req: Inbound, appended: string) => OriginalRequest | Unreadable;
  readonly answers: AnswerDialect;
}
