import { describe, expect, it } from '@jest/globals';
import { longSecret, tenantTexts } from '../support/tenant-texts.ts';

const { define, source, sourceFaults, faultsOf } = tenantTexts();

const client = ['clientId: drawbridge', 'clientSecret: env:SECRET'];
const oidc = ['id: partner', 'type: oidc', 'issuer: https://id.example.com', ...client];
const sixProperties = [
  ...client,
  'userAuthorizationUri: https://id.example.com/auth',
  'accessTokenUri: https://id.example.com/token',
  'userInfoUri: https://id.example.com/me',
  'userNameExtractionPattern: /preferred_username',
];
const oauth2 = ['id: old', 'type: oauth2', ...sixProperties];

describe('an OpenID Connect source', () => {
  it('needs its issuer, an id and a secret', () => {
    expect(source('oidc', ...oidc)).toEqual({
      id: 'partner',
      type: 'oidc',
      displayName: 'partner',
      domains: [],
      trustedEmailDomains: [],
      mapping: [],
      adopt: 'off',
      recheckSeconds: 300,
      degradedSeconds: 1800,
      revealLock: false,
      issuer: 'https://id.example.com',
      discovery: true,
      clientId: 'drawbridge',
      clientSecret: longSecret,
      clientAuthMethod: 'client_secret_basic',
      tls: {},
      scopes: ['openid', 'profile', 'email'],
      authorizationParameters: {},
      pkce: true,
      usePar: 'auto',
      passwordSignIn: false,
      acceptUpstreamTokens: false,
      tokenCacheSeconds: 5,
      extraInfo: {},
      acr: {},
      requestTimeoutMs: 10_000,
    });
  });

  it('takes all that an upstream may need to know', () => {
    const said = source(
      'oidc',
      ...oidc,
      'discovery: false',
      'userAuthorizationUri: https://id.example.com/auth?p=b2c',
      'accessTokenUri: https://id.example.com/token',
      'jwksUri: http://127.0.0.1:4000/jwks',
      'pushedAuthorizationRequestUri: https://id.example.com/par',
      'endSessionUri: https://id.example.com/logout',
      'clientAuthMethod: client_secret_jwt',
      'scopes: openid email groups',
      'authorizationParameters: { hd: example.com, prompt: select_account }',
      'acr: { "urn:example:mfa": mfa }',
      'acceptUpstreamTokens: true',
      'tokenAudience: api',
      'details: { uri: "https://id.example.com/users/{subject}?n={username}", scope: users }',
      'extraInfo: { photo: https://id.example.com/photo }',
      'emailVerifiedPointer: /address/verified',
      'passwordSignIn: true',
      'adopt: true',
      'timeout: 4s',
    );
    expect(said).toMatchObject({
      discovery: false,
      clientAuthMethod: 'client_secret_jwt',
      scopes: ['openid', 'email', 'groups'],
      authorizationParameters: { hd: 'example.com', prompt: 'select_account' },
      acr: { 'urn:example:mfa': 'mfa' },
      tokenAudience: 'api',
      details: { uri: 'https://id.example.com/users/{subject}?n={username}', scope: 'users' },
      extraInfo: { photo: 'https://id.example.com/photo' },
      emailVerifiedPointer: '/address/verified',
      adopt: 'keep',
      requestTimeoutMs: 4000,
    });
  });

  it('pushes requests as the file says', () => {
    const usePar = (...more: readonly string[]) => source('oidc', ...oidc, ...more);
    expect(usePar('usePar: always')).toMatchObject({ usePar: 'always' });
    expect(usePar('usePar: never')).toMatchObject({ usePar: 'never' });
    const named = 'pushedAuthorizationRequestUri: https://id.example.com/par';
    expect(sourceFaults(...oidc, 'usePar: never', named)).toEqual([
      expect.stringContaining('pushedAuthorizationRequestUri: is of no use'),
    ]);
    const endpoints = [
      'discovery: false',
      'userAuthorizationUri: https://id.example.com/auth',
      'accessTokenUri: https://id.example.com/token',
      'jwksUri: https://id.example.com/jwks',
    ];
    expect(sourceFaults(...oidc, 'usePar: always', ...endpoints)).toEqual([
      expect.stringContaining('pushedAuthorizationRequestUri: is missing'),
    ]);
  });

  it('says what is missing', () => {
    expect(sourceFaults('id: partner', 'type: oidc')).toEqual([
      'issuer: is missing; write the name of the provider, such as https://id.example.com',
      'clientId: is missing; write the id that the provider knows Drawbridge by',
    ]);
    const why = 'is missing; without discovery each endpoint has to be named';
    expect(sourceFaults(...oidc, 'discovery: false')).toEqual([
      `userAuthorizationUri: ${why}`,
      `accessTokenUri: ${why}`,
      `jwksUri: ${why}`,
    ]);
  });

  it('may accept tokens without a client of its own, if it knows whose they must be', () => {
    const alone = [
      'id: partner',
      'type: oidc',
      'issuer: https://id.example.com',
      'acceptUpstreamTokens: true',
    ];
    expect(source('oidc', ...alone, 'tokenAudience: api')).toMatchObject({ clientAuthMethod: 'none' });
    expect(sourceFaults(...alone)).toEqual([
      'clientId: is missing; write the id that the provider knows Drawbridge by',
    ]);
  });

  it.each([
    ['scopes: [profile]', 'scopes: lacks openid, without which there is no ID token; add it'],
    [
      'scopes: ["open id", a"b]',
      'scopes: holds something that is not a scope; write names such as openid or email',
    ],
    [
      'authorizationParameters: { state: x }',
      'authorizationParameters: sets a parameter that Drawbridge makes itself; leave it out (scopes has a key of its own)',
    ],
    ['tokenAudience: api', 'tokenAudience: is of no use without acceptUpstreamTokens: true; remove it'],
    ['adopt: true', 'adopt: is of no use without passwordSignIn: true, as no password is seen; remove it'],
    [
      'details: { uri: https://id.example.com/users }',
      'details.uri: does not name the person; write {subject} or {username} where the name belongs',
    ],
    [
      'details: { uri: "https://{subject}.example.com/" }',
      'details.uri: has {…} in its host; write it behind the first /',
    ],
    ['pkce: maybe', 'pkce: is text; write true or false'],
    [
      'emailVerifiedPointer: verified',
      'emailVerifiedPointer: is not a JSON pointer (RFC 6901); write one such as /preferred_username or /user/name, with ~0 for ~ and ~1 for / in a name',
    ],
    ['isuer: x', 'isuer: is not a known key; did you mean issuer?'],
    ['realm: x', expect.stringMatching(/^realm: is not a known key; /)],
  ])('refuses %s', (line, message) => {
    expect(sourceFaults(...oidc, line)).toEqual([message]);
  });

  it.each([
    ['http://id.example.com', 'is http and not a loopback address; write https://…'],
    ['https://me@id.example.com', 'has a user name before the host; remove it and the @'],
    ['https://id.example.com/#x', 'has a fragment; remove the # and what follows'],
    ['id.example.com', 'is not a web address; write it in full, such as https://id.example.com/oauth2/token'],
    ['https://id.example.com/?x=1', 'has a query; an issuer has none (remove the ? and what follows)'],
    [
      '"https://id.example.com/{tenant}/v2.0"',
      'has {…} that mean nothing; write the issuer, or {tenantid} for Entra',
    ],
  ])('refuses the issuer %s', (issuer, message) => {
    expect(sourceFaults('id: partner', 'type: oidc', `issuer: ${issuer}`, ...client)).toEqual([
      `issuer: ${message}`,
    ]);
  });

  it('may be plain on this machine', () => {
    expect(
      sourceFaults('id: partner', 'type: oidc', 'issuer: http://localhost:3000/oauth/b', ...client),
    ).toEqual([]);
  });
});

