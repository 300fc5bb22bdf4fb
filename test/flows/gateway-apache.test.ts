import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { findPart } from '../../scripts/real-parts.mjs';
import { startApache } from '../support/apache.ts';
import { documentedBlocks, withReplaced } from '../support/documented.ts';
import type { RunningProxy } from '../support/nginx.ts';
import {
  newBrowser,
  type ProxiedService,
  type ProxyPlaces,
  startProxied,
} from '../support/proxied-service.ts';
import {
  alice,
  bob,
  type ClientContent,
  sampleClients,
  secretOf,
  type TenantContent,
} from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';

const secret = secretOf('orders-apache');
const page = 'gateway/apache.md';

const startDocumentedApache = ({ port, drawbridgePort, servicePort }: ProxyPlaces): Promise<RunningProxy> => {
  const [block = ''] = documentedBlocks(page, 'apache');
  const configuration = withReplaced(block.replace(/^\s*SSL.*$/gm, ''), {
    '<VirtualHost *:443>': `<VirtualHost 127.0.0.1:${port}>`,
    'ServerName orders.example.com': 'ServerName 127.0.0.1',
    'https://orders.example.com/': `http://127.0.0.1:${port}/`,
    'https://id.example.com': `http://localhost:${drawbridgePort}`,
    'http://127.0.0.1:8080': `http://127.0.0.1:${servicePort}`,
  });
  const env = { ORDERS_APACHE_SECRET: secret, ORDERS_APACHE_SESSION_KEY: secretOf('session key') };
  return startApache(configuration, port, env);
};

/** The documented client; its redirect address is known when the proxy has its port. */
const tenantAt = (port: number): TenantContent => {
  const [block = ''] = documentedBlocks(page, 'yaml');
  const own = withReplaced(block, {
    'https://orders.example.com': `http://127.0.0.1:${port}`,
    'env:ORDERS_APACHE_SECRET': secret,
  });
  const { clients } = parse(own) as { readonly clients: readonly ClientContent[] };
  return { clients: [...sampleClients, ...clients] };
};

(findPart('apache') === undefined ? describe.skip : describe)(
  'Apache with mod_auth_openidc as documented',
  () => {
    let proxied: ProxiedService;
    beforeAll(async () => {
      proxied = await startProxied({
        store: sqliteStore,
        startProxy: startDocumentedApache,
        tenant: tenantAt,
      });
    });
    afterAll(() => proxied.close());

    const signIn = async (person: typeof alice | typeof bob, path: string) => {
      const browser = newBrowser();
      const login = await browser.follow(await browser.get(`${proxied.origin}${path}`));
      const back = await browser.submit(login, { login: person.username, password: person.password });
      return { browser, page: await browser.follow(back) };
    };

    it('signs a user in, and passes user name and groups to the service', async () => {
      const { page: landed } = await signIn(alice, '/page?x=1');
      expect(landed.status).toBe(200);
      expect(JSON.parse(landed.body)).toMatchObject({
        url: '/page?x=1',
        headers: { 'remote-user': 'alice', 'remote-groups': 'staff,engineering' },
      });
    });

    it('passes no identity that a client sends', async () => {
      const { browser } = await signIn(bob, '/page');
      const cookie = browser
        .cookies()
        .map(({ name, value }) => `${name}=${value}`)
        .join('; ');
      const headers = { cookie, 'remote-user': 'root', remote_user: 'root', 'remote-groups': 'admins' };
      const { status, seen } = await proxied.ask({ path: '/page', headers });
      expect(status).toBe(200);
      expect(seen?.headers['remote-user']).toBe('bob');
      expect(Object.values(seen?.headers ?? {})).not.toContain('root');
      expect(Object.values(seen?.headers ?? {})).not.toContain('admins');
    });

    it('signs the user out at Drawbridge too', async () => {
      const { browser } = await signIn(alice, '/page');
      const away = encodeURIComponent(`${proxied.origin}/`);
      const { location = '' } = await browser.get(`${proxied.origin}/.oidc/callback?logout=${away}`);
      expect(location).toContain(`${proxied.drawbridge.issuer('acme')}/session/end?id_token_hint=`);
      await browser.follow(await browser.submit(await browser.get(location), { logout: 'yes' }));
      const again = await browser.follow(await browser.get(`${proxied.origin}/page`));
      expect(again.url).toContain('/interaction/');
    });

    it('asks for a role where a rule says so', async () => {
      expect((await signIn(alice, '/admin/x')).page.status).toBe(200);
      expect([401, 403]).toContain((await signIn(bob, '/admin/x')).page.status);
    });

    it('answers 401 to programs, without a redirect', async () => {
      const answer = await proxied.ask({ path: '/api/x' });
      expect(answer.status).toBe(401);
      expect(answer.headers).not.toHaveProperty('location');
      expect(answer.seen).toBeUndefined();
    });
  },
);
