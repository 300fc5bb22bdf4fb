import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { exportJWK, SignJWT } from 'jose';
import type { Accounts } from '../../src/accounts/account-types.ts';
import type { TrustedGateway } from '../../src/config/gateway/gateway-definition.ts';
import { hashId } from '../../src/crypto/ids.ts';
import { createCallerCache } from '../../src/gateway/callers/caller-cache.ts';
import { createExternalGateways, gatewayHeadersOf } from '../../src/gateway/callers/external-gateway.ts';
import type { GatewayRequest, GatewayTenant, Identification } from '../../src/gateway/gateway-types.ts';
import { openCertificateWorkshop } from '../support/client-certificates.ts';
import { openPeople, type People, throttle } from '../support/people.ts';

const secret = 'a-secret-of-the-gateway-0123456789abcdef';
const otherSecret = 'another-secret-of-a-gateway-0123456789ab';
const fingerprint = 'ab'.repeat(32);
const byHeader = { type: 'header', header: 'X-User' } as const;
const apim: TrustedGateway = {
  id: 'apim',
  proof: { type: 'secret', header: 'X-Gateway-Secret', secret },
  user: byHeader,
};
const kong: TrustedGateway = { ...apim, id: 'kong', proof: { ...apim.proof, secret: otherSecret } as never };

let people: People;
let accounts: Accounts;
beforeEach(async () => {
  people = await openPeople();
  await people
    .users()
    .add({ username: 'alice', email: 'alice@acme.example', password: 'lantern orbit mosaic' });
  await people.users().add({ username: 'bob', password: 'lantern orbit mosaic' });
  accounts = people.accounts();
});
afterEach(() => people.close());

const request = (headers: IncomingHttpHeaders, changes: Partial<GatewayRequest> = {}): GatewayRequest => ({
  method: 'GET',
  host: 'orders.example.com',
  path: '/',
  search: '',
  headers,
  address: '192.0.2.1',
  requestId: 'r-1',
  isOwnProxy: true,
  ...changes,
});

/** As far as gateways look at one. */
const tenantOf = (trustedGateways: readonly TrustedGateway[], own = accounts, id = 'acme'): GatewayTenant =>
  ({
    definition: { id, version: '1', gateway: { services: {}, trustedGateways } },
    provider: { issuer: `https://id.example.com/oauth/${id}` },
    accounts: own,
  }) as unknown as GatewayTenant; // the rest of a tenant is not asked

const opened = () => {
  const callers = createCallerCache({ clock: people.clock, limit: 100 });
  return { callers, gateways: createExternalGateways({ clock: people.clock, callers }) };
};
const identify = (trusted: readonly TrustedGateway[], asked: GatewayRequest): Promise<Identification> =>
  opened().gateways.identify(asked, tenantOf(trusted));

const nothing = { status: 'nothing' };
const refused = { status: 'bad', scheme: 'Bearer', error: 'invalid_token' };
const known = (username: string, gateway = 'apim') => ({
  status: 'known',
  caller: { username, method: 'gateway', clientId: gateway, tenant: 'acme', amr: [] },
});

