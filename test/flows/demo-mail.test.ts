import { afterEach, expect, it } from '@jest/globals';
import { createBrowser } from '../support/browser.ts';
import { startMailServer } from '../support/mail-server.ts';
import { sqliteStore } from '../support/stores.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

let server: TestServer;
afterEach(() => server.close());

const page = async (id: string) => {
  const { status, body: html } = await createBrowser().get(`${server.issuer(id)}/demo-mail`);
  return { status, html };
};

const write = async (id: string): Promise<void> => {
  const lookup = await server.instances[0]?.tenants.find(id);
  if (lookup?.status !== 'served') throw new Error('the tenant is not served');
  await lookup.tenant.mail.send({
    kind: 'test',
    to: 'alice@example.com',
    locale: 'de',
    link: `${server.issuer(id)}/somewhere`,
  });
};

const tenants = {
  shop: 'displayName: Shop\ndemo: true\n',
  acme: 'displayName: Acme\n',
};

it('shows the mails of a demo tenant where nothing sends them, and those of no other', async () => {
  server = await startTestServer({ store: sqliteStore, tenants });
  expect(await page('shop')).toMatchObject({
    status: 200,
    html: expect.stringContaining('There is no mail yet'),
  });
  await write('shop');
  const { html } = await page('shop');
  expect(html).toContain('Testmail von Shop');
  expect(html).toContain('alice@example.com');
  expect(html).toContain(`href="${server.issuer('shop')}/somewhere"`);
  await write('acme');
  expect((await page('acme')).status).toBe(404);
});

it('has no such page once there is a mail server', async () => {
  const mail = await startMailServer();
  try {
    server = await startTestServer({ store: sqliteStore, tenants, settings: { mail: mail.settings } });
    expect((await page('shop')).status).toBe(404);
    await write('shop');
    expect(await mail.mailsTo('alice@example.com')).toMatchObject([{ from: { name: 'Shop' } }]);
  } finally {
    await mail.close();
  }
});
