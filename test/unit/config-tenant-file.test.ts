import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatFault } from '../../src/config/parsing/fault.ts';
import type { TenantDefinition } from '../../src/config/tenant/tenant-definition.ts';
import { hashTenant, loadTenant } from '../../src/config/tenant/tenant-file.ts';

const secret = 'a-secret-that-is-at-least-32-characters';
const env = { SECRET: secret, SHORT: 'too-short' };
const files: Readonly<Record<string, string>> = {
  '/run/secret': `${secret}\n`,
  '/run/empty': '\n',
  'tenants/acme.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
  'tenants/big.png': 'x'.repeat(70_000),
};
const readFile = (path: string): Buffer => {
  const text = files[path];
  if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
  return Buffer.from(text);
};

const load = (text: string, id = 'acme') =>
  loadTenant({ id, text, path: `tenants/${id}.yaml`, env, readFile });

const define = (text: string): TenantDefinition => {
  const loaded = load(text);
  if ('faults' in loaded) throw new Error(loaded.faults.map(formatFault).join('\n'));
  return loaded.definition;
};
const faultsOf = (text: string, id?: string): readonly string[] => {
  const loaded = load(text, id);
  return 'faults' in loaded ? loaded.faults.map(formatFault) : [];
};
/** Faults of a tenant with one client, which is written in one line each. */
const clientFaults = (...lines: readonly string[]): readonly string[] =>
  faultsOf(
    `grants: { password: true }\nclients:\n  - client_id: app\n${lines.map((line) => `    ${line}\n`).join('')}`,
  ).map((line) => line.replace(/^tenants\/acme\.yaml:\d+:\d+ (clients\.0\.)?/, ''));
const publicApp = ['token_endpoint_auth_method: none', 'redirect_uris: [https://app.example.com/cb]'];
const confidential = ['client_secret: env:SECRET', 'redirect_uris: [https://app.example.com/cb]'];

