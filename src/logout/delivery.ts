import type { LogoutToken } from '../oidc/tokens/logout-tokens.ts';
import type { Outcome } from '../outbox/outbox.ts';

const timeLimitMs = 5000;

/**
 * One attempt (OpenID Connect Back-Channel Logout 1.0 section 2.5). The address is from the operator's file, so it may
 * be a private one; redirects are not followed. Never rejects.
 */
export const postLogout = async ({ uri, token }: LogoutToken, closing: AbortSignal): Promise<Outcome> => {
  try {
    const response = await fetch(uri, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: token }),
      redirect: 'manual',
      signal: AbortSignal.any([closing, AbortSignal.timeout(timeLimitMs)]),
    });
    await response.body?.cancel();
    return { state: response.ok ? 'delivered' : 'pending', words: `HTTP ${response.status}` };
  } catch (error) {
    return { state: 'pending', words: wordsOf(error) };
  }
};

const wordsOf = (error: unknown): string => {
  const { name, cause } = error as { name?: string; cause?: { code?: string } }; // what fetch throws
  return cause?.code ?? name ?? 'unknown';
};
