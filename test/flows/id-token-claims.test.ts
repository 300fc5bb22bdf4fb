import { expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { createBrowser } from '../support/browser.ts';
import { refresh, tokenRequest, tokensFor, userinfo } from '../support/oauth-client.ts';
import {
  alice,
  confidential,
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

const server = await useServer({
  store: sqliteStore,
  tenants: {
    acme: sampleTenant({
      clients: [
        ...sampleClients,
        webClient(reader, { idTokenClaims: 'all' }),
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
const known = { name: 'Alice Adams', email: 'alice@acme.example', email_verified: true };

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
