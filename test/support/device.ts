import type { Browser, Page } from './browser.ts';
import { type Answer, type Credentials, isLoginPage, postAs, tokenRequest } from './oauth-client.ts';
import { alice, type KnownClient, tv } from './sample-tenants.ts';

/** The device flow's two sides (RFC 8628): a device that asks, and a person who decides. */

export interface StartedDevice {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string;
  readonly expires_in: number;
  readonly interval: number;
}

export interface DeviceRequest {
  readonly client?: KnownClient;
  readonly scope?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** @throws Error unless there are codes */
export const startDevice = async (issuer: string, request: DeviceRequest = {}): Promise<StartedDevice> => {
  const { client = tv, scope = 'openid', headers = {} } = request;
  const { status, body } = await postAs(client, `${issuer}/device/auth`, { form: { scope }, headers });
  if (status !== 200) throw new Error(`no codes, but ${status} ${JSON.stringify(body)}`);
  return body as unknown as StartedDevice; // each test looks at what it needs
};

export const pollDevice = (
  issuer: string,
  { device_code }: Pick<StartedDevice, 'device_code'>,
  client: KnownClient = tv,
): Promise<Answer> =>
  tokenRequest(issuer, client, {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    device_code,
  });

/** Types a code into the page and sends it; resolves to what comes then: the confirmation, or the page again. */
export const enterCode = async (browser: Browser, issuer: string, userCode: string): Promise<Page> =>
  browser.submit(await browser.get(`${issuer}/device`), { user_code: userCode });

/** From the confirmation page to the last one, signing in on the way if asked. */
export const approve = async (
  browser: Browser,
  confirmation: Page,
  who: Credentials = alice,
): Promise<Page> => {
  const page = await browser.follow(await browser.submit(confirmation, { confirm: 'yes' }));
  if (!isLoginPage(page)) return page;
  return browser.follow(await browser.submit(page, { login: who.username, password: who.password }));
};

export const refuse = async (browser: Browser, confirmation: Page): Promise<Page> =>
  browser.follow(await browser.submit(confirmation, { abort: 'yes' }));

/** A person approves the device in a browser of their own. */
export const approveDevice = async (
  browser: Browser,
  issuer: string,
  { user_code }: Pick<StartedDevice, 'user_code'>,
  who: Credentials = alice,
): Promise<Page> => approve(browser, await enterCode(browser, issuer, user_code), who);
