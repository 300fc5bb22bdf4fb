import { describe, expect, it } from '@jest/globals';
import {
  backend,
  challenge,
  createDpopKey,
  directClients,
  firstRequest,
  nextOf,
  redeemDirectly,
} from '../support/direct-login.ts';
import { type Parameters, pkce } from '../support/oauth-client.ts';
import { alice, sampleClients, sampleTenant } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const clients = [...sampleClients, ...directClients];
const server = await useServer({
  store: sqliteStore,
  instances: 2,
  tenants: {
    acme: sampleTenant({ clients }),
    limited: sampleTenant({ clients, throttle: { startAddress: { attempts: 3, window: '1m' } } }),
  },
});
const issuer = server.issuer('acme');
const here = `${issuer}/authorize-challenge`;
const { username, password } = alice;

const key = await createDpopKey();
const stranger = await createDpopKey();
const ask = (form: Parameters, headers: Readonly<Record<string, string>> = {}) =>
  challenge(issuer, form, { headers });
const codeOf = ({ status, body }: Awaited<ReturnType<typeof ask>>) => [status, body.error];

describe('a DPoP proof at the authorization challenge endpoint', () => {
  it('binds every step, the code and the tokens to its key', async () => {
    const proof = pkce();
    const begun = await ask(firstRequest(proof), await key.proofFor(here));
    expect(begun.body.required).toEqual(['username', 'password']);
    const form = { ...nextOf(begun), username, password };
    expect(codeOf(await ask(form))).toEqual([400, 'invalid_session']);
    expect(codeOf(await ask(form, await stranger.proofFor(here)))).toEqual([400, 'invalid_session']);
    const wrong = await ask({ ...form, password: 'wrong' }, await key.proofFor(here));
    expect(codeOf(await ask({ ...nextOf(wrong), password }))).toEqual([400, 'invalid_session']);
    const done = await ask({ ...nextOf(wrong), password }, await key.proofFor(here));
    const tokens = await redeemDirectly(issuer, done, {
      ...proof,
      headers: await key.proofFor(`${issuer}/token`),
    });
    expect([tokens.status, tokens.body.token_type]).toEqual([200, 'DPoP']);
  });

  it.each(['no proof', 'another key'])('gives a code that is good for nothing with %s', async (what) => {
    const proof = pkce();
    const done = await ask({ ...firstRequest(proof), username, password }, await key.proofFor(here));
    expect(done.status).toBe(200);
    const headers = what === 'no proof' ? {} : await stranger.proofFor(`${issuer}/token`);
    expect(codeOf(await redeemDirectly(issuer, done, { ...proof, headers }))).toEqual([400, 'invalid_grant']);
  });

  it('binds from the step on in which it first comes', async () => {
    const proof = pkce();
    const begun = await ask(firstRequest(proof));
    const named = await ask({ ...nextOf(begun), username }, await key.proofFor(here));
    expect(codeOf(await ask({ ...nextOf(named), password }))).toEqual([400, 'invalid_session']);
    const done = await ask({ ...nextOf(named), password }, await key.proofFor(here));
    expect((await redeemDirectly(issuer, done, proof)).body.error).toBe('invalid_grant');
  });

  it('must be of the key that dpop_jkt names', async () => {
    const proof = pkce();
    const form = { ...firstRequest(proof, { dpop_jkt: key.thumbprint }), username, password };
    expect(codeOf(await ask(form, await stranger.proofFor(here)))).toEqual([400, 'invalid_request']);
    const unproven = await ask(form);
    expect((await redeemDirectly(issuer, unproven, proof)).body.error).toBe('invalid_grant');
    const done = await ask(form, await key.proofFor(here));
    const headers = await key.proofFor(`${issuer}/token`);
    expect((await redeemDirectly(issuer, done, { ...proof, headers })).status).toBe(200);
  });

  it('is good once', async () => {
    const headers = await key.proofFor(here);
    await ask({ auth_session: 'none' });
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(firstRequest(pkce()), headers)));
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.error === 'invalid_dpop_proof')).toHaveLength(19);
  });

  it('of strangers fills no store', async () => {
    const at = server.issuer('limited');
    const form = firstRequest(pkce(), { acr_values: 'phr' });
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const headers = await key.proofFor(`${at}/authorize-challenge`);
      statuses.push((await challenge(at, form, { headers })).status);
    }
    expect(statuses).toEqual([403, 403, 403, 429]);
  });

  it.each<[string, object, object?]>([
    ['for the token endpoint', { htu: `${issuer}/token` }],
    ['for another method', { htm: 'GET' }],
    ['for no URL', { htu: 7 }],
    ['from the past', { iat: Math.floor(Date.now() / 1000) - 400 }],
    ['from the future', { iat: Math.floor(Date.now() / 1000) + 400 }],
    ['without a time', { iat: undefined }],
    ['with a time of text', { iat: 'now' }],
    ['without an id', { jti: undefined }],
    ['with an id that is no text', { jti: 7 }],
    ['of another type', {}, { typ: 'JWT' }],
    ['with the key of somebody else', {}, { jwk: stranger.jwk }],
    ['with its private key', {}, { jwk: key.privateJwk }],
    ['without a key', {}, { jwk: undefined }],
  ])('is refused %s', async (_what, claims, header = {}) => {
    const headers = await key.proofFor(here, { ...claims }, { ...header });
    const refused = await ask({ ...firstRequest(pkce()), username, password }, headers);
    expect(codeOf(refused)).toEqual([400, 'invalid_dpop_proof']);
    expect(refused.headers.get('x-error-id')).toEqual(expect.any(String));
  });

  it.each(['nonsense', 'a.b.c', ' , '])('is refused as %s', async (DPoP) => {
    expect(codeOf(await ask(firstRequest(pkce()), { DPoP }))).toEqual([400, 'invalid_dpop_proof']);
  });
});

it('an auth_session names its client, which must still prove who it is', async () => {
  const begun = await ask(firstRequest(pkce()));
  const form = new URLSearchParams({ ...nextOf(begun), username, password });
  const unnamed = await fetch(here, { method: 'POST', body: form });
  expect([unnamed.status, await unnamed.json()]).toEqual([200, { authorization_code: expect.any(String) }]);
  const other = await ask(firstRequest(pkce()));
  const elsewhere = new URLSearchParams({ ...nextOf(other), client_id: backend.id });
  expect((await fetch(here, { method: 'POST', body: elsewhere })).status).toBe(401);
  const unknown = new URLSearchParams({ auth_session: 'unknown' });
  expect((await fetch(here, { method: 'POST', body: unknown })).status).toBe(400);
  const atBackend = await challenge(issuer, firstRequest(pkce()), { client: backend });
  const unproven = new URLSearchParams({ ...nextOf(atBackend), username, password });
  expect((await fetch(here, { method: 'POST', body: unproven })).status).toBe(401);
});
