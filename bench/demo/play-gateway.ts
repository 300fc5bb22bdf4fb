import { createRemoteJWKSet, jwtVerify } from 'jose';
import { genericGrantRequest } from 'openid-client';
import { approveDevice, connectApp } from './apps.ts';
import { createBrowser, describePage } from './browser.ts';
import { type DemoUser, loadDemoTenant } from './demo-tenant.ts';
import { expectSame, expectThat, present } from './expectations.ts';
import { type Harbour, readDelivered, serviceResource } from './harbour.ts';
import { type Exchange, exchange } from './http-exchange.ts';
import type { Step } from './play-tenant.ts';

type Headers = Readonly<Record<string, string>>;

/** A service that knows no OAuth, called in every way that there is. */
export const playGateway = async (
  { url, serviceUrl, tenantsDirectory }: Harbour,
  step: Step,
): Promise<void> => {
  const harbour = loadDemoTenant(tenantsDirectory, 'harbour', url);
  const [mara, nils] = [harbour.user('mara'), harbour.user('nils')];
  const named = { 'X-ID-TENANT-NAME': 'harbour' };
  const call = (path: string, headers: Headers): Promise<Exchange> =>
    exchange(new URL(`${serviceUrl}${path}`), { headers });

  const cookie = await step('Basic: name, password, X-ID-TENANT-NAME', async () => {
    const answer = await call('/ships?page=2', { ...named, Authorization: basic(mara) });
    const { url: path, headers } = readDelivered(answer);
    expectSame('path', '/cargo/ships?page=2', path);
    expectSame('user, roles', ['mara', 'keeper'], [headers['remote-user'], headers['x-auth-roles']]);
    expectSame('Authorization at the service', undefined, headers.authorization);
    const [pair = ''] = present('Set-Cookie', answer.headers['set-cookie']?.[0]).split(';');
    return pair;
  });

  await step('… its token is verified with the tenant’s keys', async () => {
    const { headers } = readDelivered(await call('/ships', { ...named, Authorization: basic(mara) }));
    const keys = createRemoteJWKSet(new URL(`${harbour.issuer}/jwks`));
    const { payload } = await jwtVerify(String(headers['x-auth-token']), keys, {
      issuer: harbour.issuer,
      audience: serviceUrl,
    });
    expectSame('preferred_username', 'mara', payload.preferred_username);
  });

  await step('… GWSESSIONID alone does next time', async () => {
    const { headers } = readDelivered(await call('/ships', { Cookie: cookie, 'Remote-User': 'admin' }));
    expectSame('user', 'mara', headers['remote-user']);
  });

  await step('A wrong password is a 401, and no way around it', async () => {
    const wrong = { ...mara, password: 'guess' };
    const answer = await call('/ships', { ...named, Cookie: cookie, Authorization: basic(wrong) });
    const challenge = answer.headers['www-authenticate'] ?? '';
    expectSame('status', 401, answer.status);
    expectThat(challenge.startsWith('Basic realm="Harbour"'), 'a Basic challenge', challenge);
  });

  await step('Known but not allowed is a 403', async () => {
    const [keeper, other] = [
      await call('/keys/1', { ...named, Authorization: basic(mara) }),
      await call('/keys/1', { ...named, Authorization: basic(nils) }),
    ];
    expectSame('statuses', [200, 403], [keeper.status, other.status]);
  });

  await step('People of another tenant have no business here', async () => {
    const answer = await call('/ships', { 'X-ID-TENANT-NAME': 'shipyard', Authorization: basic(mara) });
    expectSame('status', 403, answer.status);
  });

  await step('Bearer: a JWT for the service, and the same as Basic', async () => {
    const migrator = await connectApp(harbour, 'migrator');
    const { access_token: token } = await genericGrantRequest(migrator.config, 'password', {
      username: nils.username,
      password: nils.password,
      scope: 'cargo:read',
      resource: serviceResource,
    });
    const asBearer = readDelivered(await call('/ships', { Authorization: `Bearer ${token}` }));
    const asBasic = readDelivered(
      await call('/ships', { Authorization: basic({ username: token, password: '' }) }),
    );
    const seen = [asBearer, asBasic].map(({ headers }) => headers['remote-user']);
    expectSame('users', ['nils', 'nils'], seen);
  });

  await step('A browser signs in and gets what it asked for', async () => {
    const browser = createBrowser(url);
    const wanted = `${serviceUrl}/ships?page=3&sort=name`;
    const login = await browser.open(wanted);
    const page = await browser.submit(login, { fields: { login: nils.username, password: nils.password } });
    expectThat(page.url.href === wanted, wanted, describePage(page));
    expectSame('user', 'nils', readDelivered(page).headers['remote-user']);
  });

  await step('A device by the older addresses, and its token', async () => {
    const asked = await readJson(
      await exchange(new URL(`${url}/tenant/harbour/loginDevice`), {
        form: { device_name: 'Scanner at pier 3', device_serial: 'P3-001' },
      }),
    );
    const { device_code: code, user_code: userCode, verification_uri: page } = asked;
    await approveDevice(
      createBrowser(url),
      {
        device_code: String(code),
        user_code: String(userCode),
        verification_uri: String(page),
        verification_uri_complete: `${String(page)}?user_code=${String(userCode)}`,
        expires_in: Number(asked.expires_in),
      },
      nils,
    );
    const state = new URL(`${url}/auth/info/state`);
    state.searchParams.set('device_code', String(code));
    const { access_token: token } = await readJson(await exchange(state));
    const { headers } = readDelivered(await call('/ships', { Authorization: `Bearer ${String(token)}` }));
    expectSame('user', 'nils', headers['remote-user']);
  });

  await step('nginx, Traefik, Caddy or Envoy may ask instead', async () => {
    const { host } = new URL(url);
    const answer = await exchange(new URL(`${url}/api/authz/forward-auth`), {
      headers: {
        'X-Forwarded-Method': 'GET',
        'X-Forwarded-Proto': 'http',
        'X-Forwarded-Host': host,
        'X-Forwarded-Uri': '/cargo/ships',
        Cookie: cookie,
      },
    });
    expectSame('status, user', [200, 'mara'], [answer.status, answer.headers['remote-user']]);
  });
};

const basic = ({ username, password }: Pick<DemoUser, 'username' | 'password'>): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

const readJson = async (answer: Exchange): Promise<Readonly<Record<string, unknown>>> => {
  if (answer.status !== 200)
    throw new Error(`expected 200, saw ${answer.status}: ${answer.text.slice(0, 200)}`);
  return JSON.parse(answer.text);
};
