import { TOTP } from 'otpauth';
import { type Browser, hasForm, type Page } from './browser.ts';
import {
  type Credentials,
  goToAuthorization,
  isLoginPage,
  type PreparedRequest,
  prepareAuthorization,
  type SignInRequest,
} from './oauth-client.ts';
import { alice } from './sample-tenants.ts';

/** An authenticator app. Each code that it gives is of a later time step than the one before. */
export interface AuthenticatorApp {
  readonly secret: string;
  /** The code of the present step, or of the next one if that was given already. */
  next(): string;
  /** The code that was given last. */
  last(): string;
}

const period = 30;

/** @param nowMs of the server's clock */
export const authenticatorApp = (secret: string, nowMs: () => number = Date.now): AuthenticatorApp => {
  const totp = new TOTP({ secret, period });
  let given = 0;
  const codeOf = (step: number): string => totp.generate({ timestamp: step * period * 1000 });
  return {
    secret,
    next: () => {
      given = Math.max(given + 1, Math.floor(nowMs() / 1000 / period) - 1);
      return codeOf(given);
    },
    last: () => codeOf(given),
  };
};

export const isSetUpPage = (page: Page): boolean => hasForm(page, { code: '', sealed: '' });

export const isFactorPage = (page: Page): boolean => hasForm(page, { code: '' }) && !isSetUpPage(page);

/** The key that the page shows for people who cannot scan its QR code. */
export const secretOn = (page: Page): string =>
  /<code class="secret">([A-Z2-7 ]+)<\/code>/.exec(page.body)?.[1]?.replaceAll(' ', '') ?? '';

export const recoveryCodesOn = (page: Page): readonly string[] =>
  [...page.body.matchAll(/<li><code>([0-9a-z-]{19})<\/code><\/li>/g)].map(([, code = '']) => code);

/** An authorization request up to the page after name and password. */
export const afterPassword = async (
  browser: Browser,
  request: SignInRequest,
  who: Credentials = alice,
): Promise<{ readonly page: Page; readonly prepared: PreparedRequest }> => {
  const prepared = prepareAuthorization(request);
  const { redirectUri } = request.client;
  const page = await goToAuthorization(browser, prepared, redirectUri);
  if (!isLoginPage(page)) throw new Error(`no login page, but ${page.status} at ${page.url}`);
  const sent = await browser.submit(page, { login: who.username, password: who.password });
  return { page: await browser.follow(sent, (target) => target.startsWith(redirectUri)), prepared };
};

/** Sends a form of the page, and follows to the next page or to the app. */
export const sendTo = async (
  browser: Browser,
  page: Page,
  {
    fields,
    redirectUri,
  }: { readonly fields: Readonly<Record<string, string>>; readonly redirectUri: string },
): Promise<Page> =>
  browser.follow(await browser.submit(page, fields), (target) => target.startsWith(redirectUri));

export interface SetUpApp {
  readonly app: AuthenticatorApp;
  readonly recoveryCodes: readonly string[];
  /** The redirect to the client. */
  readonly done: Page;
}

/** From the page that asks to set up an app, to the client. @throws Error at any other page */
export const setUpApp = async (
  browser: Browser,
  page: Page,
  { redirectUri, nowMs }: { readonly redirectUri: string; readonly nowMs: () => number },
): Promise<SetUpApp> => {
  if (!isSetUpPage(page)) throw new Error(`no page to set up an app, but ${page.status} at ${page.url}`);
  const app = authenticatorApp(secretOn(page), nowMs);
  const shown = await sendTo(browser, page, { fields: { code: app.next(), name: 'Phone' }, redirectUri });
  const recoveryCodes = recoveryCodesOn(shown);
  return { app, recoveryCodes, done: await sendTo(browser, shown, { fields: {}, redirectUri }) };
};
