import { createRemoteJWKSet, jwtVerify } from 'jose';
import {
  clientCredentialsGrant,
  fetchUserInfo,
  genericGrantRequest,
  initiateDeviceAuthorization,
  pollDeviceAuthorizationGrant,
  refreshTokenGrant,
  tokenIntrospection,
  tokenRevocation,
} from 'openid-client';
import { type App, approveDevice, connectApp, signIn, signOut } from './apps.ts';
import { createBrowser } from './browser.ts';
import type { DemoTenant } from './demo-tenant.ts';
import { expectRefusal, expectSame, expectThat, present } from './expectations.ts';

/** Does one step and shows how it went. Throws when it failed. */
export type Step = <T>(name: string, work: () => Promise<T>) => Promise<T>;

/** What a tenant leaves behind for comparing it with another one. */
export interface PlayedTenant {
  readonly tenant: DemoTenant;
  readonly service: App;
  /** Good here, and nowhere else. */
  readonly accessToken: string;
}

/** Plays the apps of one tenant, one flow after the other. */
export const playTenant = async (tenant: DemoTenant, step: Step): Promise<PlayedTenant> => {
  const { origin } = new URL(tenant.issuer);
  const browser = createBrowser(origin);
  const [alice, bob] = [tenant.user('alice'), tenant.user('bob')];

  const { web, partner, migrator, service, tv } = await step('Discovery names the issuer', async () => ({
    web: await connectApp(tenant, 'web'),
    partner: await connectApp(tenant, 'partner'),
    migrator: await connectApp(tenant, 'migrator'),
    service: await connectApp(tenant, 'service'),
    tv: await connectApp(tenant, 'tv'),
  }));

  const tokens = await step('Authorization code + PKCE, through the login form', () =>
    signIn(web, { browser, user: alice, scope: 'openid profile email' }),
  );
  const sub = present('sub', tokens.claims()?.sub);

  await step('Userinfo tells who signed in', async () => {
    const claims = await fetchUserInfo(web.config, tokens.access_token, sub);
    expectSame('email', alice.email, claims.email);
  });

  const partnerTokens = await step('A second app: no password again, but consent', async () => {
    const others = await signIn(partner, { browser, scope: 'openid profile', consents: true });
    expectSame('sub', sub, others.claims()?.sub);
    return others;
  });

  const refreshed = await step('Refresh rotates; a retry gets the same successor', async () => {
    const old = present('refresh_token', tokens.refresh_token);
    const next = await refreshTokenGrant(web.config, old);
    expectThat(next.refresh_token !== old, 'a new refresh token', 'the old one again');
    const again = await refreshTokenGrant(web.config, old);
    expectThat(again.refresh_token === next.refresh_token, 'one successor for a retry', 'another one');
    return next;
  });

  await step('Introspection: the token is active', async () => {
    const { active, client_id } = await tokenIntrospection(web.config, refreshed.access_token);
    expectSame('active, client_id', [true, 'web'], [active, client_id]);
  });

  await step('Revocation of a refresh token ends its grant', async () => {
    await tokenRevocation(partner.config, present('refresh_token', partnerTokens.refresh_token));
    const { active } = await tokenIntrospection(partner.config, partnerTokens.access_token);
    expectSame('active', false, active);
  });

  await step('Password grant, for a back end that migrates', async () => {
    const { username, password } = bob;
    const answer = await genericGrantRequest(migrator.config, 'password', {
      username,
      password,
      scope: 'openid email',
    });
    const claims = await fetchUserInfo(
      migrator.config,
      answer.access_token,
      present('sub', answer.claims()?.sub),
    );
    expectSame('email', bob.email, claims.email);
  });

  const accessToken = await step('Client credentials, opaque', async () => {
    const { access_token: token } = await clientCredentialsGrant(service.config);
    const { active } = await tokenIntrospection(service.config, token);
    expectSame('active', true, active);
    return token;
  });

  await step('Client credentials, a JWT for a resource', async () => {
    const { resource, issuer } = tenant;
    const { access_token: token } = await clientCredentialsGrant(service.config, { resource });
    const keys = createRemoteJWKSet(new URL(present('jwks_uri', service.config.serverMetadata().jwks_uri)));
    const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer, audience: resource });
    expectSame('client_id, typ', ['service', 'at+jwt'], [payload.client_id, protectedHeader.typ]);
  });

  await step('Device flow: the device polls, a person approves', async () => {
    const asked = await initiateDeviceAuthorization(tv.config, { scope: 'openid profile' });
    expectThat((asked.interval ?? 0) > 0, 'an interval for polling', String(asked.interval));
    const [answer] = await Promise.all([
      pollDeviceAuthorizationGrant(tv.config, asked),
      approveDevice(createBrowser(origin), asked, bob),
    ]);
    await fetchUserInfo(tv.config, answer.access_token, present('sub', answer.claims()?.sub));
  });

  await step('Logout asks, then returns to the app', () =>
    signOut(web, browser, present('id_token', refreshed.id_token ?? tokens.id_token)),
  );

  await step('After it the refresh token is refused', () =>
    expectRefusal(
      'refresh token of an ended session',
      'invalid_grant',
      refreshTokenGrant(web.config, present('refresh_token', refreshed.refresh_token)),
    ),
  );

  return { tenant, service, accessToken };
};

/** Two tenants share a server and nothing else. */
export const compareTenants = async (one: PlayedTenant, other: PlayedTenant, step: Step): Promise<void> => {
  await step(`A token of ${one.tenant.id} is nothing at ${other.tenant.id}`, async () => {
    const there = await tokenIntrospection(other.service.config, one.accessToken);
    const here = await tokenIntrospection(one.service.config, one.accessToken);
    expectSame('active there, active here', [false, true], [there.active, here.active]);
  });
};
