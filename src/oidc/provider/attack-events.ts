// Attacks that the library notices, by its events: a rotated refresh token that is used again, and client assertions
// that prove nothing.
import type { EventEmitter } from 'node:events';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Replays } from './replays.ts';

/** Endpoints at which clients authenticate. */
const refusals = [
  'grant.error',
  'introspection.error',
  'revocation.error',
  'device_authorization.error',
  'pushed_authorization_request.error',
] as const;

export const observeAttacks = (provider: Provider, replays: Pick<Replays, 'note'>): void => {
  const emitter: EventEmitter = provider; // the events' typed signatures differ by event

  // at the token endpoint the library ends a grant for one reason: something was used a second time
  emitter.on('grant.revoked', ({ oidc }: KoaContextWithOIDC, grantId: string) => {
    const { RefreshToken: token } = oidc.entities;
    if (oidc.route !== 'token' || token?.grantId !== grantId) return;
    const { clientId, accountId: sub } = token;
    replays.note({ action: 'refresh_token.reuse', reason: 'grant_revoked', clientId, sub });
  });

  for (const event of refusals)
    emitter.on(event, ({ oidc }: KoaContextWithOIDC, error: Error & { readonly error_detail?: string }) => {
      const { client_assertion: assertion, client_id: named } = oidc?.body ?? {};
      // a refusal for another reason comes after the client has been found
      const isUnproven = error.message === 'invalid_client' || oidc?.client === undefined;
      if (!isUnproven || typeof assertion !== 'string') return;
      const said = typeof named === 'string' ? named.slice(0, 200) : nameIn(assertion);
      const clientId = oidc.client?.clientId ?? said;
      replays.note({ action: 'client.assertion', reason: error.error_detail ?? 'refused', clientId });
    });
};

/** The client that an assertion says to be of; nothing is verified. */
const nameIn = (assertion: string): string | undefined => {
  try {
    const claims: unknown = JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString());
    const { sub } = (claims ?? {}) as { readonly sub?: unknown }; // of any type; only a text is used
    return typeof sub === 'string' ? sub.slice(0, 200) : undefined;
  } catch {
    return undefined;
  }
};