describe('how an upstream learns who asks', () => {
  const bare = ['id: partner', 'type: oidc', 'issuer: https://id.example.com', 'clientId: drawbridge'];

  it.each([
    [
      [],
      'clientSecret: is missing; write env:NAME or file:/path, or clientAuthMethod: none for a public client',
    ],
    [
      ['clientSecret: in-the-file-itself'],
      'clientSecret: is written out; write a reference, env:NAME or file:/path (only demo tenants hold secrets)',
    ],
    [
      ['clientSecret: env:NOT_SET'],
      'clientSecret: refers to the environment variable NOT_SET, which is not set; set it, or write another reference',
    ],
    [
      ['clientSecret: env:SECRET', 'clientAuthMethod: none'],
      'clientSecret: is of no use with none; remove it',
    ],
    [['clientAuthMethod: private_key_jwt'], 'privateKey: is missing; write { pem: file:/path }'],
    [
      ['clientAuthMethod: tls_client_auth'],
      'tls.cert: is missing; tls_client_auth needs tls: { cert: file:/…, key: file:/… }',
    ],
    [
      ['clientAuthMethod: none', 'pkce: false'],
      'pkce: is all that protects a public client; remove this line',
    ],
    [
      ['clientAuthMethod: none', 'details: { uri: "https://id.example.com/{subject}" }'],
      'details: needs a client with a secret or key of its own; add those, or remove it',
    ],
  ])('is refused as %j', (lines, message) => {
    expect(sourceFaults(...bare, ...lines)).toEqual([message]);
  });

  it('may be nothing but its id', () => {
    expect(source('oidc', ...bare, 'clientAuthMethod: none').clientSecret).toBeUndefined();
  });
});