describe('loadTenant', () => {
  it('makes a whole tenant of a single key', () => {
    const { version, ...definition } = define('listed: true\n');
    expect(version).toMatch(/^[0-9a-f]{64}$/);
    expect(definition).toEqual({
      id: 'acme',
      audit: {},
      displayName: 'acme',
      demo: false,
      listed: true,
      branding: { color: '#1d4ed8' },
      locale: 'en',
      lifetimes: {
        session: 14 * 86_400,
        interaction: 900,
        authorizationCode: 60,
        accessToken: 3600,
        idToken: 600,
        refreshToken: 30 * 86_400,
        refreshTokenAbsolute: 180 * 86_400,
        refreshTokenGrace: 10,
        directLogin: 86_400,
        codeGrace: 10,
        deviceCode: 300,
      },
      grants: { password: false },
      accounts: { usernameChange: false, deletion: { allowed: 'local', graceSeconds: 604_800 } },
      administration: {
        administrators: { subs: [], roles: [], groups: [] },
        helpDesk: { subs: [], roles: [], groups: [] },
        auditors: { subs: [], roles: [], groups: [] },
      },
      apiKeys: {
        ...{ maximumAgeSeconds: 365 * 86_400, allowNonExpiring: false },
        ...{ onePerSystemUser: false, overlapSeconds: 604_800, ownServices: [] },
      },
      pkceExemptions: [],
      resources: [],
      secondFactor: {
        methods: ['totp', 'passkey'],
        passwordless: true,
        required: { everyone: false, roles: [], groups: [], clients: [] },
      },
      clients: [],
      users: [],
      gateway: { services: {}, trustedGateways: [] },
      throttle: {
        account: { points: 10, windowSeconds: 900 },
        address: { points: 100, windowSeconds: 900 },
        startAddress: { points: 6000, windowSeconds: 60 },
        userCodeSession: { points: 10, windowSeconds: 60 },
        userCodeAddress: { points: 30, windowSeconds: 60 },
        userCodeTenant: { points: 100, windowSeconds: 60 },
      },
      sources: [
        {
          id: 'local',
          type: 'local',
          displayName: 'Local account',
          domains: [],
          trustedEmailDomains: [],
          mapping: [],
          adopt: 'off',
          recheckSeconds: 300,
          degradedSeconds: 1800,
          revealLock: false,
        },
      ],
    });
  });

  it.each(['', '# displayName: Acme\n', '---\n', 'displayName:\n', '{}\n'])(
    'refuses the empty file %j',
    (text) => {
      expect(faultsOf(text)).toEqual([
        'tenants/acme.yaml: the file is empty; write at least displayName: and the name shown to people',
      ]);
    },
  );

  it('refuses a code by e-mail for keys that nobody makes', () => {
    const keys = (more = '') => `displayName: Acme\napiKeys: { verification: mail${more} }\n`;
    expect(faultsOf(keys())).toEqual([
      expect.stringMatching(/apiKeys\.verification: is mail, but nobody makes keys.*own: \{ services/),
    ]);
    expect(define(keys(', own: { services: [mail] }')).apiKeys).toMatchObject({ verification: 'mail' });
  });

  it('fills in the defaults of a client as RFC 7591 has them', () => {
    const { clients } = define(
      `clients:\n  - client_id: web\n    client_secret: env:SECRET\n    redirect_uris: [https://app.example.com/cb]\n`,
    );
    expect(clients).toEqual([
      {
        metadata: {
          client_id: 'web',
          client_secret: secret,
          application_type: 'web',
          token_endpoint_auth_method: 'client_secret_basic',
          grant_types: ['authorization_code'],
          response_types: ['code'],
          redirect_uris: ['https://app.example.com/cb'],
          post_logout_redirect_uris: [],
          id_token_signed_response_alg: 'RS256',
        },
        firstParty: false,
        directLogin: false,
        emailCode: false,
        idTokenClaims: 'standard',
        allowedOrigins: [],
        lifetimes: {},
        passwordGrant: {},
      },
    ]);
  });

  it('gives no response type to a client without the code flow', () => {
    const { clients } = define(
      'clients:\n  - client_id: job\n    client_secret: env:SECRET\n    grant_types: [client_credentials]\n',
    );
    expect(clients[0]?.metadata).toMatchObject({ response_types: [], redirect_uris: [] });
  });

  it('reads durations, dates, throttles and what only some clients have', () => {
    const definition = define(`
publicUrl: https://login.acme.example
lifetimes: { session: 8h, refreshTokenGrace: 0 }
authentication: { oauth2: { deviceCodeExpiration: 600 } }
grants: { password: true }
throttle: { account: { attempts: 3 }, address: { window: 1h } }
branding: { color: "#AABBCC", logo: acme.svg }
clients:
  - client_id: migrator
    client_secret: file:/run/secret
    grant_types: [password, refresh_token]
    lifetimes: { accessToken: 24h }
    allowedOrigins: [https://app.example.com]
    passwordGrant: { sunset: 2027-06-30 }
`);
    expect(definition.publicUrl).toBe('https://login.acme.example');
    expect(definition.lifetimes).toMatchObject({ session: 28_800, refreshTokenGrace: 0, deviceCode: 600 });
    expect(definition.throttle.account).toEqual({ points: 3, windowSeconds: 900 });
    expect(definition.throttle.address).toEqual({ points: 100, windowSeconds: 3600 });
    expect(definition.branding).toEqual({
      color: '#aabbcc',
      logo: `data:image/svg+xml;base64,${Buffer.from(files['tenants/acme.svg'] ?? '').toString('base64')}`,
    });
    expect(definition.clients[0]).toMatchObject({
      metadata: { client_secret: secret },
      lifetimes: { accessToken: 86_400 },
      allowedOrigins: ['https://app.example.com'],
      passwordGrant: { sunset: Date.UTC(2027, 5, 30) },
    });
  });

  it('takes texts of resources in each language, or one for all', () => {
    const scopes = (text: string): string =>
      `resources: [{ identifier: "https://api.example", name: { de: Bestellungen }, scopes: { read: ${text} } }]\n`;
    const [resource] = define(scopes('{ en: Read, de: Lesen }')).resources;
    expect(resource).toMatchObject({
      name: { de: 'Bestellungen' },
      scopes: { read: { en: 'Read', de: 'Lesen' } },
    });
    expect(define(scopes('Read')).resources[0]?.scopes).toEqual({ read: 'Read' });
    for (const [wrong, fault] of [
      ['{}', /scopes\.read: is empty; write a text for at least one language/],
      ['{ fr: Lire }', /scopes\.read\.fr: is not a known key; remove it, or write one of de, en/],
      ['""', /scopes\.read: is empty/],
      ['1', /scopes\.read: is no text; write one, in quotes/],
    ] as const)
      expect(faultsOf(scopes(wrong))).toContainEqual(expect.stringMatching(fault));
  });

  it('takes the name of a client in each language, of which programs get the one of the tenant', () => {
    const named = (name: string, locale = ''): TenantDefinition['clients'][number] | undefined =>
      define(
        `${locale}clients: [{ client_id: a, client_secret: env:SECRET, redirect_uris: [https://a.example.com/], client_name: ${name} }]\n`,
      ).clients[0];
    const both = { en: 'Library', de: 'Bücherei' };
    expect(named('{ en: Library, de: Bücherei }')).toMatchObject({
      name: both,
      metadata: { client_name: 'Library' },
    });
    expect(named('{ en: Library, de: Bücherei }', 'locale: de\n')).toMatchObject({
      name: both,
      metadata: { client_name: 'Bücherei' },
    });
    expect(named('{ de: Bücherei }')).toMatchObject({ metadata: { client_name: 'Bücherei' } });
    expect(named('Library')).toMatchObject({ name: 'Library', metadata: { client_name: 'Library' } });
  });

  it('takes links and a contact for the foot of the pages', () => {
    expect(
      define(
        'branding: { links: { imprint: "https://a.example/i", help: { de: "https://a.example/h" } }, support: "+49 30 12345", footer: false }\n',
      ).branding,
    ).toEqual({
      color: '#1d4ed8',
      links: { imprint: 'https://a.example/i', help: { de: 'https://a.example/h' } },
      support: '+49 30 12345',
      footer: false,
    });
    for (const wrong of ['javascript:alert(1)', 'a.example', 'data:text/html,x', 'https://a b.example']) {
      expect(faultsOf(`branding: { links: { imprint: "${wrong}" } }\n`)).toHaveLength(1);
      expect(faultsOf(`branding: { support: "${wrong}" }\n`)).toHaveLength(1);
    }
  });

  it('takes a logo for a source, from a file beside it or an https URL', () => {
    const sources = (logo: string): string =>
      `sources: [{ id: google, preset: google, clientId: a, clientSecret: env:SECRET, logo: "${logo}" }]\n`;
    expect(define(sources('acme.svg')).sources[0]).toMatchObject({
      preset: 'google',
      logo: expect.stringMatching(/^data:image\/svg\+xml;base64,/),
    });
    expect(define(sources('https://a.example/l.png')).sources[0]?.logo).toBe('https://a.example/l.png');
    for (const wrong of ['lost.svg', 'big.png', '../acme.svg', 'http://a.example/l.png'])
      expect(faultsOf(sources(wrong))).toEqual([expect.stringContaining('sources.0.logo: ')]);
  });

  it('is frozen through and through', () => {
    const { clients } = define(
      'clients:\n  - client_id: web\n    client_secret: env:SECRET\n    redirect_uris: [https://a.example]\n',
    );
    expect(() =>
      Object.assign(clients[0]?.metadata.redirect_uris ?? [], { 0: 'https://evil.example' }),
    ).toThrow(TypeError);
  });

  it('gives all faults of a file at once, in its order, with line and column', () => {
    expect(
      faultsOf(`displayName: Acme
locale: fr
lifetimes:
  authorizationCode: 1h
  sesion: 1d
clients:
  - client_id: web
    redirectUris: [https://app.example.com/cb]
    grant_types: [authorization_code, implicit]
  - client_id: web app
    token_endpoint_auth_method: none
    redirect_uris:
      - JaVaScRiPt:alert(1)
      - https://app.example.com/*
  - token_endpoint_auth_method: none
`),
    ).toEqual([
      'tenants/acme.yaml:2:9 locale: is not one of the known values; write en or de',
      'tenants/acme.yaml:4:22 lifetimes.authorizationCode: is too long; write at most 10m',
      'tenants/acme.yaml:5:3 lifetimes.sesion: is not a known key; did you mean session?',
      'tenants/acme.yaml:8:5 clients.0.redirectUris: is not a known key; did you mean redirect_uris?',
      'tenants/acme.yaml:9:39 clients.0.grant_types.1: is not one of the known values; write authorization_code or refresh_token or client_credentials or password or urn:ietf:params:oauth:grant-type:device_code or urn:ietf:params:oauth:grant-type:token-exchange',
      'tenants/acme.yaml:10:16 clients.1.client_id: is not a client id; write letters, digits, dots, hyphens or underscores, at most 100, a letter or digit first',
      'tenants/acme.yaml:13:9 clients.1.redirect_uris.0: has a scheme that is never allowed; write https://…',
      'tenants/acme.yaml:14:9 clients.1.redirect_uris.1: has a wildcard; write each address in full, on a line of its own',
      'tenants/acme.yaml:15:5 clients.2.client_id: is missing; write text',
    ]);
  });

  it('reports faults between keys in the same run as those of single values', () => {
    expect(
      faultsOf(`colour: red
clients:
  - client_id: broken
    redirect_uris: nowhere
  - client_id: open
    token_endpoint_auth_method: none
    grant_types: [client_credentials]
    extra: 1
pkceExemptions: [broken, opne, open]
`),
    ).toEqual([
      expect.stringContaining('tenants/acme.yaml:1:1 colour: is not a known key; remove it, or write one of'),
      'tenants/acme.yaml:4:20 clients.0.redirect_uris: is text; write a list (lines that begin with "- ")',
      'tenants/acme.yaml:7:19 clients.1.grant_types.0: is for confidential clients; give it a client_secret, or remove client_credentials',
      expect.stringContaining('tenants/acme.yaml:8:5 clients.1.extra: is not a known key'),
      'tenants/acme.yaml:9:26 pkceExemptions.1: names nothing in this file; did you mean open?',
      'tenants/acme.yaml:9:32 pkceExemptions.2: names a public client, which PKCE alone protects; remove it',
    ]);
  });

  it.each([
    'Acme',
    'acme_1',
    '-acme',
    'a'.repeat(64),
    'acme.example',
    '',
    'token',
    'device',
    'jwks',
    'admin',
    'constructor',
  ])('refuses the tenant id %j', (id) => {
    expect(faultsOf('listed: true\n', id)).toEqual([expect.stringMatching(/rename/)]);
  });

  it.each(['device-lab', 'me2', '0', 'a'.repeat(63)])('takes the tenant id %j', (id) => {
    expect(faultsOf('listed: true\n', id)).toEqual([]);
  });

  it.each([
    'constructor',
    'prototype',
    'toString',
    'valueOf',
    'hasOwnProperty',
    '__proto__',
    '_x',
    '.x',
    'a b',
    'ä',
    'a'.repeat(101),
    'drawbridge',
    'Drawbridge-account',
  ])('refuses the client id %j', (id) => {
    expect(
      faultsOf(
        `clients:\n  - client_id: "${id}"\n    token_endpoint_auth_method: none\n    redirect_uris: [https://a.example]\n`,
      ),
    ).toEqual([expect.stringMatching(/^tenants\/acme\.yaml:2:16 clients\.0\.client_id: /)]);
  });
});

describe('rules of a client', () => {
  it('takes a public and a confidential one', () => {
    expect(clientFaults(...publicApp)).toEqual([]);
    expect(clientFaults(...confidential)).toEqual([]);
  });

  it('refuses public clients the grants that need a secret', () => {
    expect(
      clientFaults('token_endpoint_auth_method: none', 'grant_types: [client_credentials, password]'),
    ).toEqual([
      'grant_types.0: is for confidential clients; give it a client_secret, or remove client_credentials',
      'grant_types.1: is for confidential clients; give it a client_secret, or remove password',
    ]);
  });

  it('refuses the password grant where the tenant does not allow it, and with DPoP', () => {
    const client =
      'clients:\n  - client_id: app\n    client_secret: env:SECRET\n    grant_types: [password]\n';
    expect(faultsOf(client)).toEqual([
      'tenants/acme.yaml:4:19 clients.0.grant_types.0: is not allowed in this tenant; write grants: { password: true } in the file, or remove it',
    ]);
    expect(faultsOf(`grants: { password: true }\n${client}`)).toEqual([]);
    expect(
      faultsOf(`grants: { password: true }\n${client}    dpop_bound_access_tokens: true\n`),
    ).toHaveLength(1);
  });

  it('refuses what does not fit the grants', () => {
    expect(clientFaults('client_secret: env:SECRET')).toEqual([
      'redirect_uris: is missing; authorization_code needs at least one address to send codes to',
    ]);
    expect(clientFaults(...confidential, 'grant_types: [client_credentials]')).toEqual([
      'redirect_uris: is of no use without authorization_code; add that to grant_types, or remove this',
    ]);
    expect(clientFaults('client_secret: env:SECRET', 'grant_types: []')).toHaveLength(1);
    expect(
      clientFaults('client_secret: env:SECRET', 'grant_types: [client_credentials, refresh_token]'),
    ).toHaveLength(1);
    expect(clientFaults(...confidential, 'response_types: []')).toHaveLength(1);
    expect(clientFaults(...confidential, 'passwordGrant: { sunset: 2027-01-01 }')).toHaveLength(1);
  });

  it('wants the proof that the method needs, and no other', () => {
    const [, uris = ''] = confidential;
    expect(clientFaults(uris)).toEqual([
      'client_secret: is missing; write client_secret: env:NAME, or token_endpoint_auth_method: none for a public client',
    ]);
    expect(clientFaults(...confidential, 'token_endpoint_auth_method: none')).toEqual([
      'client_secret: is not used with none; remove it',
    ]);
    expect(clientFaults(uris, 'token_endpoint_auth_method: private_key_jwt')).toEqual([
      'jwks: is missing; private_key_jwt needs jwks or jwks_uri',
    ]);
    const jwk = 'jwks: { keys: [{ kty: OKP, crv: Ed25519, x: abc }] }';
    expect(clientFaults(uris, 'token_endpoint_auth_method: private_key_jwt', jwk)).toEqual([]);
    const leaked = 'jwks: { keys: [{ kty: OKP, crv: Ed25519, x: abc, d: hush }] }';
    expect(clientFaults(uris, 'token_endpoint_auth_method: private_key_jwt', leaked)).toEqual([
      'jwks.keys.0: holds the private part of a key, which only the client may have; write the public members alone',
    ]);
  });

  it('checks redirect URIs by the kind of application', () => {
    const uri = 'redirect_uris: ["com.example.app:/cb"]';
    expect(clientFaults('token_endpoint_auth_method: none', uri, 'application_type: native')).toEqual([]);
    expect(clientFaults('token_endpoint_auth_method: none', uri)).toEqual([
      expect.stringMatching(/^redirect_uris\.0: is not a web address/),
    ]);
    expect(clientFaults(...publicApp, 'post_logout_redirect_uris: ["http://app.example.com/"]')).toEqual([
      expect.stringMatching(/^post_logout_redirect_uris\.0: is http and not a loopback host/),
    ]);
  });

  it.each([
    'https://app.example.com/',
    'https://app.example.com:443',
    'http://app.example.com',
    '"*"',
    '"null"',
    'https://*.example.com',
    'app.example.com',
  ])('refuses the allowed origin %s', (origin) => {
    expect(clientFaults(...publicApp, `allowedOrigins: [${origin}]`)).toEqual([
      expect.stringMatching(/^allowedOrigins\.0: is /),
    ]);
  });

  it('knows the scopes of the tenant', () => {
    expect(clientFaults(...publicApp, 'scope: openid profile email groups roles offline_access')).toEqual([]);
    expect(clientFaults(...publicApp, 'scope: openid profil')).toEqual([
      'scope: holds profil, which no resource has; did you mean profile?',
    ]);
    expect(clientFaults(...publicApp, 'scope: "openid  profile"')).toHaveLength(1);
  });

  it('leaves the scope account to first-party clients', () => {
    expect(clientFaults(...publicApp, 'scope: openid account', 'firstParty: true')).toEqual([]);
    expect(clientFaults(...publicApp, 'scope: openid account')).toEqual([
      'scope: holds account, which only clients with firstParty: true can have; remove it',
    ]);
  });

  it('leaves sign-ins on their own pages to first-party clients with the code flow', () => {
    expect(clientFaults(...publicApp, 'directLogin: true', 'firstParty: true')).toEqual([]);
    expect(clientFaults(...publicApp, 'directLogin: true')).toEqual([
      'directLogin: lets a third party read passwords; remove it, or write firstParty: true if the client is your own',
    ]);
    expect(clientFaults(...publicApp, 'emailCode: true', 'firstParty: true')).toEqual([
      'emailCode: is of no use without directLogin: true; add that, or remove this',
    ]);
    const device = ['grant_types: ["urn:ietf:params:oauth:grant-type:device_code"]', 'redirect_uris: []'];
    const withoutCodes = publicApp.filter((line) => !line.startsWith('redirect_uris'));
    expect(clientFaults(...withoutCodes, ...device, 'directLogin: true', 'firstParty: true')).toEqual([
      'directLogin: needs authorization_code in grant_types; add it',
    ]);
  });

  it.each(['2027-02-30', '2027-13-01', '30.06.2027', 'tomorrow', '2027-06-30T25:00:00Z'])(
    'refuses the sunset %j',
    (date) => {
      expect(
        clientFaults(
          'client_secret: env:SECRET',
          'grant_types: [password]',
          `passwordGrant: { sunset: "${date}" }`,
        ),
      ).toEqual([expect.stringMatching(/^passwordGrant\.sunset: is not a date/)]);
    },
  );
});

describe('secrets of a tenant', () => {
  const withSecret = (reference: string, demo = false) =>
    faultsOf(
      `demo: ${demo}\nclients:\n  - client_id: app\n    client_secret: ${reference}\n    redirect_uris: [https://app.example.com/cb]\n`,
    );

  it('are references, unless the tenant is a demo', () => {
    expect(withSecret('hush-hush-hush-hush-hush-hush-hush-hush')).toEqual([
      'tenants/acme.yaml:4:20 clients.0.client_secret: is written out; write a reference, env:NAME or file:/path (only demo tenants hold secrets)',
    ]);
    expect(withSecret('hush-hush-hush-hush', true)).toEqual([]);
    expect(withSecret('hush', true)).toEqual([expect.stringContaining('is shorter than 16 characters')]);
    expect(withSecret('env:SECRET')).toEqual([]);
    expect(withSecret('file:/run/secret')).toEqual([]);
  });

  it('are never repeated in a fault', () => {
    const hush = 'hush-hush-hush-hush-hush-hush-hush-hush';
    const texts = [
      `clients:\n  - client_id: ${hush}!\n    client_secret: ${hush}\n    grant_types: [${hush}]\n    scope: ${hush}\n`,
      `demo: ${hush}\nlocale: ${hush}\npublicUrl: ${hush}\nlifetimes: { session: ${hush} }\nclients: ${hush}\n`,
      `demo: true\nusers:\n  - username: "A${hush}"\n    password: { a: ${hush} }\n    email: ${hush}\n`,
      `clients:\n  - client_id: app\n    client_secret: "${hush}\n`,
    ];
    for (const text of texts) {
      expect(faultsOf(text)).not.toEqual([]);
      expect(faultsOf(text.replaceAll(`"A${hush}"`, 'alice')).join('\n')).not.toContain(hush);
    }
  });

  it('name the reference that has no target', () => {
    expect(withSecret('env:ABSENT')).toEqual([
      expect.stringContaining('the environment variable ABSENT, which is not set'),
    ]);
    expect(withSecret('env:SHORT')).toEqual([expect.stringContaining('is shorter than 32 characters')]);
    expect(withSecret('file:/run/absent')).toEqual([
      expect.stringContaining('the file /run/absent, which cannot be read (ENOENT)'),
    ]);
    expect(withSecret('file:/run/empty')).toEqual([
      expect.stringContaining('the file /run/empty, which is empty'),
    ]);
    expect(withSecret('file:relative')).toEqual([expect.stringContaining('is not a valid reference')]);
    expect(withSecret('env:NOT-A-NAME')).toEqual([expect.stringContaining('is not a valid reference')]);
  });
});

describe('rules of a tenant', () => {
  const clients = `clients:
  - client_id: open
    token_endpoint_auth_method: none
    redirect_uris: [https://app.example.com/cb]
  - client_id: closed
    client_secret: env:SECRET
    redirect_uris: [https://app.example.com/cb]
`;

  it('wants names to be unique', () => {
    expect(
      faultsOf(`${clients}  - client_id: open
    client_secret: env:SECRET
    redirect_uris: [https://app.example.com/cb]
resources: [{ identifier: https://api.example.com }, { identifier: https://api.example.com }]
`),
    ).toEqual([
      expect.stringContaining('clients.2.client_id: was given above'),
      expect.stringContaining('resources.1.identifier: was given above'),
    ]);
  });

  it('wants references to lead somewhere', () => {
    expect(
      faultsOf(`${clients}    defaultResource: https://api.example.com/b
resources:
  - identifier: https://api.example.com/a
    introspectedBy: [nobody, open, closed]
    clients: [opne]
defaultResource: https://api.example.com/c
pkceExemptions: [closed]
`).map((line) => line.replace(/^\S+ /, '')),
    ).toEqual([
      'clients.1.defaultResource: names nothing in this file; did you mean https://api.example.com/a?',
      'resources.0.introspectedBy.0: names nothing in this file; write one of open, closed',
      'resources.0.introspectedBy.1: names a public client, which any program can impersonate; name a confidential client',
      'resources.0.clients.0: names nothing in this file; did you mean open?',
      'defaultResource: names nothing in this file; did you mean https://api.example.com/a?',
    ]);
  });

  it('wants second factors that somebody can set up, of clients that are there', () => {
    expect(
      faultsOf(`${clients}secondFactor:
  methods: []
  required: { roles: [admin], clients: [opne] }
`).map((line) => line.replace(/^\S+ /, '')),
    ).toEqual([
      'secondFactor.methods: is empty, but required demands a second factor; write [totp, passkey]',
      'secondFactor.required.clients.0: names nothing in this file; did you mean open?',
    ]);
    expect(faultsOf('secondFactor: { deadline: 2027-01-31 }').join()).toContain(
      'secondFactor.deadline: is of no use while required names nobody; remove it',
    );
    expect(define('secondFactor: { deadline: 2027-01-31, required: { everyone: true } }')).toMatchObject({
      secondFactor: { deadline: Date.UTC(2027, 0, 31), required: { everyone: true } },
    });
  });

  it('refuses a default resource for which the client may not ask', () => {
    expect(
      faultsOf(
        `${clients}    defaultResource: https://api.example.com/a\nresources: [{ identifier: https://api.example.com/a, clients: [open] }]\n`,
      ),
    ).toEqual([
      expect.stringContaining(
        'clients.1.defaultResource: is a resource that this client may not ask for; add closed',
      ),
    ]);
  });

  it.each(['api', '/api', 'https://api.example.com/#a', 'https://api.example.com/ a', ''])(
    'refuses the resource %j',
    (identifier) => {
      expect(faultsOf(`resources: [{ identifier: "${identifier}" }]\n`)).toEqual([
        expect.stringContaining('resources.0.identifier: is not a resource identifier'),
      ]);
    },
  );

  it('refuses scopes of a resource that are built in or no scopes', () => {
    expect(
      faultsOf(
        'resources:\n  - identifier: https://api.example.com\n    scopes:\n      openid: x\n      "a b": x\n      "a:b": ok\n',
      ),
    ).toEqual([
      expect.stringMatching(
        /^tenants\/acme\.yaml:4:\d+ resources\.0\.scopes\.openid: is a scope that every tenant has/,
      ),
      expect.stringMatching(/^tenants\/acme\.yaml:5:\d+ resources\.0\.scopes\.a b: is not a scope/),
    ]);
  });

  it('has users in demo tenants only, under canonical names that are unique', () => {
    const users = (lines: string) => `users:\n${lines}`;
    expect(faultsOf(users('  - { username: alice, password: open-sesame }\n'))).toEqual([
      expect.stringContaining('tenants/acme.yaml:1:1 users: are for demo tenants only'),
    ]);
    expect(
      faultsOf(
        `demo: true\n${users('  - { username: alice, password: open-sesame, email: a@acme.example }\n  - { username: alice, password: open-sesame }\n  - { username: a@acme.example, password: open-sesame }\n  - { username: Bob, password: open-sesame }\n  - { username: eve, password: short }\n')}`,
      ).map((line) => line.replace(/^\S+ /, '')),
    ).toEqual([
      'users.1.username: was given to a user above; choose another',
      'users.2.username: was given to a user above; choose another',
      'users.3.username: is not in its canonical spelling; write bob',
      'users.4.password: is too short; write at least 8 characters',
    ]);
  });

  it('keeps claims that Drawbridge makes itself out of the users', () => {
    expect(
      faultsOf(
        'demo: true\nusers:\n  - username: alice\n    password: open-sesame\n    claims: { name: Alice, sub: admin, groups: [x] }\n',
      ),
    ).toEqual([
      expect.stringContaining('users.0.claims.sub: is a claim that Drawbridge makes itself'),
      expect.stringContaining('users.0.claims.groups: is a claim that Drawbridge makes itself'),
    ]);
  });

  it('wants a public URL that is safe', () => {
    expect(faultsOf('publicUrl: http://login.acme.example\n')).toEqual([
      expect.stringContaining('write https://login.acme.example'),
    ]);
    expect(faultsOf('publicUrl: https://login.acme.example/\n')).toEqual([
      expect.stringContaining('is not an origin'),
    ]);
    expect(faultsOf('demo: true\npublicUrl: https://login.acme.example\n')).toEqual([
      expect.stringContaining('the tenant is a demo'),
    ]);
    expect(faultsOf('demo: true\npublicUrl: http://acme.localhost:3000\n')).toEqual([]);
  });

  it.each([
    'nowhere.svg',
    'big.png',
    '../secret.png',
    '/etc/passwd.png',
    'acme.html',
    'http://x.example/a.png',
    'javascript:alert(1)',
    'data:image/png,x',
  ])('refuses the logo %s', (logo) => {
    expect(faultsOf(`branding: { logo: "${logo}" }\n`)).toEqual([expect.stringContaining('branding.logo: ')]);
  });
});

describe('the logo of a tenant', () => {
  it.each([
    '../tenants/acme.svg',
    'a/../../tenants/acme.svg',
    './acme.svg',
    '.hidden.svg',
    '/tenants/acme.svg',
  ])('is never looked for at %s', (logo) => {
    expect(faultsOf(`branding: { logo: "${logo}" }\n`)).toEqual([
      expect.stringContaining('is no logo; write a file'),
    ]);
  });
});

describe('faults of all kinds in one run', () => {
  const client = (id: string, ...lines: readonly string[]) =>
    [`  - client_id: ${id}`, ...lines.map((line) => `    ${line}`), ''].join('\n');
  const placesIn = (text: string) =>
    faultsOf(text).map((line) => line.replace(/^tenants\/acme\.yaml:\d+:\d+ ([^:]*): .*/, '$1'));

  it('reports faults of values, clients, secrets, addresses, names and users together', () => {
    const text =
      'displayNam: Acme\nlifetimes: { session: soon }\nbranding: { color: red, logo: lost.svg }\nclients:\n' +
      client('bad', ...publicApp, 'grant_types: [implicit]') +
      client('plain', `client_secret: ${secret}`, 'redirect_uris: [https://app.example.com/cb]') +
      client('open', 'token_endpoint_auth_method: none', 'redirect_uris: [http://app.example.com/cb]') +
      client('open', ...publicApp) +
      'users:\n  - { username: alice, password: a-password }\n';
    expect(placesIn(text)).toEqual([
      'displayNam',
      'lifetimes.session',
      'branding.color',
      'branding.logo',
      'clients.0.grant_types.0',
      'clients.1.client_secret',
      'clients.2.redirect_uris.0',
      'clients.3.client_id',
      'users',
    ]);
  });

  const inDemo =
    'publicUrl: http://login.acme.example\nusers:\n  - { username: alice, password: a-password }\nclients:\n' +
    client('plain', 'client_secret: sixteen-and-more', 'redirect_uris: [https://app.example.com/cb]');
  const withGrant = `clients:\n${client('job', 'client_secret: env:SECRET', 'grant_types: [password]')}`;
  const naming = 'pkceExemptions: [web]\nresources:\n  - { identifier: urn:api:x, clients: [web] }\n';
  const withScope = `clients:\n${client('app', ...publicApp, 'scope: openid orders', 'defaultResource: urn:api:x')}`;
  const withResource =
    `clients:\n${client('app', ...publicApp, 'defaultResource: urn:api:x')}` +
    'resources:\n  - { identifier: urn:api:x, clients: [] }\n';

  it.each([
    ['a wrong demo', 'demo: 1\n', inDemo, ['demo']],
    ['a misspelt demo', 'dmeo: true\n', inDemo, ['dmeo']],
    ['wrong grants', 'grants: { password: 1 }\n', withGrant, ['grants.password']],
    ['misspelt grants', 'grants: { pasword: true }\n', withGrant, ['grants.pasword']],
    ['wrong clients', 'clients: web\n', naming, ['clients']],
    ['misspelt clients', 'client: [{ client_id: web }]\n', naming, ['client']],
    [
      'a client without a name',
      'clients: [{ clientid: web }]\n',
      naming,
      ['clients.0.clientid', 'clients.0.client_id'],
    ],
    ['wrong resources', 'resources: 1\n', withScope, ['resources']],
    ['misspelt resources', 'resorces: []\n', withScope, ['resorces']],
    ['a wrong default', 'defaultResource: 1\n', withResource, ['defaultResource']],
  ])('blames nothing for %s', (_, start, rest, places) => {
    expect([...placesIn(`${start}${rest}`)].sort()).toEqual([...places].sort());
  });

  it('leaves out a list of names of which one is wrong, and judges the rest', () => {
    expect(placesIn(`pkceExemptions: [web, 5]\ndemo: false\n${inDemo}`)).toEqual([
      'pkceExemptions.1',
      'publicUrl',
      'users',
      'clients.0.client_secret',
    ]);
  });

  it('takes a stray key for what it is when the real one is there', () => {
    expect(placesIn(`dmeo: true\ndemo: false\n${inDemo}`)).toEqual([
      'dmeo',
      'publicUrl',
      'users',
      'clients.0.client_secret',
    ]);
  });
});

describe('hashTenant', () => {
  const text =
    'clients:\n  - client_id: app\n    client_secret: env:SECRET\n    jwks: file:/run/secret\nbranding:\n  logo: acme.svg\n';
  const hash = (over: { text?: string; env?: Record<string, string>; files?: Record<string, string> } = {}) =>
    hashTenant({
      text: over.text ?? text,
      path: 'tenants/acme.yaml',
      env: over.env ?? env,
      readFile: (path) => Buffer.from(over.files?.[path] ?? files[path] ?? ''),
    });

  it('changes with the text, a secret and the logo, and with nothing else', () => {
    const hashes = [
      hash(),
      hash({ text: `${text}#` }),
      hash({ env: { SECRET: 'other' } }),
      hash({ env: {} }),
      hash({ files: { '/run/secret': 'other' } }),
      hash({ files: { 'tenants/acme.svg': 'other' } }),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(hash({ env: { ...env, OTHER: 'x' } })).toBe(hash());
  });

  it('is the version of the definition', () => {
    const fine =
      'clients:\n  - client_id: app\n    client_secret: env:SECRET\n    redirect_uris: [https://a.example]\n';
    expect(define(fine).version).toBe(hashTenant({ text: fine, path: 'tenants/acme.yaml', env, readFile }));
  });
});

describe('loadTenant, whatever the file', () => {
  it('never throws', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom('none', 'env:X', 'file:/x', 'https://a.example', true, 1, null, ''),
        fc.array(tie('any'), { maxLength: 3 }),
        tie('map'),
      ),
      map: fc.dictionary(
        fc.constantFrom(
          'clients',
          'client_id',
          'redirect_uris',
          'grant_types',
          'jwks',
          'keys',
          'resources',
          'identifier',
          'scopes',
          'users',
          'username',
          'password',
          'claims',
          'lifetimes',
          'session',
          'grants',
          'branding',
          'logo',
          'throttle',
          'demo',
          'x',
        ),
        tie('any'),
        { maxKeys: 5 },
      ),
    })).map;
    fc.assert(
      fc.property(value, (tenant) => {
        const loaded = load(JSON.stringify(tenant));
        expect('definition' in loaded || loaded.faults.length > 0).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('two secrets of a client', () => {
  const withSecrets = (secrets: string) =>
    `clients:\n  - client_id: app\n    client_secret: ${secrets}\n    redirect_uris: [https://app.example.com/cb]\n`;

  it('are both there', () => {
    expect(define(withSecrets('["env:SECRET", "file:/run/secret"]')).clients).toMatchObject([
      { metadata: { client_secret: secret }, secondSecret: secret },
    ]);
    expect(define(withSecrets('["env:SECRET"]')).clients[0]).not.toHaveProperty('secondSecret');
  });

  it.each([
    [
      '["env:SECRET", "env:SHORT"]',
      'clients.0.client_secret.1: is shorter than 32 characters; make one with: openssl rand -base64 32',
    ],
    [
      '["env:SECRET", "env:SECRET", "env:SECRET"]',
      'clients.0.client_secret: is not a secret; write a reference, env:NAME or file:/path, or a list of two of them',
    ],
    ['[]', 'clients.0.client_secret: is too short; write at least 1 entries'],
  ])('are wrong as %s', (secrets, fault) => {
    expect(faultsOf(withSecrets(secrets)).map((line) => line.replace(/^\S+ /, ''))).toEqual([fault]);
  });
});

describe('a value that is lost', () => {
  it.each([
    [
      'listed: true\ndisplayName:\n',
      'tenants/acme.yaml:2:1 displayName: is empty; write a value, or remove the line',
    ],
    [
      'clients:\n  - client_id: a\n    redirect_uris: [https://a.example.com/]\n    client_name:\n',
      'tenants/acme.yaml:4:5 clients.0.client_name: is empty; write a value, or remove the line',
    ],
    [
      'branding:\n  color: #1d4ed8\n',
      'tenants/acme.yaml:2:10: what follows the # is a comment in YAML and is lost; put the value in quotes, or write a space behind the #',
    ],
    ['displayName: 7\n', 'tenants/acme.yaml:1:14 displayName: is a whole number; write text, in quotes'],
    ['displayName: true\n', 'tenants/acme.yaml:1:14 displayName: is true or false; write text, in quotes'],
    ['listed: no\n', 'tenants/acme.yaml:1:9 listed: is text; write true or false'],
  ])('%j is a fault', (text, fault) => {
    expect(faultsOf(text)).toContain(fault);
  });

  it('is none where all lines below a key are commented out', () => {
    expect(faultsOf('listed: true\nclients:\n#  - client_id: a\nbranding:\n  # color: "#1d4ed8"\n')).toEqual(
      [],
    );
  });
});
