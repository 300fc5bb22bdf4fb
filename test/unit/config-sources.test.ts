import { describe, expect, it } from '@jest/globals';
import { hashTenant } from '../../src/config/tenant/tenant-file.ts';
import { longSecret, tenantTexts } from '../support/tenant-texts.ts';

const { define, source, sourceFaults, faultsOf, load } = tenantTexts();

const local = '  - { id: local, type: local }\n';
const google = '  - { id: google, preset: google, clientId: a, clientSecret: env:SECRET }\n';
const verifier = ['id: legacy', 'type: http', 'url: https://old.example.com/check'];
const app = (more = '') =>
  `clients:\n  - { client_id: shop, client_secret: env:SECRET, grant_types: [client_credentials${more}] }\n`;
const exchange = ', urn:ietf:params:oauth:grant-type:token-exchange';

describe('sources', () => {
  it('leave no change of user names, but for the local list', () => {
    const accounts = 'accounts: { usernameChange: true }\n';
    expect(define(accounts).accounts.usernameChange).toBe(true);
    expect(define(`${accounts}sources:\n${local}`).accounts.usernameChange).toBe(true);
    expect(faultsOf(`${accounts}sources:\n${local}${google}`)).toEqual([
      expect.stringMatching(
        /^accounts\.usernameChange: is true, but the tenant has other sources .* remove it$/,
      ),
    ]);
  });

  it('are the local list when the file names none', () => {
    expect(define('displayName: Acme\n').sources).toMatchObject([{ id: 'local', type: 'local' }]);
  });

  it('keep the order of the file', () => {
    expect(define(`sources:\n${google}${local}`).sources.map(({ id }) => id)).toEqual(['google', 'local']);
  });

  it('are frozen to the bottom', () => {
    const [first] = define(`sources:\n${google}`).sources;
    expect(Object.isFrozen(first?.mapping)).toBe(true);
  });

  it('have names, domains and apps of their own', () => {
    const text = `${app()}sources:\n  - { id: here, type: local, displayName: People, domains: [acme.example], trustedEmailDomains: [b.example], clients: [shop] }\n`;
    expect(define(text).sources).toMatchObject([
      {
        displayName: 'People',
        domains: ['acme.example'],
        trustedEmailDomains: ['b.example'],
        clients: ['shop'],
      },
    ]);
  });

  it.each([
    ['[]', 'sources: is empty; leave it out to keep people in the local list'],
    ['local', 'sources: is text; write a list (lines that begin with "- ")'],
    ['[5]', 'sources.0: is of no known kind; write type: local, ldap, oidc, oauth2 or http'],
    ['[{ id: a }]', 'sources.0: is of no known kind; write type: local, ldap, oidc, oauth2 or http'],
    [
      '[{ id: a, type: saml }]',
      'sources.0: is of no known kind; write type: local, ldap, oidc, oauth2 or http',
    ],
    ['[{ type: local }]', expect.stringMatching(/^sources\.0\.id: /)],
    ['[{ id: A, type: local }]', expect.stringMatching(/^sources\.0\.id: is not an id; write small letters/)],
    ['[{ id: a, type: local, url: x }]', expect.stringMatching(/^sources\.0\.url: is not a known key; /)],
    [
      '[{ id: a, type: local, domains: ["@Acme.Example"] }]',
      'sources.0.domains.0: is not in its plain spelling; write acme.example',
    ],
    [
      '[{ id: a, type: local, domains: [x@y] }]',
      'sources.0.domains.0: is not the domain of e-mail addresses; write what stands behind the @, such as example.com',
    ],
  ])('are not %s', (text, message) => {
    expect(faultsOf(`sources: ${text}\n`)).toEqual([message]);
  });

  it('have ids of their own, and one local list', () => {
    expect(faultsOf(`sources:\n${local}${local}`)).toEqual([
      'sources.1.id: was given above; choose another, or remove one of the two',
      'sources.1.type: is local a second time; there is one local list, remove this one',
    ]);
  });

  it('send each domain to one place', () => {
    const domain = google.replace(' }', ', domains: [b.example, acme.example] }');
    const other = domain.replace('id: google', 'id: other').replace('b.example, ', '');
    expect(faultsOf(`sources:\n${domain}${other}`)).toEqual([
      'sources.1.domains.0: sends its people to a source above already; remove it from one of the two',
    ]);
    expect(faultsOf(`sources:\n${domain}  - { id: local, type: local, domains: [acme.example] }\n`)).toEqual(
      [],
    );
  });

  it('name clients that are there', () => {
    const limited = google.replace(' }', ', clients: [shpo] }');
    expect(faultsOf(`${app()}sources:\n${limited}`)).toEqual([
      'sources.0.clients.0: names nothing in this file; did you mean shop?',
    ]);
    expect(faultsOf(`sources:\n${limited}`)).toEqual([
      'sources.0.clients.0: names nothing in this file; remove it',
    ]);
  });

  it('hand tokens to clients that may ask for them', () => {
    const generous = google.replace(' }', ', tokensFor: [shop] }');
    expect(define(`${app(exchange)}sources:\n${generous}`).sources).toMatchObject([{ tokensFor: ['shop'] }]);
    expect(faultsOf(`${app()}sources:\n${generous}`)).toEqual([
      'sources.0.tokensFor.0: names a client that may not ask for them; add urn:ietf:params:oauth:grant-type:token-exchange to its grant_types',
    ]);
    expect(faultsOf(`${app(exchange)}sources:\n${generous.replace('shop', 'other')}`)).toEqual([
      'sources.0.tokensFor.0: names nothing in this file; write one of shop',
    ]);
  });

  it('have a local list when the file has users', () => {
    const users = 'demo: true\nusers: [{ username: alice, password: alice-opens }]\n';
    expect(faultsOf(`${users}sources:\n${google}`)).toEqual([
      'users: are of no use without a local source; add - { id: local, type: local } to sources, or remove them',
    ]);
    expect(faultsOf(`${users}sources:\n${google}${local}`)).toEqual([]);
    expect(faultsOf(users)).toEqual([]);
  });

  it('hand passwords over to a local list that is there', () => {
    const takeover = `sources:\n  - { ${verifier.join(', ')}, adopt: takeover }\n`;
    expect(faultsOf(takeover)).toEqual([
      'sources.0.adopt: hands passwords over to the local list, and there is none; add - { id: local, type: local }',
    ]);
    expect(define(`${takeover}${local}`).sources[0]).toMatchObject({ adopt: 'takeover' });
  });

  it('are judged beside one that is wrong', () => {
    const text = `sources:\n  - { id: a, type: ldap }\n${google.replace(' }', ', clients: [nobody] }')}  - { id: b, type: htpp }\n`;
    expect(faultsOf(text)).toEqual([
      expect.stringMatching(/^sources\.0\.bind: is not right; /),
      'sources.1.clients.0: names nothing in this file; remove it',
      expect.stringMatching(/^sources\.2: is of no known kind; /),
    ]);
  });

  it('that have a misspelt key do not lack the one that was meant', () => {
    const misspelt = google.replace('clientSecret', 'clientSecert');
    expect(faultsOf(`sources:\n${misspelt}`)).toEqual([
      'sources.0.clientSecert: is not a known key; did you mean clientSecret?',
    ]);
  });

  it('that are all wrong leave the rest of the file to be judged', () => {
    expect(faultsOf('publicUrl: http://acme.example\nsources: [{ id: a, type: saml }]\n')).toEqual([
      expect.stringMatching(/^publicUrl: is http and not a loopback address; /),
      expect.stringMatching(/^sources\.0: is of no known kind; /),
    ]);
  });

  it('that are wrong take nothing from the users of the file', () => {
    const text = `demo: true\nusers: [{ username: alice, password: alice-opens }]\nsources:\n${google}  - { id: local, type: loca }\n`;
    expect(faultsOf(text)).toEqual([expect.stringMatching(/^sources\.1: is of no known kind; /)]);
  });

  it('show where a fault is', () => {
    const loaded = load(
      `displayName: Acme\nsources:\n${local}  - id: old\n    type: http\n    url: http://x\n`,
    );
    expect('faults' in loaded && loaded.faults).toEqual([
      {
        file: 'acme.yaml',
        line: 6,
        column: 10,
        path: 'sources.1.url',
        message: 'is http and not a loopback address; write https://…',
      },
    ]);
  });

  it('change the version of the tenant with their secrets', () => {
    const text = `sources:\n${google.replace('env:SECRET', 'file:/run/secret')}`;
    const hash = (secret: string) =>
      hashTenant({ text, path: 'acme.yaml', env: {}, readFile: () => Buffer.from(secret) });
    expect(hash('one')).not.toBe(hash('two'));
  });
});