describe('the six properties', () => {
  const file = (lines: readonly string[]): string => `${lines.join('\n')}\n`;

  it('at the top of a file are a whole tenant', () => {
    const { sources } = define(file([...sixProperties, 'endSessionUri: https://id.example.com/logout']));
    expect(sources).toMatchObject([
      {
        id: 'upstream',
        type: 'oauth2',
        displayName: 'id.example.com',
        discovery: false,
        clientId: 'drawbridge',
        clientSecret: longSecret,
        clientAuthMethod: 'client_secret_basic',
        userAuthorizationUri: 'https://id.example.com/auth',
        accessTokenUri: 'https://id.example.com/token',
        userInfoUri: 'https://id.example.com/me',
        endSessionUri: 'https://id.example.com/logout',
        userNameExtractionPattern: { kind: 'pointer', pointer: '/preferred_username' },
        scopes: [],
        pkce: true,
        passwordSignIn: false,
        acceptUpstreamTokens: false,
        tokenCacheSeconds: 5,
      },
    ]);
  });

  it('may have a subject, scopes and passwords beside them', () => {
    const more = ['subjectPointer: /id', 'scopes: [a, b]', 'passwordSignIn: true'];
    expect(define(file([...sixProperties, ...more])).sources).toMatchObject([
      { subjectPointer: '/id', scopes: ['a', 'b'], passwordSignIn: true },
    ]);
  });

  it('relay Basic authentication at services, unless the file says otherwise', () => {
    const relays = (source: readonly object[]) => source.map((one) => 'relaysBasic' in one);
    expect(relays(define(file(sixProperties)).sources)).toEqual([true]);
    expect(define(file(sixProperties)).sources).toMatchObject([{ passwordSignIn: false }]);
    for (const line of ['passwordSignIn: false', 'passwordSignIn: true'])
      expect(relays(define(file([...sixProperties, line])).sources)).toEqual([false]);
    const github =
      'sources: [{ preset: github, clientId: a, clientSecret: env:SECRET, userNameExtractionPattern: /login }]';
    expect(relays(define(file([github])).sources)).toEqual([false]);
  });

  it('of which two are enough to accept tokens', () => {
    const two = ['userInfoUri: https://id.example.com/me', 'userNameExtractionPattern: /name'];
    expect(define(file([...two, 'acceptUpstreamTokens: true'])).sources).toMatchObject([
      { id: 'upstream', acceptUpstreamTokens: true, clientAuthMethod: 'none' },
    ]);
    expect(faultsOf(file(two))).toEqual([
      'userAuthorizationUri: is missing; write where people sign in, or one of passwordSignIn: true and acceptUpstreamTokens: true',
    ]);
  });

  it('are all asked for when one of them is there', () => {
    expect(faultsOf('userAuthorizationUri: https://id.example.com/auth\n')).toEqual([
      'accessTokenUri: is missing; write where codes and passwords are exchanged for tokens',
      'clientId: is missing; write the id that the upstream knows Drawbridge by',
      'userInfoUri: is missing; write where the upstream says who a token is about',
      'userNameExtractionPattern: is missing; write where the name is in the user-info answer, such as /preferred_username',
    ]);
  });

  it('stand in one of sources, not beside it', () => {
    const both = `${file(sixProperties)}sources:\n  - { id: local, type: local }\n`;
    expect(faultsOf(both)).toEqual(
      sixProperties.map(
        (line) =>
          `${line.split(':')[0]}: does not go with sources; move it into an entry there, with type: oauth2`,
      ),
    );
    expect(sourceFaults(...oauth2)).toEqual([]);
  });

  it('that are wrong are not missing as well', () => {
    const wrong = sixProperties.map((line) => line.replace('https://id.example.com/token', 'nowhere'));
    expect(faultsOf(file(wrong))).toEqual([
      'accessTokenUri: is not a web address; write it in full, such as https://id.example.com/oauth2/token',
    ]);
    const misspelt = sixProperties.map((line) => line.replace('accessTokenUri', 'acessTokenUri'));
    expect(faultsOf(file(misspelt))).toEqual([
      'acessTokenUri: is not a known key; did you mean accessTokenUri?',
    ]);
  });
});

