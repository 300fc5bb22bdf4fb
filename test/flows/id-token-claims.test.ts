import { describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { createBrowser } from '../support/browser.ts';
import { codeOf } from '../support/federation.ts';
import { prepareAuthorization, refresh, tokenRequest, tokensFor, userinfo } from '../support/oauth-client.ts';
import { textOf } from '../support/page-text.ts';
import {
  alice,
  confidential,
  type KnownClient,
  sampleClients,
  sampleTenant,
  secretOf,
  web,
  webClient,
} from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const reader = confidential('reader');
const mover = confidential('mover');
const known = { name: 'Alice Adams', email: 'alice@acme.example', email_verified: true };
const narrow = confidential('narrow');
const without = confidential('without');
/** Somebody in very many groups. */
const marta = { username: 'marta', password: 'in so many groups' };
const manyGroups = Array.from({ length: 700 }, (_, at) => `cn=department-${at},ou=groups,dc=acme,dc=example`);

const server = await useServer({
  store: sqliteStore,
  tenants: {
    acme: sampleTenant({
      users: [
        { ...alice, email: known.email, emailVerified: true, claims: { name: known.name } },
        { ...marta, groups: manyGroups },
      ],
      clients: [
        ...sampleClients,
        webClient(reader, { idTokenClaims: 'all' }),
        webClient(narrow, { idTokenGroups: ['staff', 'cn=department-1*'] }),
        webClient(without, { idTokenGroups: 'none' }),
        {
          client_id: mover.id,
          client_secret: secretOf(mover.id),
          grant_types: ['password'],
          idTokenClaims: 'all',
        },
      ],
    }),
  },
});
const issuer = server.issuer('acme');

it('are those of OpenID Connect, with the person in userinfo', async () => {
  const { id_token = '', access_token } = await tokensFor(createBrowser(), {
    issuer,
    client: web,
    scope: 'openid profile email',
  });
  for (const claim of Object.keys(known)) expect(decodeJwt(id_token)).not.toHaveProperty(claim);
  expect((await userinfo(issuer, access_token)).body).toMatchObject(known);
});

it('are all of the granted scopes for a client that says so, after a refresh too', async () => {
  const tokens = await tokensFor(createBrowser(), { issuer, client: reader, scope: 'openid profile email' });
  expect(decodeJwt(tokens.id_token ?? '')).toMatchObject({ ...known, aud: reader.id, amr: ['pwd'] });
  const { body } = await refresh(issuer, reader, tokens.refresh_token);
  expect(decodeJwt(body.id_token ?? '')).toMatchObject(known);
});

it('are no more than were asked for', async () => {
  const browser = createBrowser();
  await tokensFor(browser, { issuer, client: reader, scope: 'openid profile email' });
  const { id_token = '' } = await tokensFor(browser, { issuer, client: reader, scope: 'openid profile' });
  expect(decodeJwt(id_token)).toMatchObject({ name: known.name });
  expect(decodeJwt(id_token)).not.toHaveProperty('email');
});

it('are all by the password grant as well', async () => {
  const { body } = await tokenRequest(issuer, mover, {
    grant_type: 'password',
    ...alice,
    scope: 'openid email',
  });
  expect(decodeJwt(body.id_token ?? '')).toMatchObject({ email: known.email });
  expect(decodeJwt(body.id_token ?? '')).not.toHaveProperty('name');
});

describe('a person in very many groups', () => {
  const tokensOf = (client: KnownClient, browser = createBrowser()) =>
    tokensFor(browser, { issuer, client, scope: 'openid groups' }, marta);

  it('has all of them in the ID token, which an app may send back in an address or a form', async () => {
    const browser = createBrowser();
    const { id_token: hint = '' } = await tokensOf(web, browser);
    expect(hint.length).toBeGreaterThan(40_000);
    expect(decodeJwt(hint).groups).toEqual(manyGroups);

    const { url } = prepareAuthorization({
      issuer,
      client: web,
      extra: { prompt: 'none', id_token_hint: hint },
    });
    expect(codeOf(await browser.get(url))).toEqual(expect.any(String));
    const byAddress = await browser.get(`${issuer}/session/end?id_token_hint=${hint}`);
    expect([byAddress.status, textOf(byAddress)]).toEqual([200, expect.stringContaining('The web app')]);
    const posted = await browser.post(`${issuer}/session/end`, { id_token_hint: hint, state: 'a b' });
    expect([posted.status, posted.location]).toEqual([
      303,
      `${issuer}/session/end?state=a+b&client_id=${web.id}`,
    ]);
    expect(textOf(await browser.follow(posted))).toContain('The web app');
  });

  it('has those that the client names, or none, and all in userinfo', async () => {
    const some = await tokensOf(narrow);
    const groups = decodeJwt(some.id_token ?? '').groups as string[];
    expect(groups).toHaveLength(111);
    expect(groups.every((group) => group.startsWith('cn=department-1'))).toBe(true);
    const none = await tokensOf(without);
    expect(decodeJwt(none.id_token ?? '')).not.toHaveProperty('groups');
    for (const { access_token } of [some, none])
      expect((await userinfo(issuer, access_token)).body).toMatchObject({ groups: manyGroups });
  });

  it('may send nothing else that is so long', async () => {
    const long = 'x'.repeat(17_000);
    for (const path of [
      `/session/end?state=${long}`,
      `/me?id_token_hint=${long}`,
      `/auth?x_id_token_hint=${long}`,
    ])
      expect((await fetch(`${issuer}${path}`)).status).toBe(431);
    const headers = { 'x-long': long };
    expect((await fetch(`${issuer}/session/end?id_token_hint=x`, { headers })).status).toBe(431);
  });
});
