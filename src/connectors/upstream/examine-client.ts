import { genericGrantRequest, randomPKCECodeVerifier } from 'openid-client';
import { beginSignIn } from './authorization-request.ts';
import { type Note, reasonOf } from './examination.ts';
import { failureOrOutage, isClientRefused } from './failures.ts';
import { endSessionUrl } from './logout.ts';
import type { UpstreamClient, UpstreamParts } from './upstream-client.ts';
import { readUserInfo } from './user-info.ts';

/** Invalid on purpose. */
const uselessValue = 'drawbridge-doctor';

/**
 * Redeems a code that was never issued. An upstream authenticates the client first, so `invalid_grant` means that it
 * knows our client.
 * @returns false when it refuses the client
 */
export const examineClient = async (
  client: UpstreamClient,
  { redirectUri, note }: { readonly redirectUri: string; readonly note: Note },
): Promise<boolean> => {
  const about = 'client authentication';
  try {
    await genericGrantRequest(await client.configuration(), 'authorization_code', {
      code: uselessValue,
      redirect_uri: redirectUri,
      ...(client.source.pkce ? { code_verifier: randomPKCECodeVerifier() } : {}),
    });
    note('warning', about, 'The provider gave tokens for a code that it never issued. Do not trust it.');
    return true;
  } catch (error) {
    return judge(client, { error, about, note });
  }
};

const judge = (
  { source }: UpstreamClient,
  { error, about, note }: { readonly error: unknown; readonly about: string; readonly note: Note },
): boolean => {
  try {
    const failure = failureOrOutage(error);
    const { code, detail } = failure;
    if (isClientRefused(failure)) {
      note(
        'problem',
        about,
        `The provider refuses the client (${detail}). Check "clientId", the secret, key or certificate, and "clientAuthMethod" (now ${source.clientAuthMethod}).`,
      );
      return false;
    }
    switch (code) {
      case 'invalid_grant':
      case 'bad_verification_code':
        note('ok', about, `The provider knows the client ${source.clientId} by ${source.clientAuthMethod}.`);
        break;
      case 'unauthorized_client':
      case 'unsupported_grant_type':
        note('problem', about, `${detail}. Allow the client the authorization code grant at the provider.`);
        break;
      default:
        note('warning', about, `The provider's answer says nothing about the client: ${detail}.`);
    }
  } catch (outage) {
    note('problem', about, `${reasonOf(outage)}. Check "accessTokenUri", or ask those who run the provider.`);
  }
  return true;
};

/**
 * Begins a sign-in that must not show a page (`prompt=none`) and reads where the upstream sends the browser. It does
 * not redirect to a redirect URI that it does not know (RFC 6749 section 4.1.2.1).
 */
export const examineRedirect = async (
  client: UpstreamClient,
  parts: UpstreamParts,
  {
    redirectUri,
    isClientKnown,
    note,
  }: { readonly redirectUri: string; readonly isClientKnown: boolean; readonly note: Note },
): Promise<void> => {
  const about = 'redirect URI';
  const register = `Register exactly ${redirectUri} for the client ${client.source.clientId} at the provider.`;
  try {
    const { url } = await beginSignIn(client, parts, {
      redirectUri,
      state: uselessValue,
      prompt: 'none',
    });
    const answer = await parts.upstreams.send(client.peer, { url, headers: { accept: 'text/html' } });
    const location = answer.headers.get('location');
    if (location?.startsWith(redirectUri) === true) note('ok', about, `The provider knows ${redirectUri}.`);
    else if (answer.status >= 400 || isRefusal(location, await answer.text()))
      note('problem', about, `The provider refuses it (${answer.status}). ${register}`);
    else if (location !== null) note('ok', about, 'The provider continues with the sign-in.');
    else note('warning', about, `It cannot be found out whether the provider knows it. ${register}`);
  } catch (error) {
    // a pushed request (RFC 9126) authenticates the client
    if (isClientKnown) note('problem', about, `${reasonOf(error)}. ${register}`);
    else note('warning', about, 'It cannot be found out before the provider takes the client.');
  }
};

/** For this error Keycloak, Entra and others show a page; Google redirects the browser to one. */
const isRefusal = (location: string | null, page: string): boolean =>
  location === null
    ? /redirect_uri_mismatch|AADSTS50011|invalid[ _](?:parameter: )?redirect/i.test(page)
    : /[/?&]error/i.test(location);

/**
 * Requests the sign-out page with and without our address. An upstream that refuses only the first request does not
 * know the address, and people who sign out there would see its error page.
 */
export const examineSignOut = async (
  client: UpstreamClient,
  { upstreams }: UpstreamParts,
  { signedOutUri, note }: { readonly signedOutUri: string; readonly note: Note },
): Promise<void> => {
  const url = await endSessionUrl(client, { postLogoutRedirectUri: signedOutUri, state: uselessValue });
  if (url === undefined) return;
  const bare = new URL(url);
  bare.searchParams.delete('post_logout_redirect_uri');
  bare.searchParams.delete('state');
  const answers = await Promise.all(
    [url, bare.href].map((at) =>
      upstreams.send(client.peer, { url: at, headers: { accept: 'text/html' } }).catch(() => undefined),
    ),
  );
  const [withUs, without] = answers.map((answer) => answer?.status);
  if (withUs !== undefined && withUs >= 400 && without !== undefined && without < 400)
    note(
      'warning',
      'sign-out',
      `The provider does not send people back to us. Register ${signedOutUri} as a post-logout redirect URI of the client ${client.source.clientId} there.`,
    );
};

/** A token that was never issued must be refused there. */
export const examineUserInfo = async (
  client: UpstreamClient,
  parts: UpstreamParts,
  note: Note,
): Promise<void> => {
  try {
    const { status } = await readUserInfo(client, parts, uselessValue);
    if (status === 'ok')
      note('problem', 'user-info', 'It answers to a token that was never issued. Check "userInfoUri".');
    else note('ok', 'user-info', 'It answers, and refuses a token that was never issued.');
  } catch (error) {
    note('problem', 'user-info', `${reasonOf(error)}. Check "userInfoUri".`);
  }
};
