// An OpenID provider or OAuth 2.0 server as a source of people: sign-in by redirects, passwords, tokens, and logouts
// that the upstream reports.

import type { UpstreamSource } from '../../config/source/source-definition.ts';
import { randomId } from '../../crypto/ids.ts';
import { definedOnly } from '../../defined-only.ts';
import type { Connector, PasswordSource, RedirectSource, SourcePerson } from '../connector.ts';
import { createAccessTokens } from './access-tokens.ts';
import { beginSignIn } from './authorization-request.ts';
import { createDetails } from './details.ts';
import { examineUpstream } from './examine.ts';
import { finishSignIn } from './finish-sign-in.ts';
import { endSessionUrl, verifyLogoutToken } from './logout.ts';
import { createLookup } from './lookup.ts';
import { verifyPassword } from './password-sign-in.ts';
import { createPersonReader } from './person-reader.ts';
import { readAgain } from './read-again.ts';
import { revokeTokens } from './revocation.ts';
import { refreshTokens } from './tokens.ts';
import { createUpstreamClient, type UpstreamParts } from './upstream-client.ts';

export const createUpstreamConnector = (
  source: UpstreamSource,
  shared: UpstreamParts,
): Connector<SourcePerson> => {
  const client = createUpstreamClient(source, shared);
  const details = createDetails(client, shared);
  const reader = createPersonReader(client, { ...shared, details });
  const parts = { ...shared, reader };
  const lookup = createLookup(client, details, reader);

  const redirect: RedirectSource<SourcePerson> = {
    begin: (request) => beginSignIn(client, shared, request),
    finish: (answer, memory) => finishSignIn(client, parts, { answer, memory }),
    endSessionUrl: (logout) => endSessionUrl(client, logout),
    verifyLogoutToken: async (token) =>
      source.type === 'oidc' ? verifyLogoutToken(client, shared, token) : undefined,
    refresh: (refreshToken) => refreshTokens(client, shared, refreshToken),
    readAgain: (...asked) => readAgain(client, parts, asked),
  };

  const passwords: PasswordSource<SourcePerson> = {
    verify: (credentials) => verifyPassword(client, parts, credentials),
    // the time must not reveal whether an earlier source knows the person: this asks about one whom no source knows
    decoy: async () => {
      await passwords.verify({ login: `nobody-${randomId(12)}`, password: randomId(24) }).catch(() => {});
    },
  };

  return {
    definition: source,
    ...(canRedirect(source) ? { redirect } : {}),
    ...(source.passwordSignIn ? { passwords } : source.relaysBasic ? { relayed: passwords } : {}),
    ...(source.acceptUpstreamTokens ? { tokens: createAccessTokens(client, parts) } : {}),
    ...definedOnly({ lookup }),
    ...(source.clientId === undefined ? {} : { revoke: (grant) => revokeTokens(client, shared, grant) }),
    examine: (context) => examineUpstream(client, shared, context),
  };
};

/** A source that only accepts tokens has no client for redirects. */
const canRedirect = ({ clientId, discovery, userAuthorizationUri }: UpstreamSource): boolean =>
  clientId !== undefined && (discovery || userAuthorizationUri !== undefined);