describe('a gateway with a shared secret', () => {
  it('says who the user is', async () => {
    const found = await identify([apim], request({ 'x-gateway-secret': secret, 'x-user': 'Alice' }));
    expect(found).toMatchObject(known('alice'));
    const { caller } = found as Extract<Identification, { status: 'known' }>;
    expect(caller.revocationIds).toEqual([caller.sub]);
    expect(caller.issuer).toBe('https://id.example.com/oauth/acme');
  });

  it('is not believed without its secret', async () => {
    expect(await identify([apim], request({ 'x-user': 'alice' }))).toEqual(nothing);
    expect(await identify([apim], request({ 'x-user': 'alice', 'x-gateway-secret': '' }))).toEqual(nothing);
  });

  it.each([
    ['a wrong one', otherSecret],
    ['the beginning of it', secret.slice(0, -1)],
    ['it twice', `${secret}, ${secret}`],
    ['it in other letters', secret.toUpperCase()],
  ])('is refused for good with %s', async (_what, shown) => {
    const found = await identify([apim], request({ 'x-gateway-secret': shown, 'x-user': 'alice' }));
    expect(found).toMatchObject(refused);
    expect(JSON.stringify(found)).not.toContain(shown);
  });

  it('is one of several that use the same header', async () => {
    const asked = request({ 'x-gateway-secret': otherSecret, 'x-user': 'bob' });
    expect(await identify([apim, kong], asked)).toMatchObject(known('bob', 'kong'));
  });

  it('must show no other proof that is wrong', async () => {
    const second: TrustedGateway = {
      ...apim,
      id: 'second',
      proof: { type: 'secret', header: 'X-Second', secret: otherSecret },
    };
    const headers = { 'x-gateway-secret': secret, 'x-user': 'alice' };
    expect(await identify([apim, second], request(headers))).toMatchObject(known('alice'));
    expect(await identify([apim, second], request({ ...headers, 'x-second': 'wrong' }))).toMatchObject(
      refused,
    );
  });

  it('is worth nothing at a tenant that does not name it', async () => {
    const asked = request({ 'x-gateway-secret': secret, 'x-user': 'alice' });
    expect(await identify([], asked)).toEqual(nothing);
    expect(await identify([kong], asked)).toMatchObject(refused);
  });

  it('identifies no person of another tenant', async () => {
    const asked = request({ 'x-gateway-secret': secret, 'x-user': 'alice' });
    const globex = tenantOf([apim], people.accounts({ id: 'globex' }), 'globex');
    const { gateways } = opened();
    expect(await gateways.identify(asked, tenantOf([apim]))).toMatchObject(known('alice'));
    expect(await gateways.identify(asked, globex)).toMatchObject({ status: 'forbidden' });
  });

  it('without a user changes nothing', async () => {
    expect(await identify([apim], request({ 'x-gateway-secret': secret }))).toEqual(nothing);
    expect(await identify([apim], request({ 'x-gateway-secret': secret, 'x-user': '' }))).toEqual(nothing);
  });

  it.each(['mallory', 'bob, alice', 'alice\u0000', '\u00ff\u00fe'])('gets %j nowhere', async (name) => {
    const asked = request({ 'x-gateway-secret': secret, 'x-user': name });
    expect(await identify([apim], asked)).toMatchObject({ status: 'forbidden' });
  });

  it('names people in UTF-8', async () => {
    await people.users().add({ username: 'zoë', password: 'lantern orbit mosaic' });
    const name = Buffer.from('zoë').toString('latin1'); // as Node gives it
    const asked = request({ 'x-gateway-secret': secret, 'x-user': name });
    expect(await identify([apim], asked)).toMatchObject(known('zoë'));
  });

  it('gets a disabled person nowhere, from the event on', async () => {
    const { callers, gateways } = opened();
    const asked = request({ 'x-gateway-secret': secret, 'x-user': 'alice' });
    const found = await gateways.identify(asked, tenantOf([apim]));
    const { sub } = (found as Extract<Identification, { status: 'known' }>).caller;
    await people.tenant('acme').accounts.update(sub, { disabledAt: 1 });
    callers.event({ tenant: 'acme', id: sub } as never);
    expect(await gateways.identify(asked, tenantOf([apim]))).toMatchObject({ status: 'forbidden' });
  });

  it('is turned away when its address was wrong too often, right or not', async () => {
    const own = people.accounts({ throttle: { ...throttle, address: { points: 2, windowSeconds: 60 } } });
    const { gateways } = opened();
    const ask = (shown: string, address = '192.0.2.1') =>
      gateways.identify(
        request({ 'x-gateway-secret': shown, 'x-user': 'alice' }, { address }),
        tenantOf([apim], own),
      );
    for (let guess = 0; guess < 2; guess += 1) expect(await ask('wrong')).toMatchObject(refused);
    const throttled = { status: 'throttled', retryAfterSeconds: 60 };
    expect(await ask('wrong')).toEqual(throttled);
    expect(await ask(secret)).toEqual(throttled);
    expect(await ask(secret, '192.0.2.2')).toMatchObject(known('alice'));
  });
});

