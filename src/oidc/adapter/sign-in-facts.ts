// What stored sessions and refresh tokens say of the sign-in that they came from.
import type { AdapterPayload } from 'oidc-provider';
import type { SessionOrigin } from '../../accounts/session-origin.ts';
import type { SessionFacts } from '../../accounts/sign-ins/session-pages.ts';
import type { RefreshTokenFacts } from '../../accounts/sign-ins/sign-in-sections.ts';
import { definedOnly } from '../../defined-only.ts';
import type { Artifact } from '../../storage/storage.ts';

interface StoredSession extends AdapterPayload {
  /** See `keepOrigin`. */
  readonly origin?: SessionOrigin;
  readonly directClientId?: string;
}

export const sessionFactsOf = ({ payload }: Artifact): SessionFacts => {
  const { amr, origin, directClientId } = JSON.parse(payload) as StoredSession; // written by toSession
  return { amr: Array.isArray(amr) ? amr : [], ...definedOnly({ clientId: directClientId, origin }) };
};

/** `iiat` is the time of the first token of the family. */
export const refreshTokenFactsOf = ({ payload }: Artifact): RefreshTokenFacts => {
  const { clientId = '', iat, iiat } = JSON.parse(payload) as AdapterPayload; // written by toArtifact
  return { clientId, ...definedOnly({ lastUsedAt: iat === iiat ? undefined : iat }) };
};
