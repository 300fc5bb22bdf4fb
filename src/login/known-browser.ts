import type { Context } from 'koa';
import type { SignedIn } from '../accounts/account-types.ts';
import { definedOnly } from '../defined-only.ts';
import { readKnownBrowserCookie, setKnownBrowserCookie } from './cookies.ts';
import type { LoginTenant } from './login-tenant.ts';

/** After a sign-in with a password: from now on this browser is known for the person. */
export const rememberBrowser = (
  { ctx, tenant }: { readonly ctx: Context; readonly tenant: LoginTenant },
  signedIn: SignedIn,
  login: string,
): void => {
  const { issuer } = tenant.provider;
  const browser = readKnownBrowserCookie(ctx, issuer);
  const value = tenant.accounts.rememberBrowser(signedIn, { login, ...definedOnly({ browser }) });
  setKnownBrowserCookie(ctx, issuer, value);
};