describe('a verifier over HTTP', () => {
  it('needs an address', () => {
    expect(source('http', ...verifier)).toMatchObject({
      url: 'https://old.example.com/check',
      tls: {},
      requestTimeoutMs: 10_000,
      adopt: 'off',
    });
    expect(source('http', ...verifier)).not.toHaveProperty('secret');
  });

  it('may be asked with a secret, within a time', () => {
    expect(source('http', ...verifier, 'secret: env:SECRET', 'timeout: 2s')).toMatchObject({
      secret: longSecret,
      requestTimeoutMs: 2000,
    });
    expect(sourceFaults(...verifier, 'secret: hunter2')).toEqual([
      'secret: is written out; write a reference, env:NAME or file:/path (only demo tenants hold secrets)',
    ]);
  });
});

describe('a mapping', () => {
  const mapping = (...steps: readonly string[]) => [
    ...verifier,
    'mapping:',
    ...steps.map((step) => `  - ${step}`),
  ];

  it('has six kinds of steps', () => {
    expect(
      source(
        'http',
        ...mapping(
          '{ rename: mail, to: email }',
          '{ rename: /address/country, to: country }',
          '{ prefix: groups, with: "ldap:" }',
          '{ regex: groups, pattern: "^CN=([^,]+).*$", replace: "$1 ($$)" }',
          '{ drop: photo }',
          '{ drop: groups, pattern: "^tmp-" }',
          '{ role: admin, equals: Admins }',
          '{ role: boss, of: title, pattern: "^(?i)chief" }',
          '{ default: locale, value: en }',
          '{ default: roles, value: [user] }',
          '{ default: email_verified, value: false }',
        ),
      ).mapping,
    ).toEqual([
      { step: 'rename', from: 'mail', to: 'email' },
      { step: 'rename', from: '/address/country', to: 'country' },
      { step: 'prefix', of: 'groups', prefix: 'ldap:' },
      { step: 'regex', of: 'groups', pattern: '^CN=([^,]+).*$', replace: '$1 ($$)' },
      { step: 'drop', of: 'photo' },
      { step: 'drop', of: 'groups', pattern: '^tmp-' },
      { step: 'role', role: 'admin', of: 'groups', equals: 'Admins' },
      { step: 'role', role: 'boss', of: 'title', pattern: '^(?i)chief' },
      { step: 'default', of: 'locale', value: 'en' },
      { step: 'default', of: 'roles', value: ['user'] },
      { step: 'default', of: 'email_verified', value: false },
    ]);
  });

  it.each([
    [
      '{ move: a }',
      ': is not a step; write one that begins with rename, prefix, regex, drop, role or default',
    ],
    ['rename', ': is not a step; write one that begins with rename, prefix, regex, drop, role or default'],
    ['{ rename: a }', '.to: is missing; write text'],
    ['{ rename: a, ot: b }', expect.stringMatching(/^\.ot: is not a known key; did you mean to\?/)],
    ['{ rename: a, to: sub }', '.to: is a claim that Drawbridge makes itself; choose another name'],
    ['{ rename: /a~2, to: b }', expect.stringMatching(/^\.rename: is not a JSON pointer/)],
    ['{ default: iss, value: x }', '.default: is a claim that Drawbridge makes itself; choose another name'],
    ['{ default: locale }', '.value: is missing; write the value'],
    ['{ drop: a, pattern: "(?!x)" }', expect.stringMatching(/^\.pattern: looks ahead or behind/)],
    [
      '{ regex: a, pattern: "(x)", replace: "$2" }',
      '.replace: names the group 2, and the pattern has 1; put brackets round what is wanted, or write $$ for a $',
    ],
    ['{ role: admin }', ': says not who gets it, or says it twice; write equals: or pattern:, one of them'],
    [
      '{ role: admin, equals: a, pattern: b }',
      ': says not who gets it, or says it twice; write equals: or pattern:, one of them',
    ],
  ])('refuses %s', (step, message) => {
    const found = sourceFaults(...mapping(step)).map((fault) => fault.replace(/^mapping\.0/, ''));
    expect(found).toContainEqual(message);
  });

  it('is for people of other sources than the local list', () => {
    expect(sourceFaults('id: local', 'type: local', 'mapping: []')).toEqual([
      expect.stringMatching(/^mapping: is not a known key; /),
    ]);
  });
});

