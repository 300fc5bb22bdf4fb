// Attacks that the library notices, by its events: a rotated refresh token that is used again, codes and tokens that come
// from somebody else, and assertions and subject tokens that prove nothing.

import type { EventEmitter } from 'node:events';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { unverifiedClaim } from '../../protocol/unverified-claim.ts';
import { noRedirectUri } from '../direct-login/challenge-endpoint.ts';
import { InvalidSubjectToken } from './errors.ts';
import type { Presented, Replay, Replays } from './replays.ts';

/** Endpoints at which clients authenticate. */
const refusals = [
  'grant.error',
  'introspection.error',
  'revocation.error',
  'device_authorization.error',
  'pushed_authorization_request.error',
] as const;

type Refusal = Error & { readonly error_detail?: string; readonly error_description?: string };

interface Refused {
  readonly error: Refusal;
  /** A request that lacks it proves nothing wrong: the app may have forgotten it. */
  readonly hasRedirectUri: boolean;
}

export const observeAttacks = (provider: Provider, replays: Pick<Replays, 'note' | 'findUnnoted'>): void => {
  const emitter: EventEmitter = provider; // the events' typed signatures differ by event

  // at the token endpoint the library ends a grant for one reason: something was used a second time
  emitter.on('grant.revoked', ({ oidc }: KoaContextWithOIDC, grantId: string) => {
    const { RefreshToken: token } = oidc.entities;
    if (oidc.route !== 'token' || token?.grantId !== grantId) return;
    const { clientId, accountId: sub } = token;
    replays.note({ action: 'refresh_token.reuse', reason: 'grant_revoked', clientId, sub });
  });

  emitter.on('grant.error', ({ oidc }: KoaContextWithOIDC, error: Refusal) => {
    const clientId = oidc?.client?.clientId;
    if (clientId === undefined) return;
    if (error instanceof InvalidSubjectToken)
      return replays.note({ action: 'token_exchange.subject_token', reason: 'not_valid', clientId });
    const presented = replays.findUnnoted();
    const hasRedirectUri = oidc.params?.redirect_uri !== noRedirectUri;
    const misuse =
      presented === undefined ? undefined : misuseOf(presented, { clientId, error, hasRedirectUri });
    if (misuse !== undefined) replays.note(misuse);
  });

  for (const event of refusals)
    emitter.on(event, ({ oidc }: KoaContextWithOIDC, error: Refusal) => {
      const { client_assertion: assertion, client_id: named } = oidc?.body ?? {};
      // a refusal for another reason comes after the client has been found
      const isUnproven = error.message === 'invalid_client' || oidc?.client === undefined;
      if (!isUnproven || typeof assertion !== 'string') return;
      const said =
        typeof named === 'string' ? named.slice(0, 200) : unverifiedClaim(assertion, 'sub')?.slice(0, 200);
      const clientId = oidc.client?.clientId ?? said;
      replays.note({ action: 'client.assertion', reason: error.error_detail ?? 'refused', clientId });
    });
};

const actionIfUsed = {
  code: 'code.replay',
  device_code: 'device_code.replay',
  refresh_token: 'refresh_token.reuse',
} as const;

/**
 * What was issued to one client comes from another, or a code comes from an app that did not ask for it. Nothing is
 * revoked for that: anybody who has seen a code could end what the app got for it.
 */
const misuseOf = (
  { kind, isUsed, sub, ...issuedTo }: Presented,
  { clientId, ...refused }: Refused & { readonly clientId: string },
): Replay | undefined => {
  const reason = clientId === issuedTo.clientId ? unprovenBy(refused) : 'other_client';
  if (reason === undefined) return undefined;
  return { action: isUsed ? actionIfUsed[kind] : `${kind}.misuse`, reason, clientId, sub };
};

/** RFC 7636 section 4.6 and RFC 6749 section 4.1.3: what the sender of a code must know. */
const unprovenBy = ({ error, hasRedirectUri }: Refused): string | undefined => {
  const words = error.error_detail ?? error.error_description ?? '';
  if (words.includes('code_verifier')) return 'wrong_verifier';
  return hasRedirectUri && words.includes('redirect_uri mismatch') ? 'wrong_redirect_uri' : undefined;
};
