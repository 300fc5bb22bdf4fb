// What the record of an event says of the request that has caused it.
import assert from 'node:assert';
import { expect, it } from '@jest/globals';
import { databaseFile } from '../../src/storage/sqlite/connection.ts';
import { loadDriver } from '../../src/storage/sqlite/driver.ts';
import type { AuditRecord } from '../../src/storage/storage-records.ts';
import { askApi } from '../support/account-api.ts';
import { createBrowser, formsOf } from '../support/browser.ts';
import { serviceOf } from '../support/guarded-service.ts';
import { addNewPerson } from '../support/new-person.ts';
import { basicAuthorization, postAs, tokensFor } from '../support/oauth-client.ts';
import { migrator, sampleTenant, web } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const server = await useServer({
  store: sqliteStore,
  tenants: { acme: sampleTenant() },
  settings: { gateway: { services: [serviceOf('files', { prefix: '/files' })] } },
});
const issuer = server.issuer('acme');
const address = expect.stringMatching(/^(127\.0\.0\.1|::1)$/);
/** What Node lets through of characters that move the cursor or could begin a line. */
const hostile = `Mozilla/5.0\u0085\u009b2J","actor":"cli" ${'x'.repeat(500)}`;

const lastOf = async (action: string): Promise<AuditRecord> => {
  const found = await server.storage.forTenant('acme').audit.list({ limit: 50 });
  return found.find((record) => record.action === action) ?? assert.fail(`no record of ${action}`);
};

it('a refusal of the token endpoint: client, browser, and the ids that the answer has', async () => {
  const { headers, status } = await postAs(migrator, `${issuer}/token`, {
    form: { grant_type: 'password', username: 'alice', password: 'not this one' },
    headers: { 'user-agent': hostile },
  });
  expect(status).toBe(400);
  const record = await lastOf('sign_in.password_grant');
  expect(record).toMatchObject({
    ...{ actor: 'alice', actorKind: 'unproven', channel: 'protocol', address, clientId: migrator.id },
    requestId: headers.get('x-request-id'),
    errorId: headers.get('x-error-id'),
  });
  expect(record.userAgent).toMatch(/^Mozilla\/5\.0\\u\{85\}\\u\{9b\}2J","actor":"cli" x+…$/);
  expect(record.userAgent).toHaveLength(256);
});

it('an act of a person, by the API and on a page: the same session, and nothing that opens it', async () => {
  const { person, sub } = await addNewPerson(server);
  const browser = createBrowser({ 'user-agent': 'Firefox' });
  const { access_token: token = '' } = await tokensFor(
    browser,
    { issuer, client: web, scope: 'openid account' },
    person,
  );
  expect(await lastOf('sign_in.page')).toMatchObject({ actor: sub, actorKind: 'person', channel: 'page' });

  const changed = await askApi(issuer, '/sessions', { method: 'DELETE', token });
  const sessions = await askApi(issuer, '/sessions', { token });
  expect(changed.status).toBeLessThan(300);
  const byApi = await lastOf('session.end_others');
  const [{ id: session }] = sessions.body.sessions as [{ id: string }];
  expect(byApi).toMatchObject({ actorKind: 'person', channel: 'api', address, clientId: web.id, session });
  expect(byApi).not.toHaveProperty('errorId');

  const account = await browser.get(`${issuer}/account/sessions`);
  const form = formsOf(account).find(({ action }) => action.endsWith('/account/sessions/end-others'));
  await browser.post(form?.action ?? '', form?.fields ?? {});
  const byPage = await lastOf('session.end_others');
  expect(byPage).toMatchObject({ actorKind: 'person', channel: 'page', userAgent: 'Firefox', session });
  expect(byPage.id).not.toBe(byApi.id);

  const records = JSON.stringify(await server.storage.forTenant('acme').audit.list({ sub, limit: 50 }));
  expect(records).not.toContain(token);
  for (const { value } of browser.cookies()) expect(records).not.toContain(value.split('.')[0]);
});

it('a wrong password on the page, where the form is shown again and no error is answered', async () => {
  const browser = createBrowser();
  const login = await browser.follow(await browser.get(`${issuer}/account`));
  const { action = '', fields = {} } = formsOf(login)[0] ?? {};
  await browser.post(action, { ...fields, login: 'alice', password: 'not this one' });
  const record = await lastOf('sign_in.page');
  expect(record).toMatchObject({ outcome: 'failure', actorKind: 'unproven', channel: 'page', address });
  expect(record).not.toHaveProperty('errorId');
});

it('a wrong password at a service, and an act of the command line', async () => {
  const refused = await fetch(`${server.publicUrl}/files/`, {
    headers: { 'user-agent': 'curl/8', ...basicAuthorization({ id: 'alice', secret: 'not this one' }) },
  });
  expect(refused.status).toBe(401);
  expect(await lastOf('sign_in.basic')).toMatchObject({
    ...{ actor: 'alice', actorKind: 'unproven', channel: 'gateway', userAgent: 'curl/8', address },
    errorId: refused.headers.get('x-error-id'),
  });
  await addNewPerson(server);
  const byCli = await lastOf('user.add');
  expect(byCli).toMatchObject({ actor: 'cli', actorKind: 'operator', channel: 'cli' });
  expect(byCli).not.toHaveProperty('requestId');
});

it('sign-ins go on while records cannot be written, the log says so, and a record says how many are missing', async () => {
  const file = databaseFile(server.storeUrl.slice('file:'.length));
  const execute = async (sql: string): Promise<void> => {
    const database = (await loadDriver())(file);
    database.exec(sql);
    database.close();
  };
  const { person } = await addNewPerson(server);
  const form = { grant_type: 'password', ...person };
  const signIn = async (): Promise<number> => (await postAs(migrator, `${issuer}/token`, { form })).status;
  await execute("CREATE TRIGGER no_audit BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END");
  expect([await signIn(), await signIn()]).toEqual([200, 200]);
  const loud = server.logLines().filter((line) => line.includes('audit record not written'));
  expect(loud.map((line) => JSON.parse(line))).toEqual(
    [1, 2].map(() =>
      expect.objectContaining({ level: 'error', audit: expect.objectContaining({ channel: 'protocol' }) }),
    ),
  );
  await execute('DROP TRIGGER no_audit');
  expect(await signIn()).toBe(200);
  expect(await lastOf('audit.gap')).toMatchObject({
    ...{ actor: 'drawbridge', actorKind: 'server', outcome: 'failure' },
    reason: expect.stringMatching(/^2 from /),
  });
});