describe('clients that get logout tokens', () => {
  const client = (line: string) =>
    `clients:\n  - client_id: shop\n    client_secret: env:SECRET\n    grant_types: [client_credentials]\n    ${line}\n`;

  it('have an address for it', () => {
    const wanting = client(
      'backchannel_logout_uri: https://shop.example.com/logout\n    backchannel_logout_session_required: true',
    );
    expect(define(wanting).clients[0]?.metadata).toMatchObject({
      backchannel_logout_uri: 'https://shop.example.com/logout',
      backchannel_logout_session_required: true,
    });
    expect(faultsOf(client('backchannel_logout_uri: http://127.0.0.1:8080/logout'))).toEqual([]);
  });

  it.each([
    [
      'backchannel_logout_uri: http://shop.example.com/',
      'backchannel_logout_uri: is http and not a loopback address; write https://…',
    ],
    [
      'backchannel_logout_uri: https://shop.example.com/#x',
      'backchannel_logout_uri: has a fragment; remove the # and what follows',
    ],
    [
      'backchannel_logout_session_required: true',
      'backchannel_logout_session_required: is of no use without backchannel_logout_uri; remove it',
    ],
  ])('do not have %s', (line, message) => {
    expect(faultsOf(client(line))).toEqual([`clients.0.${message}`]);
  });

  it('may exchange tokens when they can prove themselves', () => {
    expect(define(app(exchange)).clients[0]?.metadata.grant_types).toContain(
      'urn:ietf:params:oauth:grant-type:token-exchange',
    );
    const open = `clients:\n  - client_id: shop\n    token_endpoint_auth_method: none\n    redirect_uris: [https://x.example]\n    grant_types: [authorization_code${exchange}]\n`;
    expect(faultsOf(open)).toEqual([
      'clients.0.grant_types.1: is for confidential clients; give it a client_secret, or remove urn:ietf:params:oauth:grant-type:token-exchange',
    ]);
  });
});
