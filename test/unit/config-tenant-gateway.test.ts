import { createHash, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { formatFault } from '../../src/config/parsing/fault.ts';
import { longSecret, tenantTexts } from '../support/tenant-texts.ts';

const { define, load, faultsOf } = tenantTexts();

const device = 'urn:ietf:params:oauth:grant-type:device_code';
const clients = `clients:
  - { client_id: tv, token_endpoint_auth_method: none, grant_types: ["${device}"] }
  - { client_id: shop, client_secret: env:SECRET, grant_types: [client_credentials] }
`;

const hashOf = (key: string): string => createHash('sha256').update(key).digest('base64url');

const gatewayOf = (text: string, before = '') => define(`${before}gateway: { ${text} }\n`).gateway;
const gatewayFaults = (text: string, before = 'listed: true\n'): readonly string[] =>
  faultsOf(`${before}gateway: { ${text} }\n`).map((fault) => fault.replace(/^gateway\./, ''));

const secretProof = 'proof: { type: secret, header: X-Gateway-Secret, secret: env:SECRET }';
const headerUser = 'user: { type: header, header: X-Gateway-User }';
const trusted = (...parts: readonly string[]): string =>
  `trustedGateways: [{ id: apim, ${parts.join(', ')} }]`;
/** Paths begin at the only trusted gateway. */
const trustedFaults = (...parts: readonly string[]): readonly string[] =>
  gatewayFaults(trusted(...parts)).map((fault) => fault.replace(/^trustedGateways\.0\./, ''));

const publicJwk = (kind: 'ed25519' | 'rsa' = 'ed25519', modulusLength = 2048) =>
  (kind === 'rsa'
    ? generateKeyPairSync('rsa', { modulusLength })
    : generateKeyPairSync('ed25519')
  ).publicKey.export({
    format: 'jwk',
  });
const assertion = (key: unknown): string =>
  `proof: { type: assertion, header: X-Assertion, issuer: https://apim.example.com, audience: drawbridge, jwks: { keys: [${JSON.stringify(key)}] } }`;

describe('gateway of a tenant', () => {
  it('needs nothing', () => {
    expect(define('listed: true\n').gateway).toEqual({ services: {}, trustedGateways: [] });
  });

  it('narrows services by name, and shuts them', () => {
    const text =
      'services: { orders: { rules: [{ paths: [/a/**], roles: [admin] }] }, wiki: { enabled: false } }';
    const { gateway } = define(`gateway: { ${text} }\n`);
    expect(gateway.services).toEqual({
      orders: { enabled: true, rules: [{ paths: ['/a/**'], roles: ['admin'], access: 'allow' }] },
      wiki: { enabled: false, rules: [] },
    });
    expect(Object.isFrozen(gateway.services.orders?.rules)).toBe(true);
  });

  it.each([
    [
      'services: { orders: { rules: [{ tenants: [acme] }] } }',
      "services.orders.rules.0.tenants: is of no use in a tenant's own file, whose rules are for its people; remove it",
    ],
    [
      'services: { orders: { rules: [{ roles: [a] }, { access: deny, maxAge: 1h }] } }',
      'services.orders.rules.1.maxAge: asks for a sign-in, but the rule says access: deny; remove maxAge, or write access: allow',
    ],
    [
      'services: { orders: { target: x } }',
      'services.orders.target: is not a known key; remove it, or write one of enabled, rules',
    ],
    [
      'services: { orders: { rules: [{ paths: [a] }] } }',
      expect.stringMatching(/^services\.orders\.rules\.0\.paths\.0: /),
    ],
    ['enabled: false', expect.stringMatching(/^enabled: is not a known key; /)],
  ])('is not { %s }', (text, message) => {
    expect(gatewayFaults(text)).toEqual([message]);
  });

  it('has a client for devices, which has the device grant', () => {
    expect(gatewayOf('deviceClient: tv', clients).deviceClient).toBe('tv');
    expect(gatewayFaults('deviceClient: radio', clients)).toEqual([
      expect.stringMatching(/^deviceClient: names nothing in this file; /),
    ]);
    expect(gatewayFaults('deviceClient: shop', clients)).toEqual([
      `deviceClient: names a client without the device grant; add ${device} to its grant_types, or name another`,
    ]);
  });

  it('has a client for devices that needs no secret', () => {
    const withSecret = clients.replace('token_endpoint_auth_method: none', 'client_secret: env:SECRET');
    expect(gatewayFaults('deviceClient: tv', withSecret)).toEqual([
      'deviceClient: names a client that has to prove itself, which devices cannot; name one with token_endpoint_auth_method: none',
    ]);
  });

  it('does not blame the client for devices for a client that is wrong', () => {
    expect(gatewayFaults('deviceClient: tv', clients.replace('tv', 'tv, redirect_uris: [x]'))).toEqual([
      expect.stringMatching(/^clients\.0\.redirect_uris\.0: /),
    ]);
  });
});

describe('a trusted gateway', () => {
  it('proves itself by a secret and names users in a header', () => {
    expect(gatewayOf(trusted(secretProof, headerUser)).trustedGateways).toEqual([
      {
        id: 'apim',
        proof: { type: 'secret', header: 'x-gateway-secret', secret: longSecret },
        user: { type: 'header', header: 'x-gateway-user' },
      },
    ]);
  });

  it('does not have its secret in the file, but in demo tenants', () => {
    const written = trusted(secretProof.replace('env:SECRET', longSecret), headerUser);
    expect(gatewayFaults(written)).toEqual([
      expect.stringMatching(/^trustedGateways\.0\.proof\.secret: is written out; /),
    ]);
    expect(gatewayOf(written, 'demo: true\n').trustedGateways[0]?.proof).toMatchObject({
      secret: longSecret,
    });
    expect(
      gatewayFaults(trusted(secretProof.replace('env:SECRET', 'short'), headerUser), 'demo: true\n'),
    ).toEqual([
      'trustedGateways.0.proof.secret: is shorter than 16 characters, and could be guessed; make one with: openssl rand -base64 32',
    ]);
  });

  it('proves itself by certificates, however their fingerprints are written', () => {
    const pairs = Array.from({ length: 32 }, (_, index) => index.toString(16).padStart(2, '0'));
    const written = [pairs.join(''), pairs.join(':').toUpperCase()];
    const proof = `proof: { type: certificate, fingerprints: ["${written.join('", "')}"] }`;
    expect(gatewayOf(trusted(proof, headerUser)).trustedGateways[0]?.proof).toEqual({
      type: 'certificate',
      fingerprints: [pairs.join(''), pairs.join('')],
    });
    for (const wrong of ['ab', 'g'.repeat(64), `${'ab'.repeat(32)}cd`, `${'ab:'.repeat(32)}`])
      expect(trustedFaults(proof.replace(written[0] ?? '', wrong), headerUser)).toEqual([
        expect.stringMatching(/^proof\.fingerprints\.0: is not the SHA-256 of a certificate; /),
      ]);
  });

  it('proves itself by assertions, which may name the user', () => {
    const key = { ...publicJwk(), kid: 'a' };
    const [gateway] = gatewayOf(trusted(assertion(key), 'user: { type: claim, claim: upn }')).trustedGateways;
    expect(gateway).toEqual({
      id: 'apim',
      proof: {
        type: 'assertion',
        header: 'x-assertion',
        issuer: 'https://apim.example.com',
        audience: 'drawbridge',
        jwks: { keys: [key] },
      },
      user: { type: 'claim', claim: 'upn' },
    });
    expect(trustedFaults(secretProof, 'user: { type: claim, claim: upn }')).toEqual([
      'user.type: is claim, but there is no assertion to hold one; write proof: type: assertion, or type: header or subscription here',
    ]);
  });

  it('gives its public keys only, and never reads a private one aloud', () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const jwk = privateKey.export({ format: 'jwk' });
    const faults = trustedFaults(assertion(jwk), headerUser);
    expect(faults).toEqual([
      'proof.jwks.keys.0.d: is a part of a private key, which only its owner may have; remove it, make a new key, and write the public one here',
    ]);
    expect(faults.join()).not.toContain(jwk.d);
    expect(trustedFaults(assertion({ kty: 'oct', k: 'c2VjcmV0' }), headerUser)).toEqual([
      expect.stringMatching(/^proof\.jwks\.keys\.0\.k: is a part of a private key/),
    ]);
  });

  it.each([
    ['nothing', {}],
    ['half a key', { kty: 'EC', crv: 'P-256', x: 'AA' }],
    ['a short RSA key', publicJwk('rsa', 1024)],
    ['a key for agreements', generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' })],
  ])('has no use for %s as a key', (_, key) => {
    expect(trustedFaults(assertion(key), headerUser)).toEqual([
      'proof.jwks.keys.0: is not a public key that signatures can be checked with; write a JWK of kty RSA (2048 bits or more), EC or OKP',
    ]);
  });

  it('takes keys of every usual kind', () => {
    for (const key of [
      publicJwk('rsa'),
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
    ])
      expect(trustedFaults(assertion(key), headerUser)).toEqual([]);
  });

  it('names users by subscription keys, of which the hashes are kept', () => {
    const hash = hashOf('another-key-of-length');
    const keys = `[{ key: env:SECRET, user: alice }, { sha256: ${hash}, user: bob@example.com }]`;
    const [gateway] = gatewayOf(
      trusted(secretProof, `user: { type: subscription, header: Ocp-Apim-Subscription-Key, keys: ${keys} }`),
    ).trustedGateways;
    expect(gateway?.user).toEqual({
      type: 'subscription',
      header: 'ocp-apim-subscription-key',
      keys: { [hashOf(longSecret)]: 'alice', [hash]: 'bob@example.com' },
    });
  });

  it.each([
    [`{ key: ${longSecret}, user: a }`, expect.stringMatching(/^0\.key: is written out; /)],
    [
      '{ key: env:NOBODY, user: a }',
      expect.stringMatching(/^0\.key: refers to the environment variable NOBODY/),
    ],
    [
      '{ sha256: abc, user: a }',
      '0.sha256: is not a SHA-256 in base64url; write its 43 characters, or key: env:NAME',
    ],
    [
      '{ key: env:SECRET, user: Alice }',
      '0.user: is not a user name in its canonical spelling; write it in lower case',
    ],
    ['{ user: a }', '0: is not a subscription key; write key: env:NAME or sha256:, and user:'],
    [
      `{ key: env:SECRET, user: a }, { sha256: ${hashOf(longSecret)}, user: b }`,
      '1.sha256: is a key that was given above; each stands for one user',
    ],
  ])('has no subscription keys such as %s', (keys, message) => {
    expect(
      trustedFaults(secretProof, `user: { type: subscription, header: X-Key, keys: [${keys}] }`).map(
        (fault) => fault.replace('user.keys.', ''),
      ),
    ).toEqual([message]);
  });

  it.each([
    'Authorization',
    'proxy-authorization',
    'COOKIE',
    'Host',
    'Content-Length',
    'Client-Cert',
    'Forwarded',
    'Remote-User',
    'X-Remote-User',
    'X-Auth-Token',
    'X-Auth-Request-User',
    'X-Forwarded-For',
    'X-Forwarded-User',
    'X-Original-URL',
    'X-ID-TENANT-NAME',
    'X-Drawbridge-Proxy-Secret',
    'X-WebAuth-User',
    'Sec-Fetch-Mode',
  ])('does not speak in %s', (header) => {
    const words =
      'is a header that means something else to proxies or services; write one of your own, such as X-Gateway-Key';
    expect(trustedFaults(secretProof.replace('X-Gateway-Secret', header), headerUser)).toEqual([
      `proof.header: ${words}`,
    ]);
    expect(trustedFaults(secretProof, headerUser.replace('X-Gateway-User', header))).toEqual([
      `user.header: ${words}`,
    ]);
  });

  it.each(['X_User', 'X User', 'X-User:', 'X-Usér', '-x', ''])(
    'does not speak in %j, which is no header',
    (header) => {
      expect(trustedFaults(secretProof, headerUser.replace('X-Gateway-User', `"${header}"`))).toEqual([
        'user.header: is not the name of a header; write letters, digits and hyphens, such as X-Gateway-Key',
      ]);
    },
  );

  it('has a header for each of the two things that it says', () => {
    expect(trustedFaults(secretProof, headerUser.replace('X-Gateway-User', 'x-gateway-secret'))).toEqual([
      'user.header: is the header of the proof already; name one for the user',
    ]);
  });

  it.each([
    ['proof: { type: password }', 'proof: is of no known kind; write type: secret, certificate or assertion'],
    ['proof: { type: secret, header: X-A }', 'proof.secret: is missing; write text'],
    ['proof: { type: certificate, fingerprints: [] }', 'proof.fingerprints: is empty; write at least one'],
  ])('has no %s', (proof, message) => {
    expect(trustedFaults(proof, headerUser)).toEqual([message]);
  });

  it('has an id of its own', () => {
    const one = `{ id: apim, ${secretProof}, ${headerUser} }`;
    expect(gatewayFaults(`trustedGateways: [${one}, ${one}]`)).toEqual([
      'trustedGateways.1.id: was given above; choose another, or remove one of the two',
    ]);
  });

  it('is a fault at the line and column where it stands', () => {
    const text = `gateway:
  trustedGateways:
    - id: apim
      proof: { type: secret, header: X-Gateway-Secret, secret: env:NOBODY }
      user:
        type: claim
        claim: upn
`;
    const loaded = load(text);
    expect('faults' in loaded ? loaded.faults.map(formatFault) : []).toEqual([
      'acme.yaml:4:64 gateway.trustedGateways.0.proof.secret: refers to the environment variable NOBODY, which is not set; set it, or write another reference',
      'acme.yaml:6:15 gateway.trustedGateways.0.user.type: is claim, but there is no assertion to hold one; write proof: type: assertion, or type: header or subscription here',
    ]);
  });
});
