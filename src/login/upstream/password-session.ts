import type { SignedIn } from '../../accounts/account-types.ts';
import { definedOnly } from '../../defined-only.ts';
import type { CurrentSession } from '../../oidc/provider/current-session.ts';
import { findConnector, type LoginTenant } from '../login-tenant.ts';

/**
 * What a password began at its upstream: our session hangs on it, as after a sign-in by redirects. A password that only
 * confirmed a session of the same source was a proof, and leaves nothing there.
 * @returns the sealed facts for `ProvenLogin.upstream`; undefined when those of the session stay as they are
 */
export const keepPasswordSession = async (
  tenant: LoginTenant,
  { account, source, grant }: SignedIn,
  {
    findSession,
    isProof,
  }: { readonly findSession: () => Promise<CurrentSession | undefined>; readonly isProof: boolean },
): Promise<string | undefined> => {
  if (grant === undefined) return undefined;
  const { sub } = account;
  const session = isProof ? undefined : await findSession();
  const facts = session?.sub === sub ? await tenant.upstreamSessions.findById(session.id) : undefined;
  if (isProof || facts?.source === source) {
    void findConnector(tenant, source)?.revoke?.(grant.tokens); // nobody waits for it
    return undefined;
  }
  await tenant.provider.keepUpstreamTokens(sub, source, grant.tokens);
  const { issuer, sid, tokens } = grant;
  const { idToken, refreshToken } = tokens;
  return tenant.upstreamSessions.seal({
    source,
    ...definedOnly({ issuer, sid, idToken }),
    ...(refreshToken === undefined ? {} : { grant: { sub, refreshToken, isByPassword: true } }),
  });
};
