import { afterEach, describe, expect, it } from '@jest/globals';
import { createBrowser } from '../support/browser.ts';
import { moveTime, restoreTime } from '../support/moved-time.ts';
import { postAs, redeem, signIn } from '../support/oauth-client.ts';
import {
  confidential,
  publicClient,
  sampleClients,
  sampleTenant,
  tv,
  web,
  webClient,
} from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const patient = confidential('patient');

const clients = [
  ...sampleClients,
  webClient(patient, { lifetimes: { authorizationCode: '5m' } }),
  publicClient(
    { id: 'slow-tv', redirectUri: '' },
    {
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
      redirect_uris: [],
      lifetimes: { deviceCode: '20m' },
    },
  ),
];
const server = await useServer({ store: sqliteStore, tenants: { acme: sampleTenant({ clients }) } });
const issuer = server.issuer('acme');

describe('lifetimes of a client of its own', () => {
  afterEach(restoreTime);

  it.each([
    [patient, 200],
    [web, 400],
  ])('hold for the authorization code of $id', async (client, status) => {
    const signedIn = await signIn(createBrowser(), { issuer, client });
    moveTime(120);
    expect((await redeem({ issuer, client }, signedIn)).status).toBe(status);
  });

  it.each([
    ['slow-tv', 1200],
    [tv.id, 300],
  ])('hold for the device code of %s', async (id, seconds) => {
    const { body } = await postAs({ id }, `${issuer}/device/auth`, { form: { scope: 'openid' } });
    expect(body.expires_in).toBe(seconds);
  });
});
