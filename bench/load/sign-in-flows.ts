import { createHash, randomBytes } from 'node:crypto';
import { createBrowser, describePage, type Page } from '../demo/browser.ts';
import { type Person, redirectUri, tvClient, webClient } from '../targets/fixtures.ts';
import type { TargetClient } from './target-client.ts';

export type Tokens = Readonly<Record<string, unknown>>;

/** A new browser: authorization request, login form, code, tokens. Five round trips of the browser and one of the app. */
export const signInWithCode = async (target: TargetClient, person: Person): Promise<Tokens> => {
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(16).toString('base64url');
  const request = target.endpoint('authorization_endpoint');
  request.search = new URLSearchParams({
    client_id: webClient.client_id,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid profile email',
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }).toString();
  const browser = createBrowser(target.origin, target.agent);
  const login = await browser.open(request);
  const back = await browser.submit(login, { fields: { login: person.username, password: person.password } });
  const code = back.url.searchParams.get('code');
  if (!back.isAtApp || code === null || back.url.searchParams.get('state') !== state)
    throw unexpected('a code', back);
  return target.post(
    target.endpoint('token_endpoint'),
    { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier },
    webClient,
  );
};

/** A device asks, a person enters its code in a new browser, confirms and signs in, the device collects tokens. */
export const signInOnDevice = async (target: TargetClient, person: Person): Promise<Tokens> => {
  const { client_id } = tvClient;
  const asked = await target.post(target.endpoint('device_authorization_endpoint'), {
    client_id,
    scope: 'openid',
  });
  const browser = createBrowser(target.origin, target.agent);
  const entry = await browser.open(String(asked.verification_uri));
  const confirm = await browser.submit(entry, { fields: { user_code: String(asked.user_code) } });
  const hasButton = confirm.text.includes('name="confirm" value="yes"') && confirm.text.includes('<button');
  const button = { name: 'confirm', value: 'yes' };
  const login = await browser.submit(confirm, hasButton ? { button } : { fields: { confirm: 'yes' } });
  const done = await browser.submit(login, { fields: { login: person.username, password: person.password } });
  if (done.status !== 200 || done.isAtApp) throw unexpected('the end of the device flow', done);
  return target.post(target.endpoint('token_endpoint'), {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    device_code: String(asked.device_code),
    client_id,
  });
};

const unexpected = (wanted: string, page: Page): Error =>
  new Error(`expected ${wanted}, saw ${describePage(page)} ${page.url.searchParams.get('error') ?? ''}`);
