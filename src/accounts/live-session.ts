// Whether a session at the provider is alive, for everything that ends with it: tokens, devices, sessions at services.
import type { Artifact } from '../storage/storage.ts';

/** One app, or one device of an app, that a session serves. */
export interface SessionAuthorization {
  readonly clientId: string;
  /** As the app knows it from its ID token. */
  readonly sid?: string;
  /** Id of the Grant artifact. */
  readonly grantId?: string;
}

export interface SessionLink {
  /** Of the Session artifact. */
  readonly sessionId: string;
  readonly sub: string | undefined;
}

/**
 * The session is stored and still belongs to the same person: another person may have signed in over it.
 * @param stored what was loaded, the session among it if it is there
 */
export const findLiveSession = (
  stored: readonly Artifact[],
  { sessionId, sub }: SessionLink,
): Artifact | undefined =>
  stored.find(({ kind, id, accountId }) => kind === 'Session' && id === sessionId && accountId === sub);

/**
 * The session still has this grant, which the person's next consent may have replaced.
 * @param grantId of the Grant artifact
 */
export const servesGrant = (authorizations: readonly SessionAuthorization[], grantId: string): boolean =>
  authorizations.some((authorization) => authorization.grantId === grantId);