describe('userNameExtractionPattern', () => {
  const withPattern = (pattern: string) => [
    ...oauth2.filter((line) => !line.startsWith('userName')),
    `userNameExtractionPattern: ${JSON.stringify(pattern)}`,
  ];

  it.each([
    '^.*"preferred_username":"([^"]+)".*$',
    '"preferred_username"\\s*:\\s*"([^"\\\\]+)"',
    '(?s).*"email" ?: ?"(?<name>[^@"]+)@',
    '(?i)"upn":"(?P<name>[\\w.-]+)',
  ])('may be the regular expression %s', (pattern) => {
    expect(source('oauth2', ...withPattern(pattern)).userNameExtractionPattern).toEqual({
      kind: 'regex',
      pattern,
    });
  });

  it.each(['/user/name', '/a~1b/~0/0', '/'])('may be the JSON pointer %s', (pointer) => {
    expect(source('oauth2', ...withPattern(pointer)).userNameExtractionPattern).toEqual({
      kind: 'pointer',
      pointer,
    });
  });

  it.each([
    ['/user~2', /^is not a JSON pointer \(RFC 6901\); write one such as \/preferred_username/],
    ['"name":"[^"]+"', /^has no group; put brackets round the part that is the name/],
    ['"name":"([^"]+"', /^is not a regular expression as RE2 has them/],
    ['(?<=name":")([^"]+)', /^looks ahead or behind, which RE2 does not do/],
    ['"(n)ame":"(.*?)\\1', /^refers back to a group, which RE2 does not do/],
    ['"name":"([^"]++)', /^has a possessive or atomic group, which RE2 does not know/],
    ['((a{1000}){1000})', /^is not a regular expression as RE2 has them/],
    ['', /^is empty; write a regular expression/],
    [`(${'a'.repeat(1000)})`, /^is longer than 1000 characters/],
  ])('is refused as %j', (pattern, words) => {
    const [fault = '', ...others] = sourceFaults(...withPattern(pattern));
    expect(fault.replace('userNameExtractionPattern: ', '')).toMatch(words);
    expect(others).toEqual([]);
  });
});

