import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { checkConfig } from '../../src/config/check-config.ts';
import { formatFault } from '../../src/config/parsing/fault.ts';

let cwd = '';
beforeEach(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), 'drawbridge-check-')));
  mkdirSync(join(cwd, 'config'));
  mkdirSync(join(cwd, 'tenants'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

const put = (path: string, text: string): void => writeFileSync(join(cwd, path), text);

describe('checkConfig', () => {
  it('reports faults of the server and of every tenant at once, with paths one can click', () => {
    put('config/server.yaml', 'server:\n  prot: 1\n');
    put('tenants/acme.yaml', 'displayname: x\n');
    put('tenants/good.yaml', 'displayName: Good\n');
    put('tenants/Bad.yaml', '[\n');
    const { faults, tenantCount } = checkConfig({ cwd, env: {} });
    expect(faults.map(formatFault)).toEqual([
      'config/server.yaml:2:3 server.prot: is not a known key; did you mean port?',
      expect.stringMatching(/^tenants\/Bad\.yaml: the name of the file is the tenant id; rename it/),
      expect.stringMatching(
        /^tenants\/Bad\.yaml:\d+:\d+: a colon, comma, bracket or closing quote is missing here$/,
      ),
      'tenants/acme.yaml:1:1 displayname: is not a known key; did you mean displayName?',
    ]);
    expect(tenantCount).toBe(3);
  });

  it('warns where recovery and second factor both go by mail, and refuses email as the only method', () => {
    put('config/server.yaml', 'mail: { host: mail.example.com, from: no-reply@example.com }\n');
    const recovery = 'recovery: { password: mail }\n';
    put('tenants/both.yaml', `${recovery}secondFactor: { methods: [totp, email] }\n`);
    put('tenants/one.yaml', `${recovery}secondFactor: { methods: [totp] }\n`);
    put('tenants/other.yaml', 'secondFactor: { methods: [totp, email] }\n');
    put('tenants/sole.yaml', 'secondFactor: { methods: [email] }\n');
    const { faults, warnings } = checkConfig({ cwd, env: {} });
    const alone = warnings.filter((words) => words.includes('mailbox alone'));
    expect(alone).toEqual([expect.stringMatching(/^tenants\/both\.yaml: .*remove one of them$/)]);
    expect(faults.map(formatFault)).toEqual([
      expect.stringMatching(
        /sole\.yaml:1:\d+ secondFactor\.methods: holds email alone.*write \[totp, passkey, email\]$/,
      ),
    ]);
  });

  it('asks for a mail server where a tenant needs one', () => {
    const app =
      '{ client_id: app, token_endpoint_auth_method: none, redirect_uris: ["https://app.example.com/cb"], firstParty: true, directLogin: true, emailCode: true }';
    put(
      'tenants/shop.yaml',
      `recovery: { password: mail }\nregistration: { mode: invited }\napiKeys: { contact: ops@example.com, verification: mail, own: { services: [a] } }\nsecondFactor: { methods: [totp, email] }\nclients: [${app}]\n`,
    );
    put('tenants/demo.yaml', 'demo: true\nrecovery: { password: mail }\nregistration: { mode: open }\n');
    const ask = (env: Record<string, string> = {}, tenant?: string) =>
      checkConfig({ cwd, env, tenant }).faults.map(formatFault);
    expect(ask()).toEqual([
      'tenants/shop.yaml recovery.password: is mail, but the server has no mail server; set mail.host and mail.from in config/server.yaml, or write off',
      'tenants/shop.yaml registration: sends mails, but the server has no mail server; set mail.host and mail.from in config/server.yaml, or remove registration',
      'tenants/shop.yaml apiKeys.verification: is mail, but the server has no mail server; set mail.host and mail.from in config/server.yaml, or write off',
      'tenants/shop.yaml apiKeys.contact: gets mails, but the server has no mail server; set mail.host and mail.from in config/server.yaml, or remove it',
      'tenants/shop.yaml secondFactor.methods: holds email, but the server has no mail server; set mail.host and mail.from in config/server.yaml, or remove email',
      'tenants/shop.yaml clients.0.emailCode: sends mails, but the server has no mail server; set mail.host and mail.from in config/server.yaml, or remove it',
    ]);
    expect(
      ask({ DRAWBRIDGE_MAIL__HOST: 'smtp.example.com', DRAWBRIDGE_MAIL__FROM: 'a@example.com' }),
    ).toEqual([]);
    expect(ask({}, 'demo')).toEqual([]);
    expect(checkConfig({ cwd, env: {}, tenant: 'demo' }).otherFaulty).toEqual(['shop']);
  });

  it('warns of operators of a tenant that has no file', () => {
    put('config/server.yaml', 'administration: { tenant: acne, operatorRoles: [root] }\n');
    put('tenants/acme.yaml', 'displayName: Acme\n');
    expect(checkConfig({ cwd, env: {} }).warnings).toEqual([
      expect.stringMatching(/^administration\.tenant is acne, which has no file.* acme/),
    ]);
  });

  it('refuses a tenant whose registration would make operators of strangers', () => {
    put(
      'config/server.yaml',
      'administration: { tenant: ops, operatorRoles: [staff], operatorGroups: [crew] }\n',
    );
    const file = 'demo: true\nregistration: { mode: open, roles: [guest, staff], groups: [crew] }\n';
    put('tenants/ops.yaml', file);
    put('tenants/shop.yaml', file);
    expect(checkConfig({ cwd, env: {} }).faults.map(formatFault)).toEqual([
      expect.stringMatching(
        /^tenants\/ops\.yaml registration\.roles: gives staff to everybody .*operatorRoles/,
      ),
      expect.stringMatching(
        /^tenants\/ops\.yaml registration\.groups: gives crew to everybody .*operatorGroups/,
      ),
    ]);
  });

  it('looks where the settings say, and says when that is nowhere', () => {
    mkdirSync(join(cwd, 'elsewhere'));
    put('elsewhere/one.yaml', 'locale: fr\n');
    const found = checkConfig({ cwd, env: { DRAWBRIDGE_TENANTS__DIRECTORY: 'elsewhere' } });
    expect(found.faults.map(({ file }) => file)).toEqual(['elsewhere/one.yaml']);
    const lost = checkConfig({ cwd, env: { DRAWBRIDGE_TENANTS__DIRECTORY: 'nowhere' } });
    expect(lost.faults.map(formatFault)).toEqual([
      expect.stringMatching(/^nowhere: cannot be read \(ENOENT\)/),
    ]);
  });

  it('warns of files that are not looked at and of a folder without tenants', () => {
    put('tenants/acme.yml', '');
    expect(checkConfig({ cwd, env: {} }).warnings).toEqual([
      'tenants/acme.yml is ignored; rename it to end in .yaml',
      'tenants holds no tenant; make one with: npx --no drawbridge init',
    ]);
  });

  it('warns of passwords that go over the net in the clear', () => {
    const source =
      '{ id: old, type: ldap, bind: anonymous, search: { base: dc=x }, insecure: true, url: ldap://x }';
    put('tenants/acme.yaml', `sources:\n  - ${source}\n`);
    expect(checkConfig({ cwd, env: {} })).toMatchObject({
      faults: [],
      warnings: [
        'tenants/acme.yaml: passwords go to the source old in the clear; write ldaps://… and remove insecure',
      ],
    });
  });

  it('warns of an upstream whose people cannot be looked up again', () => {
    const warningsOf = (keys: string): readonly string[] => {
      const named = /preset|issuer/.test(keys) ? '' : 'issuer: https://id.test, ';
      const source = `{ id: corp, ${named}clientId: x, clientSecret: env:S, ${keys} }`;
      put('tenants/acme.yaml', `sources:\n  - ${source}\n`);
      const { faults, warnings } = checkConfig({ cwd, env: { S: 's'.repeat(32) } });
      expect(faults.map(formatFault)).toEqual([]);
      return warnings;
    };
    const warned = [expect.stringMatching(/^tenants\/acme\.yaml: recheck cannot work for the source corp: /)];
    expect(warningsOf('type: oidc')).toEqual(warned);
    expect(warningsOf('preset: google')).toEqual(warned);
    expect(warningsOf('preset: github')).toEqual(warned);
    expect(warningsOf('type: oidc, scopes: openid offline_access')).toEqual([]);
    expect(warningsOf('preset: google, authorizationParameters: { access_type: offline }')).toEqual([]);
    expect(warningsOf('type: oidc, details: { uri: "https://id.test/people/{subject}" }')).toEqual([]);
    expect(warningsOf('preset: keycloak, baseUrl: https://id.test, realm: staff')).toEqual([]);
    expect(warningsOf('preset: gitlab')).toEqual([]);
    // without an address for browsers no refresh token is kept
    const passwordOnly =
      'type: oauth2, passwordSignIn: true, accessTokenUri: "https://id.test/token", userInfoUri: "https://id.test/me", userNameExtractionPattern: /name, scopes: offline_access';
    expect(warningsOf(passwordOnly)).toEqual([expect.stringContaining('it takes passwords only')]);
  });

  it('warns of sources that are believed for the domains of local users, where no list says which these are', () => {
    const warningsOf = (keys: string, local = '{ id: local, type: local }', more = ''): readonly string[] => {
      put('tenants/acme.yaml', `sources:\n  - { id: corp, ${keys} }\n  - ${local}\n${more}`);
      const { faults, warnings } = checkConfig({ cwd, env: {} });
      expect(faults.map(formatFault)).toEqual([]);
      return warnings;
    };
    const http = 'type: http, url: https://old.test/check';
    expect(warningsOf(http)).toEqual([
      'tenants/acme.yaml: no source lists an e-mail domain: corp can give people verified addresses in the domains of local users; add their domains to trustedEmailDomains of the source local',
    ]);
    expect(warningsOf(`${http}, domains: [corp.test]`)).toEqual([]);
    expect(warningsOf(http, '{ id: local, type: local, trustedEmailDomains: [acme.test] }')).toEqual([]);
    expect(
      warningsOf('type: ldap, url: ldaps://id.test, bind: anonymous, search: { base: "dc=acme" }'),
    ).toEqual([]);
    const user = '{ username: a, password: lantern orbit mosaic, email: a@acme.test }';
    expect(warningsOf(http, '{ id: local, type: local }', `demo: true\nusers:\n  - ${user}\n`)).toEqual([]);
  });

  it('warns of services and tenants that miss each other', () => {
    put(
      'config/server.yaml',
      'gateway:\n  services:\n    - { name: shop, host: shop.example.com, tenants: [acme, acne] }\n',
    );
    put('tenants/acme.yaml', 'gateway: { services: { shopp: { enabled: false } } }\n');
    expect(checkConfig({ cwd, env: {} })).toMatchObject({
      faults: [],
      warnings: [
        expect.stringMatching(/^tenants\/acme\.yaml: gateway\.services limits shopp, .*did you mean shop\?$/),
        expect.stringMatching(/^the service shop is for the tenant acne, .*did you mean acme\?$/),
      ],
    });
  });

  it('warns of rules that any client satisfies, where a tenant has clients that are not its own', () => {
    const service = (rules: string): string =>
      `gateway: { services: [{ name: shop, host: shop.example.com, tenants: [acme], resources: ['https://open', 'https://limited'], rules: ${rules} }] }\n`;
    const acme = (firstParty: boolean): string =>
      JSON.stringify({
        resources: [
          { identifier: 'https://open', scopes: { read: 'Read' } },
          { identifier: 'https://limited', clients: ['job'] },
        ],
        clients: [
          { client_id: 'job', client_secret: 'env:JOB', grant_types: ['client_credentials'], firstParty },
        ],
      });
    const warningsOf = (rules: string, firstParty = false): readonly string[] => {
      put('config/server.yaml', service(rules));
      put('tenants/acme.yaml', acme(firstParty));
      const { faults, warnings } = checkConfig({ cwd, env: { JOB: 's'.repeat(32) } });
      expect(faults).toEqual([]);
      return warnings;
    };
    const byAudience =
      'tenants/acme.yaml: the service shop lets any client of this tenant through with a token for https://open';
    expect(warningsOf('[]')).toEqual([expect.stringContaining(byAudience)]);
    expect(warningsOf('[]', true)).toEqual([]);
    expect(warningsOf('[{ scopes: [read] }, { clients: [job] }, { audiences: [https://limited] }]')).toEqual(
      [],
    );
    expect(warningsOf('[{ paths: [/a], scopes: [openid] }]')).toEqual([
      expect.stringContaining('through with openid at /a, which any may ask for'),
    ]);
  });

  it('looks at no tenant in a folder of its own', () => {
    mkdirSync(join(cwd, 'tenants/examples'));
    put('tenants/examples/one.yaml', 'broken: [');
    put('tenants/acme.yaml', 'displayName: Acme\n');
    expect(checkConfig({ cwd, env: {} })).toMatchObject({ faults: [], warnings: [], tenantCount: 1 });
  });

  it('finds secrets in the environment that it is given', () => {
    put(
      'tenants/acme.yaml',
      'clients:\n  - client_id: job\n    client_secret: env:JOB\n    grant_types: [client_credentials]\n',
    );
    expect(checkConfig({ cwd, env: {} }).faults).toHaveLength(1);
    expect(checkConfig({ cwd, env: { JOB: 's'.repeat(32) } }).faults).toEqual([]);
  });
});
