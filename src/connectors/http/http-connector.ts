// A legacy system checks the password itself, and is asked over HTTP.

import type { Clock } from '../../clock.ts';
import type { HttpSource } from '../../config/source/source-definition.ts';
import { randomId } from '../../crypto/ids.ts';
import { isAppError } from '../../errors.ts';
import type { Connector, Credentials, PasswordVerdict, SourcePerson } from '../connector.ts';
import type { Transport } from '../upstream/transport.ts';
import { examineVerifier } from './examine-verifier.ts';
import { readVerdict } from './verifier-answer.ts';

export interface HttpConnectorParts {
  readonly transport: Pick<Transport, 'send'>;
  readonly clock: Clock;
}

const maxBytes = 64 * 1024;
const defaultRetrySeconds = 30;

/**
 * The contract of the verifier. It is asked with
 *
 *     POST <url>
 *     Authorization: Bearer <secret>
 *     Content-Type: application/json
 *
 *     { "username": "as it was typed", "password": "…" }
 *
 * and answers within the source's time limit, in at most 64 KiB, with no redirect:
 *
 * - `200 { "subject": "4711", "username": "alice", "email": "…", "groups": ["…"], … }`: the password is right.
 * `subject`
 *   is stable and never given to another person; text, or a whole number. All other members are claims for the mapping.
 * - any 4xx with `{ "error": "…" }`: `unknown` (the next source of the tenant is asked), `credentials`, and only when
 *   the password was right `password_change_required`, `password_expired`, `account_disabled`, `account_locked`.
 * - without such an `error`: 401 is `credentials`, 410 `account_disabled`, 423 `account_locked`.
 * - 429, with `Retry-After` in seconds: the system itself limits attempts.
 * - 5xx is an outage, and so are 403, 404 and 408 without an `error`, since proxies answer these when the system is down.
 * - any other answer is a fault of the system or of a setting, and so is a `WWW-Authenticate: Bearer` challenge, which
 *   refuses the secret and not the person.
 */
export const createHttpConnector = (
  definition: HttpSource,
  { transport, clock }: HttpConnectorParts,
): Connector<SourcePerson> => {
  const peer = { tls: definition.tls, timeoutMs: definition.requestTimeoutMs };

  const ask = ({ login, password }: Credentials): Promise<Response> =>
    transport.send(peer, {
      url: definition.url,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(definition.secret === undefined ? {} : { authorization: `Bearer ${definition.secret}` }),
      },
      body: JSON.stringify({ username: login, password }),
      maxBytes,
    });

  const verify = async (credentials: Credentials): Promise<PasswordVerdict<SourcePerson>> => {
    try {
      return await readVerdict(await ask(credentials), credentials.login);
    } catch (error) {
      if (!isAppError(error, 'throttled')) throw error;
      return {
        ok: false,
        reason: 'throttled',
        retryAfterSeconds: error.retryAfterSeconds ?? defaultRetrySeconds,
      };
    }
  };

  /** Asks about a person who does not exist. */
  const askForUnknown = () => verify({ login: `nobody-${randomId(12)}`, password: randomId(24) });

  return {
    definition,
    passwords: {
      verify,
      decoy: () =>
        askForUnknown().then(
          () => undefined,
          () => undefined,
        ),
    },
    examine: () => examineVerifier(definition, { peer, clock, askForUnknown }),
  };
};