describe('presets', () => {
  it.each([
    ['google', [], 'Google', { issuer: 'https://accounts.google.com' }],
    [
      'microsoft-entra',
      ['tenantId: 11111111-2222-3333-4444-555555555555'],
      'Microsoft',
      {
        issuer: 'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0',
        emailVerifiedPointer: '/xms_edov',
      },
    ],
    ['microsoft-entra', [], 'Microsoft', { issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0' }],
    ['gitlab', [], 'GitLab', { issuer: 'https://gitlab.com' }],
    ['gitlab', ['baseUrl: https://git.example.com/'], 'GitLab', { issuer: 'https://git.example.com' }],
    [
      'keycloak',
      ['baseUrl: https://id.example.com/auth/', 'realm: staff'],
      'Keycloak',
      { issuer: 'https://id.example.com/auth/realms/staff' },
    ],
    ['auth0', ['domain: acme.eu.auth0.com'], 'Auth0', { issuer: 'https://acme.eu.auth0.com/' }],
    ['okta', ['domain: acme.okta.com'], 'Okta', { issuer: 'https://acme.okta.com' }],
    [
      'okta',
      ['domain: acme.okta.com', 'authorizationServer: default'],
      'Okta',
      { issuer: 'https://acme.okta.com/oauth2/default' },
    ],
  ])('know where %s is, given %j', (preset, lines, displayName, found) => {
    expect(source('oidc', `preset: ${preset}`, ...client, ...lines)).toMatchObject({
      ...found,
      id: preset,
      type: 'oidc',
      displayName,
      discovery: true,
      scopes: ['openid', 'profile', 'email'],
      clientAuthMethod: 'client_secret_basic',
    });
  });

  it('know GitHub, whose people are its numbers and never their logins', () => {
    expect(source('oauth2', 'preset: github', ...client)).toMatchObject({
      id: 'github',
      displayName: 'GitHub',
      discovery: false,
      userAuthorizationUri: 'https://github.com/login/oauth/authorize',
      accessTokenUri: 'https://github.com/login/oauth/access_token',
      userInfoUri: 'https://api.github.com/user',
      extraInfo: { emails: 'https://api.github.com/user/emails' },
      subjectPointer: '/id',
      scopes: ['read:user', 'user:email'],
      clientAuthMethod: 'client_secret_post',
    });
  });

  it('give way to what the file says', () => {
    expect(
      source(
        'oauth2',
        'preset: github',
        'id: code',
        'displayName: Our code',
        ...client,
        'scopes: [user]',
        'extraInfo: { orgs: https://api.github.com/user/orgs }',
      ),
    ).toMatchObject({
      id: 'code',
      displayName: 'Our code',
      scopes: ['user'],
      extraInfo: {
        emails: 'https://api.github.com/user/emails',
        orgs: 'https://api.github.com/user/orgs',
      },
    });
  });

  it.each([
    [
      ['preset: keycloak'],
      [
        'baseUrl: is missing; keycloak cannot be found without it',
        'realm: is missing; keycloak cannot be found without it',
      ],
    ],
    [['preset: auth0'], ['domain: is missing; auth0 cannot be found without it']],
    [['preset: google', 'realm: x'], ['realm: means nothing to google; remove it']],
    [['preset: google', 'type: oauth2'], ['type: is not what google is; remove it']],
    [
      ['preset: okta', 'domain: https://acme.okta.com'],
      [
        'domain: is not a host; write the name alone, in lower case and without https://, such as acme.okta.com',
      ],
    ],
    [
      ['preset: microsoft-entra', 'tenantId: acme.onmicrosoft.com'],
      [
        'tenantId: is not the id of a directory; write the 36 characters of the directory (tenant) id, in lower case',
      ],
    ],
    [
      ['preset: gogle'],
      [
        'preset: is not one of the known values; write google or microsoft-entra or github or gitlab or keycloak or auth0 or okta',
      ],
    ],
    [['preset: google', 'domian: x'], ['domian: is not a known key; did you mean domain?']],
  ])('differ from mistakes in %j', (lines, messages) => {
    expect(sourceFaults(...lines, ...client)).toEqual(messages);
  });

  it('cannot stand twice under the same id', () => {
    const google = '  - { preset: google, clientId: a, clientSecret: env:SECRET }\n';
    expect(faultsOf(`sources:\n${google}${google}`)).toEqual([
      'sources.1.id: is missing; a source above has the id that follows from the preset',
    ]);
  });
});