describe('a gateway with a client certificate', () => {
  const byCertificate: TrustedGateway = {
    id: 'edge',
    proof: { type: 'certificate', fingerprints: ['cd'.repeat(32), fingerprint] },
    user: byHeader,
  };
  const headers = { 'x-user': 'alice' };

  it('says who the user is', async () => {
    const asked = request(headers, { certificateFingerprint: fingerprint.toUpperCase() });
    expect(await identify([byCertificate], asked)).toMatchObject(known('alice', 'edge'));
  });

  it('says it with the certificate of its connection too, as long as that is valid', async () => {
    const workshop = await openCertificateWorkshop();
    const authority = await workshop.authority('Edge');
    const identifyWith = async (to?: string) => {
      const { cert } = await authority.issue(to === undefined ? {} : { to });
      const certificate = new X509Certificate(cert);
      const fingerprints = [certificate.fingerprint256.replaceAll(':', '').toLowerCase()];
      const trusted = { ...byCertificate, proof: { type: 'certificate' as const, fingerprints } };
      return identify([trusted], request(headers, { certificate }));
    };
    expect(await identifyWith()).toMatchObject(known('alice', 'edge'));
    expect(await identifyWith('20010101000000Z')).toEqual(nothing);
    expect(await identify([byCertificate], request(headers, { certificate: 'unreadable' }))).toEqual(nothing);
    await workshop.remove();
  });

  it('is not believed with another certificate, or none', async () => {
    const another = request(headers, { certificateFingerprint: 'ef'.repeat(32) });
    expect(await identify([byCertificate], another)).toEqual(nothing);
    expect(await identify([byCertificate], request(headers))).toEqual(nothing);
  });
});

describe('subscription keys', () => {
  const bySubscription: TrustedGateway = {
    ...apim,
    user: {
      type: 'subscription',
      header: 'Ocp-Apim-Subscription-Key',
      keys: { [hashId('key-of-alice')]: 'alice' },
    },
  };
  const ask = (headers: IncomingHttpHeaders, trusted = [bySubscription]) =>
    identify(trusted, request(headers));

  it('stand for users', async () => {
    const headers = { 'x-gateway-secret': secret, 'ocp-apim-subscription-key': 'key-of-alice' };
    expect(await ask(headers)).toMatchObject(known('alice'));
  });

  it.each(['key-of-bob', hashId('key-of-alice'), 'constructor'])(
    'are refused when unknown: %s',
    async (key) => {
      const headers = { 'x-gateway-secret': secret, 'ocp-apim-subscription-key': key };
      expect(await ask(headers)).toMatchObject(refused);
    },
  );

  it('are worth nothing without the proof of the gateway', async () => {
    expect(await ask({ 'ocp-apim-subscription-key': 'key-of-alice' })).toEqual(nothing);
  });

  it('count beside other names of users', async () => {
    const headers = { 'x-gateway-secret': secret, 'x-user': 'bob' };
    expect(await ask(headers, [bySubscription, { ...apim, id: 'people' }])).toMatchObject(
      known('bob', 'people'),
    );
  });
});

describe('a gateway with a signed assertion', () => {
  const keys = generateKeyPairSync('ed25519');
  const others = generateKeyPairSync('ed25519');
  const trustOf = async (...publicKeys: readonly KeyObject[]): Promise<TrustedGateway> => ({
    id: 'signer',
    proof: {
      type: 'assertion',
      header: 'X-Gateway-Assertion',
      issuer: 'https://gateway.example',
      audience: 'drawbridge',
      jwks: { keys: (await Promise.all(publicKeys.map((key) => exportJWK(key)))) as never },
    },
    user: { type: 'claim', claim: 'user' },
  });

  const assertion = (
    changes: Record<string, unknown> = {},
    { key = keys.privateKey, typ }: { key?: KeyObject | Uint8Array; typ?: string } = {},
  ): Promise<string> => {
    const now = Math.floor(people.clock.now() / 1000);
    const claims = {
      iss: 'https://gateway.example',
      aud: 'drawbridge',
      iat: now,
      exp: now + 60,
      user: 'alice',
      ...changes,
    };
    return new SignJWT(claims)
      .setProtectedHeader({
        alg: key instanceof Uint8Array ? 'HS256' : 'EdDSA',
        ...(typ === undefined ? {} : { typ }),
      })
      .sign(key);
  };
  const ask = async (shown: string, trusted?: TrustedGateway) =>
    identify([trusted ?? (await trustOf(keys.publicKey))], request({ 'x-gateway-assertion': shown }));
  const inSeconds = (seconds: number): number => Math.floor(people.clock.now() / 1000) + seconds;

  it.each([undefined, 'JWT', 'jwt'])('says who the user is, typ %s', async (typ) => {
    const own = typ === undefined ? {} : { typ };
    expect(await ask(await assertion({}, own))).toMatchObject(known('alice', 'signer'));
  });

  it('may have several keys without names', async () => {
    const trusted = await trustOf(others.publicKey, keys.publicKey);
    expect(await ask(await assertion(), trusted)).toMatchObject(known('alice', 'signer'));
    const neither = await trustOf(others.publicKey, generateKeyPairSync('ed25519').publicKey);
    expect(await ask(await assertion(), neither)).toMatchObject(refused);
  });

  it.each<[string, () => Record<string, unknown>]>([
    ['another issuer', () => ({ iss: 'https://evil.example' })],
    ['another audience', () => ({ aud: 'somebody-else' })],
    ['no end', () => ({ exp: undefined })],
    ['no beginning', () => ({ iat: undefined })],
    ['an end long ago', () => ({ iat: inSeconds(-120), exp: inSeconds(-60) })],
    ['an end too far ahead', () => ({ exp: inSeconds(301) })],
    ['a long life that is nearly over', () => ({ iat: inSeconds(-3600), exp: inSeconds(60) })],
    ['a beginning ahead', () => ({ iat: inSeconds(120), exp: inSeconds(180) })],
    ['a time ahead from which on it is good', () => ({ nbf: inSeconds(120) })],
  ])('is refused for good with %s', async (_what, changes) => {
    expect(await ask(await assertion(changes()))).toMatchObject(refused);
  });

  it('is refused for good when another key, or a shared one, has signed', async () => {
    expect(await ask(await assertion({}, { key: others.privateKey }))).toMatchObject(refused);
    const spki = keys.publicKey.export({ type: 'spki', format: 'pem' });
    expect(await ask(await assertion({}, { key: Buffer.from(spki) }))).toMatchObject(refused);
    const [, payload] = (await assertion()).split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    expect(await ask(`${none}.${payload}.`)).toMatchObject(refused);
    expect(await ask('not a token')).toMatchObject(refused);
  });

  it('is refused for good with a shared key that stands among the public ones', async () => {
    const trusted = await trustOf();
    const key = Buffer.from(secret);
    const oct = { kty: 'oct', k: key.toString('base64url') };
    const proof = { ...trusted.proof, jwks: { keys: [oct] } } as TrustedGateway['proof'];
    expect(await ask(await assertion({}, { key }), { ...trusted, proof })).toMatchObject(refused);
  });

  it.each(['at+jwt', 'logout+jwt'])('is refused for good as a token for something else: %s', async (typ) => {
    expect(await ask(await assertion({}, { typ }))).toMatchObject(refused);
  });

  it('without a user changes nothing', async () => {
    expect(await ask(await assertion({ user: undefined }))).toEqual(nothing);
    expect(await ask(await assertion({ user: ['alice'] }))).toEqual(nothing);
  });
});

describe('the headers that no service may see', () => {
  it('are those of proofs and users, each once', () => {
    const definition = tenantOf([
      apim,
      kong,
      { ...apim, user: { type: 'subscription', header: 'X-Key', keys: {} } },
    ]).definition.gateway;
    expect(gatewayHeadersOf(definition)).toEqual(['x-gateway-secret', 'x-user', 'x-key']);
  });
});
